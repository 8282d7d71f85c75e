/**
 * What an operator decided, as it is told afterwards: to other doors, in the log, and to whoever wants to take it back.
 */
import type { BudgetTold } from './budget.ts'
import type { RuleDocument, RuleShape, Unmatched } from './policy.ts'

/** How far a decision reaches. `session`: until the firewall stops; `always`: the rule stands in the policy file. */
export type DecisionScope = 'once' | 'uses' | 'ttl' | 'session' | 'always'

/** One decision. JSON-safe; `rule`, `reason` and `note` are an approver's words, unread. */
export interface Decided {
  readonly question: string
  readonly verdict: 'approve' | 'deny'
  readonly scope: DecisionScope
  /** What `undo` takes; null for a denial. */
  readonly grant: string | null
  /** null for a denial, and for `once`: exactly what was asked about. */
  readonly rule: RuleShape | null
  readonly by: string | null
  readonly door: string
  /** RFC 3339. */
  readonly at: string
  /** When it ends by itself, RFC 3339; null where time does not end it. */
  readonly expiresAt: string | null
  readonly maxUses: number | null
  readonly reason: string | null
  readonly note: string | null
}

/** What an approval opened, as long as it is open. JSON-safe. */
export interface Granted {
  readonly id: string
  readonly question: string
  readonly scope: DecisionScope
  /** What it covers. Of `once`: the one request, as a rule would name it. */
  readonly rule: RuleShape
  /** The hold rule that it answers; null: no rule matched. */
  readonly answers: string | null
  readonly by: string | null
  readonly door: string
  /** RFC 3339. */
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly maxUses: number | null
  /** Requests and streams that it let through so far. */
  readonly uses: number
  readonly lastUsed: string | null
  /** WebSockets and tunnels that it keeps open now. */
  readonly live: number
  /** null: it is not limited in what it lets through. */
  readonly budget: BudgetTold | null
  /** Of the policy, when it was granted. */
  readonly generation: number
}

export type Undone =
  /** @property closed  WebSockets and tunnels that nothing else allowed */
  | { readonly kind: 'undone', readonly closed: number }
  /** There is no such grant, or it ended already. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused', readonly problems: readonly string[] }

/** A rule in force, and how often it ruled since the firewall started. */
export interface RuleInForce {
  readonly rule: RuleDocument
  /** Requests and streams that it ruled or asked about, each counted once. */
  readonly hits: number
  /** RFC 3339. */
  readonly lastHit: string | null
  /** null: it is not limited in what it lets through. */
  readonly budget: BudgetTold | null
}

export interface RulesInForce {
  readonly rules: readonly RuleInForce[]
  /** What became of those that no rule covers. */
  readonly unmatched: { readonly action: Unmatched, readonly hits: number, readonly lastHit: string | null }
  readonly generation: number
}

/** What an answer is bound to: a question, and what was shown of it (`Held.shown`). */
export interface ShownQuestion {
  readonly id: string
  readonly shown?: string
}

/** One answer to several questions. */
export type TogetherResult =
  | {
    readonly kind: 'accepted'
    /** Questions that are settled now. */
    readonly answered: number
    /** Requests that went on, or were told. */
    readonly released: number
    /** What `undo` takes. */
    readonly grants: readonly string[]
    readonly persisted: boolean
    /** Questions that stay open, and why. */
    readonly left: readonly { readonly id: string, readonly problems: readonly string[] }[]
  }
  /** None of them is open. */
  | { readonly kind: 'unknown' }
  /** All stay open. */
  | { readonly kind: 'refused', readonly problems: readonly string[] }
