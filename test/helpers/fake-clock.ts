/** Time that moves only when a test says so. */
import type { Clock, Timer } from '../../lib/model/clock.ts'

export interface FakeClock extends Clock {
  /** Moves time on and makes the calls that are due, in order. */
  advance(ms: number): void
  /** Sets the wall clock on (or back) without any time passing. */
  jump(ms: number): void
  /** Calls that are still to come. */
  readonly pending: number
}

export function fakeClock(start = Date.parse('2030-01-01T00:00:00Z')): FakeClock {
  let time = 0
  let set = 0
  const timers = new Set<{ due: number, call: () => void, every: number | null }>()
  const add = (ms: number, call: () => void, every: number | null): Timer => {
    const timer = { due: time + ms, call, every }
    timers.add(timer)
    return { cancel: () => timers.delete(timer) }
  }
  return {
    now: () => start + time + set,
    elapsed: () => time,
    after: (ms, call) => add(ms, call, null),
    every: (ms, call) => add(ms, call, ms),
    advance(ms) {
      const end = time + ms
      for (;;) {
        const next = [...timers].filter(timer => timer.due <= end).sort((a, b) => a.due - b.due)[0]
        if (next === undefined) break
        time = Math.max(time, next.due)
        if (next.every === null) timers.delete(next)
        else next.due += next.every
        next.call()
      }
      time = end
    },
    jump(ms) { set += ms },
    get pending() { return timers.size },
  }
}
