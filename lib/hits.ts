/**
 * How often each rule and each grant ruled, since the firewall started.
 */
import type { Clock } from './model/clock.ts'

export interface Hits {
  /** Counts one. @param name of a rule or a grant; null: no rule matched */
  note(name: string | null): void
  of(name: string | null): { readonly hits: number, readonly lastHit: string | null }
}

/** Names that are counted. Beyond it the one that was counted first is forgotten: policies come and go. */
const MAX_NAMES = 200_000

export function createHits(clock: Clock): Hits {
  const counts = new Map<string | null, { hits: number, at: number }>()
  return {
    note(name) {
      const known = counts.get(name)
      if (known !== undefined) {
        known.hits++
        known.at = clock.now()
        return
      }
      if (counts.size >= MAX_NAMES) counts.delete(counts.keys().next().value!)
      counts.set(name, { hits: 1, at: clock.now() })
    },
    of(name) {
      const known = counts.get(name)
      return known === undefined ? { hits: 0, lastHit: null } : { hits: known.hits, lastHit: new Date(known.at).toISOString() }
    },
  }
}
