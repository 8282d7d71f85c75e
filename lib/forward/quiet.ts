/** Tells when nothing has moved for a while, at the cost of one timer and no listener. */
import type { Clock } from '../model/clock.ts'

/** Looks in one limit: how exactly the limit is kept. */
const LOOKS = 60

/**
 * @param bytes a count that grows with everything that moves
 * @param call once, when it has not grown for `ms` (and at most a sixtieth more)
 * @returns how to stop watching
 */
export function whenQuiet(clock: Clock, ms: number, bytes: () => number, call: () => void): () => void {
  let seen = bytes()
  let since = clock.elapsed()
  const timer = clock.every(Math.max(1, Math.ceil(ms / LOOKS)), () => {
    const now = bytes()
    if (now !== seen) {
      seen = now
      since = clock.elapsed()
    } else if (clock.elapsed() - since >= ms) {
      timer.cancel()
      call()
    }
  })
  return () => timer.cancel()
}
