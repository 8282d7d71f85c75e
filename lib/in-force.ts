/**
 * The policy in force: one immutable value `{ ruleset, grants, generation }` that reloads, answers
 * and expiry replace as a whole, so that no judgement ever sees half of a change.
 */
import type { Loaded } from './config/load.ts'
import { compileGrants, compileRuleset } from './decide/compile.ts'
import type { GrantIndex, Ruleset } from './decide/ruleset.ts'
import type { Clock, Timer } from './model/clock.ts'
import type { Grant } from './model/hold.ts'

export type SoundPolicy = Extract<Loaded, { kind: 'policy' }>

export interface InForce {
  readonly loaded: SoundPolicy
  readonly ruleset: Ruleset
  readonly grants: GrantIndex
  readonly generation: number
}

export interface GrantSource {
  live(now: number): readonly Grant[]
  /** Milliseconds since 1970, as the wall clock stands now; null when nothing ends. */
  nextExpiry(): number | null
}

export interface Holder {
  readonly now: InForce
  /** Swaps the policy in and tells everybody who was ruled by the one before. */
  replacePolicy(loaded: SoundPolicy): void
  /** Swaps the grants in, and again when the next of them ends. */
  refreshGrants(): void
  close(): void
}

/** @param changed called after each swap, in the same turn */
export function createHolder(first: SoundPolicy, grants: GrantSource, clock: Clock, changed: () => void): Holder {
  let inForce: InForce = { loaded: first, ruleset: compileRuleset(first.document, first.hash), grants: compileGrants([]), generation: 1 }
  let timer: Timer | null = null

  function swap(part: Partial<Pick<InForce, 'loaded' | 'ruleset'>>): void {
    inForce = { ...inForce, ...part, generation: inForce.generation + 1 }
    // Before the grants are read: one that ends between the two is looked for again at once, and not forgotten.
    arm()
    inForce = { ...inForce, grants: compileGrants(grants.live(clock.now())) }
    changed()
  }

  /** Rules and grants end by the clock: whoever they let through is judged again then. */
  function arm(): void {
    timer?.cancel()
    const now = clock.now()
    const next = earliest(grants.nextExpiry(), inForce.ruleset.nextExpiry(now))
    if (next === null) timer = null
    else if (next - now <= MAX_WAIT_MS) timer = clock.after(Math.max(next - now, 0), expire)
    else timer = clock.after(MAX_WAIT_MS, () => clock.now() >= next ? expire() : arm())
  }

  function expire(): void {
    swap({})
  }

  arm()
  return {
    get now() { return inForce },
    replacePolicy(loaded) {
      swap({ loaded, ruleset: compileRuleset(loaded.document, loaded.hash) })
    },
    refreshGrants: expire,
    close() { timer?.cancel() },
  }
}

/** After this the wall clock is looked at again: it may have been set. */
const MAX_WAIT_MS = 60_000

function earliest(a: number | null, b: number | null): number | null {
  if (a === null) return b
  return b === null ? a : Math.min(a, b)
}
