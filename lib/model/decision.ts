/**
 * What a judgement can say, and the proof of it that forwarding asks for.
 */
import type { ByteBudget } from './budget.ts'
import type { Facts } from './request.ts'
import type { RefusalCode } from './errors.ts'
import type { Terms } from './policy.ts'

/** Proof that a request was decided. `forward/` accepts nothing else. It cannot be made by a literal, `new` or a spread. */
export class Permit {
  readonly #seal = true
  readonly facts: Facts
  readonly ruleId: string | null
  readonly terms: Terms

  private constructor(facts: Facts, ruleId: string | null, terms: Terms) {
    this.facts = facts
    this.ruleId = ruleId
    this.terms = terms
    Object.freeze(this)
  }

  /** @internal called in decide/ and nowhere else (test/house/permit.test.ts) */
  static issue(facts: Facts, ruleId: string | null, terms: Terms): Permit {
    return new Permit(facts, ruleId, terms)
  }

  static is(value: unknown): value is Permit {
    return typeof value === 'object' && value !== null && #seal in value && value.#seal
  }
}

export interface Allow {
  readonly kind: 'allow'
  readonly permit: Permit
  /** The rule that ruled; null where no rule did (a grant for an unmatched request, or `observe`). */
  readonly rule: string | null
  /** Id of the grant that opened the way, if one did. */
  readonly grant: string | null
  /** That grant was for exactly this request. */
  readonly isOnce: boolean
  /** Passed only because `unmatched` is `observe`. */
  readonly wouldHold: boolean
  /** Counters to raise by one in this same turn: of each rule or grant that opened a reading and whose uses are limited. */
  readonly useKeys: readonly string[]
  /** Those of them whose bytes are limited: all that passes is counted against each. */
  readonly byteBudgets: readonly ByteBudget[]
}

export interface Hold {
  readonly kind: 'hold'
  /** The hold rule that asks, or null where no rule matched: what a grant must answer. */
  readonly rule: string | null
  readonly note: string | null
}

export interface Deny {
  readonly kind: 'deny'
  readonly code: RefusalCode
  readonly rule: string | null
  /** For the operator and the audit log, never for the client. */
  readonly reason: string
}

/** At request time. */
export type Decision = Allow | Hold | Deny

/** Nobody needs to wait for it. */
export type Ruling = Allow | Deny

/**
 * At connection time, when only host and port are known.
 *
 * `tunnel`: the stream is ruled now, as a whole, by a `tcp` rule.
 * `passthrough`: if TLS for this name follows, it is ruled as a whole and its bytes are not read.
 * `intercept`: each request will be ruled on its own.
 */
export type Admission =
  | { readonly kind: 'tunnel' }
  | { readonly kind: 'passthrough' }
  | { readonly kind: 'intercept' }
