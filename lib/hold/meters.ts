/**
 * Bytes, and requests of the last minute, by the counter of the rule or grant that let them through.
 *
 * The promise: nothing is forgotten while its rule lives, and a minute is never shorter than sixty seconds, whatever
 * happens to the machine's wall clock. A minute is counted in seconds, so that a counter has one size for any limit.
 */
import { UNSPENT } from '../model/budget.ts'
import type { Spent } from '../model/budget.ts'
import type { Clock } from '../model/clock.ts'

export interface Meters {
  spent(useKey: string): Spent
  /** Counts one request or stream that begins. */
  begin(useKey: string): void
  /**
   * Counts bytes that are about to pass.
   * @returns false where they are more than what was left of `max`: all of it is spent then
   */
  pass(useKey: string, bytes: number, max: number): boolean
}

/** The last sixty that are over, and the one that runs. */
const SECONDS = 61

interface Counter {
  bytes: number
  /** Requests by second, each in the place of its number. */
  readonly seconds: Uint32Array
  /** The latest second that is in it. */
  latest: number
}

export function createMeters(clock: Clock): Meters {
  const counters = new Map<string, Counter>()
  const second = (): number => Math.floor(clock.elapsed() / 1_000)

  function counter(useKey: string): Counter {
    const known = counters.get(useKey)
    if (known !== undefined) return known
    const fresh = { bytes: 0, seconds: new Uint32Array(SECONDS), latest: second() }
    counters.set(useKey, fresh)
    return fresh
  }

  return {
    spent(useKey) {
      const known = counters.get(useKey)
      if (known === undefined) return UNSPENT
      advance(known, second())
      return { bytes: known.bytes, lastMinute: known.seconds.reduce((sum, count) => sum + count, 0) }
    },
    begin(useKey) {
      const known = counter(useKey)
      advance(known, second())
      known.seconds[known.latest % SECONDS]!++
    },
    pass(useKey, bytes, max) {
      const known = counter(useKey)
      const fits = known.bytes + bytes <= max
      known.bytes = fits ? known.bytes + bytes : Math.max(known.bytes, max)
      return fits
    },
  }
}

/** Empties the places of the seconds that are over for longer than a minute. */
function advance(counter: Counter, now: number): void {
  if (now - counter.latest >= SECONDS) counter.seconds.fill(0)
  else for (let second = counter.latest + 1; second <= now; second++) counter.seconds[second % SECONDS] = 0
  counter.latest = Math.max(counter.latest, now)
}
