/**
 * What approvals opened, and how often each rule was used.
 *
 * The grants are bounded by an LRU cache (lru-cache: its only use here is "the oldest makes room"; its own
 * TTL runs by another clock than a rule's expiry, so it is not used). Dropping a grant is safe: its requests
 * are asked about again. Dropping a *count* is not: a rule for one use would be good for another, so counts
 * are kept exactly, in a plain map, until their rule is gone.
 *
 * A grant ends when its time has come by the wall clock or by the one that only grows, whichever is first: setting the
 * machine's clock back gives it no longer life than somebody meant.
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../model/clock.ts'
import type { Grant } from '../model/hold.ts'

export interface GrantStore {
  /** Same id: replaces it. @returns the live grants, this one among them unless it has ended already */
  add(grant: Grant): readonly Grant[]
  remove(id: string): void
  /**
   * The grants that hold at `now`, oldest first: an immutable snapshot, the same array while nothing changed.
   * @param now milliseconds since 1970; `now >= expiresAt` ends a grant
   */
  live(now: number): readonly Grant[]
  /** When the next grant ends, milliseconds since 1970 as the wall clock stands now; null when none will. */
  nextExpiry(): number | null
  /** Uses counted so far under this key. */
  used(useKey: string): number
  /** Counts one use. */
  take(useKey: string): void
  /** Drops the counts whose rule is gone; call it only with knowledge of every rule and grant in force. */
  forgetUses(isInForce: (useKey: string) => boolean): void
}

/** Infinity: never. */
interface Ends {
  /** Milliseconds since 1970. */
  readonly wall: number
  /** On the clock's `elapsed`. */
  readonly elapsed: number
}

interface Kept {
  readonly grant: Grant
  readonly ends: Ends
}

/** @param options `max`: grants kept at the same time */
export function createGrantStore({ clock, max }: { readonly clock: Clock, readonly max: number }): GrantStore {
  const grants = new LRUCache<string, Kept>({ max })
  const uses = new Map<string, number>()
  let snapshot: { readonly grants: readonly Grant[], readonly ends: Ends } | null = null

  /** Ended grants are removed here, so that none of them pushes a live one out. */
  function look(now: number): NonNullable<typeof snapshot> {
    const elapsed = clock.elapsed()
    if (snapshot !== null && now < snapshot.ends.wall && elapsed < snapshot.ends.elapsed) return snapshot
    const live: Grant[] = []
    const ends = { wall: Infinity, elapsed: Infinity }
    // `rvalues` runs from the least recently set; nothing is ever read with `get`, so that is the oldest.
    for (const { grant, ends: { wall, elapsed: until } } of [...grants.rvalues()] as Kept[]) {
      if (now < wall && elapsed < until) {
        live.push(grant)
        ends.wall = Math.min(ends.wall, wall)
        ends.elapsed = Math.min(ends.elapsed, until)
      } else {
        grants.delete(grant.id)
      }
    }
    snapshot = { grants: Object.freeze(live), ends }
    return snapshot
  }

  return {
    add(grant) {
      const now = clock.now()
      look(now)
      const wall = grant.expiresAt ?? Infinity
      grants.set(grant.id, { grant: Object.freeze({ ...grant }), ends: { wall, elapsed: clock.elapsed() + (wall - now) } })
      snapshot = null
      return look(clock.now()).grants
    },
    remove(id) {
      if (grants.delete(id)) snapshot = null
    },
    live: now => look(now).grants,
    nextExpiry() {
      const now = clock.now()
      const { ends } = look(now)
      const next = Math.min(ends.wall, now + (ends.elapsed - clock.elapsed()))
      return next === Infinity ? null : next
    },
    used: useKey => uses.get(useKey) ?? 0,
    take(useKey) {
      uses.set(useKey, (uses.get(useKey) ?? 0) + 1)
    },
    forgetUses(isInForce) {
      for (const useKey of uses.keys()) if (!isInForce(useKey)) uses.delete(useKey)
    },
  }
}
