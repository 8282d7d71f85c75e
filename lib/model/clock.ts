/**
 * Time, as something that is handed in. The only file that reads the real clock.
 */

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. For dates, expiry of rules and the log. */
  now(): number
  /** Milliseconds that only grow, also when the wall clock is set. For lengths of time. */
  elapsed(): number
  /** Calls once after `ms`; never keeps the process alive by itself. */
  after(ms: number, call: () => void): Timer
  /** Calls again and again; never keeps the process alive by itself. */
  every(ms: number, call: () => void): Timer
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  every(ms, call) {
    const timer = setInterval(call, ms)
    timer.unref()
    return { cancel: () => clearInterval(timer) }
  },
}
