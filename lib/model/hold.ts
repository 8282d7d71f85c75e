/**
 * The nouns of holding: what is asked, who may answer, and what an answer can grant.
 */
import type { Facts, HostKind, Scheme } from './request.ts'
import type { RuleShape, Terms } from './policy.ts'

/** A rule offered with a question, from narrow to wide. */
export interface Suggestion {
  readonly shape: 'exact' | 'endpoint' | 'below' | 'read-only' | 'host' | 'group'
  /** One line for a person. */
  readonly says: string
  readonly rule: RuleShape
  /** What else it covers of what was asked about since the firewall started, as far as is remembered. Absent: nothing. */
  readonly also?: {
    readonly requests: number
    /** Of these, so many were denied. */
    readonly denied: number
    /** One line with a few of them, safe to show. */
    readonly says: string
  }
}

export type RiskCode = 'many-hosts' | 'answers-hold' | 'denied-part' | 'first-contact' | 'private-address' | 'body' | 'punycode' | 'odd-port' | 'plaintext' | 'redirected' | 'budget'

export interface RiskNote {
  readonly code: RiskCode
  readonly says: string
}

/** The open questions that one answer would settle. One that stands for itself is a group of one. */
export interface HeldGroup {
  /** Of its oldest question. */
  readonly id: string
  readonly questions: number
  /** Requests that wait for any of them. */
  readonly waiting: number
  /** The rule that covers them all; null where there is none. */
  readonly suggestion: Suggestion | null
}

/** The process at the other end of a connection, as it describes itself: its name and its command line are its own. Shown, never a reason to allow. */
export interface Asker {
  /** As the firewall's machine numbers it. */
  readonly pid: number
  /** Display-safe and cut to length, as all texts of it; null where it cannot be read. */
  readonly executable: string | null
  readonly commandLine: string | null
  /** From the nearest, up to the firewall or to what started it all. */
  readonly parents: readonly { readonly pid: number, readonly name: string }[]
}

/** Strings that are safe on a terminal, in a chat or a page: no control, bidi or invisible character, cut to length. */
export interface HeldDisplay {
  /** Registrable domain and port come first and are never cut away. */
  readonly host: string
  /** The Unicode form where the host is punycode, else null. */
  readonly unicode: string | null
  readonly method: string
  readonly path: string
  readonly client: string
  readonly userAgent: string
  /** The process, as it says; '' where it was not found. */
  readonly asker: string
  /** The start of the body, where that is text and has come; else ''. What stands behind a name of a secret is left out. */
  readonly body: string
  /** The whole question in one line. */
  readonly line: string
}

/** An open question. A switch on `kind` says what is asked. */
export type Pending = Held | HeldTask

/** A question about a request that waits, as every approver sees it. Values of credentials are never in it. JSON-safe. */
export interface Held {
  readonly kind: 'request'
  readonly id: string
  /** What this description is bound to: an approval that repeats it is refused once the policy is another, and the question is shown anew. */
  readonly shown: string
  /** Id of the first flow that asked. */
  readonly flow: string
  readonly client: string
  readonly scheme: Scheme
  readonly host: string
  readonly hostKind: HostKind
  readonly port: number
  /** null for an opaque stream, and so are target and path. */
  readonly method: string | null
  readonly target: string | null
  readonly path: string | null
  /** Field names as written, with the size of each value in bytes. */
  readonly headers: readonly { readonly name: string, readonly bytes: number }[]
  readonly contentLength: number | null
  readonly contentType: string | null
  readonly userAgent: string | null
  /** null where it is not on this machine, or was not found in time. */
  readonly asker: Asker | null
  /** Requests that wait for this answer now. */
  readonly waiting: number
  /** RFC 3339. */
  readonly firstSeen: string
  /** When the next waiter gives up, RFC 3339; null where none waits. */
  readonly deadline: string | null
  readonly policy: { readonly name: string | null, readonly generation: number }
  /** The hold rule that asks; null where no rule matched. */
  readonly answers: string | null
  readonly note: string | null
  /** The rule that came closest, and why it did not match. */
  readonly nearest: { readonly rule: string, readonly why: string } | null
  readonly suggestions: readonly Suggestion[]
  readonly risks: readonly RiskNote[]
  /** As it was when this was told: others may have joined it. */
  readonly group: HeldGroup
  readonly display: HeldDisplay
}

/** A question about a whole task: rules that an agent asks for before it sends any request that needs them. JSON-safe. */
export interface HeldTask {
  readonly kind: 'task'
  readonly id: string
  /** As of `Held`. */
  readonly shown: string
  /** Id of the flow that asked. */
  readonly flow: string
  readonly client: string
  /** The agent's own words, as it wrote them. Show `display.reason`. */
  readonly reason: string
  /** Checked like every rule that an approval may give, and narrower still. */
  readonly rules: readonly AskedRule[]
  /** How many wait for this answer now. */
  readonly waiting: number
  /** RFC 3339. */
  readonly firstSeen: string
  /** When it is no longer asked, unless somebody waits for it or looks at it; RFC 3339. */
  readonly deadline: string
  readonly policy: { readonly name: string | null, readonly generation: number }
  readonly risks: readonly RiskNote[]
  /** Safe to show, as in `HeldDisplay`. */
  readonly display: { readonly client: string, readonly reason: string, readonly line: string }
}

export interface AskedRule {
  readonly rule: RuleShape
  /** One line for a person, safe to show. */
  readonly says: string
  /** The hold rules that a grant of it would answer too: the requests of both need no question then. */
  readonly answers: readonly string[]
}

/** A rule granted for a time or a number of uses, or written into the policy. */
export interface GrantRequest {
  readonly rule: RuleShape
  /** Milliseconds. */
  readonly ttlMs?: number
  readonly maxUses?: number
  /** Append it to the policy file. */
  readonly persist?: boolean
}

/** The answer to a task: all its rules at once. */
export interface TaskGrant {
  /** `asked`: those that were asked for, as they were shown; else rules each of which lies within one of them. */
  readonly rules: 'asked' | readonly RuleShape[]
  /** Milliseconds. */
  readonly ttlMs?: number
  /** Of each rule. */
  readonly maxUses?: number
  /** Append them to the policy file. */
  readonly persist?: boolean
}

export interface Approve {
  readonly verdict: 'approve'
  /** `once`: exactly the request that was asked about. A task takes a `TaskGrant` and a request none. */
  readonly grant: 'once' | GrantRequest | TaskGrant
  /** `shown` of the question, as the approver was given it. */
  readonly shown?: string
  readonly by?: string
  readonly note?: string
}

export interface Refuse {
  readonly verdict: 'deny'
  /** The operator's own words; the agent reads them. */
  readonly reason?: string
  /** Remember the denial this long, in milliseconds. */
  readonly ttlMs?: number
  readonly by?: string
  readonly note?: string
}

/** No opinion: somebody else may answer. */
export interface Pass {
  readonly verdict: 'pass'
}

export type Answer = Approve | Refuse | Pass

/** An approval hook: one way of asking. Anything it throws closes this door for the question and allows nothing. */
export interface Door {
  readonly name: string
  ask(held: Pending, context: { readonly signal: AbortSignal }): Promise<Answer>
}

/** What an approval opened: for one request (`once`) or for all that a rule covers. Immutable; its uses are counted elsewhere. */
export interface Grant {
  readonly id: string
  readonly question: string
  /** The hold rule it answers, or null: the absence of a rule. It outranks nothing else. */
  readonly answers: string | null
  readonly rule: RuleShape
  /** Terms of the hold rule it answers; public addresses only where there was none. */
  readonly terms: Terms
  /** Milliseconds since 1970; null: until the firewall stops. */
  readonly expiresAt: number | null
  readonly maxUses: number | null
  /** Grants with the same one share their uses; default: its own id. */
  readonly counter?: string
  readonly by: string | null
  readonly door: string
  readonly createdAt: number
}

/** An answer of `once`, tied to the twins of one request. */
export interface OnceToken {
  readonly id: string
  readonly answers: string | null
  /** `twinKey` of what was shown. */
  readonly twin: string
}

/** What a waiter brings to the queue. */
export interface Asking {
  readonly flow: string
  readonly facts: Facts
  /** The hold rule that asks, or null. */
  readonly answers: string | null
  readonly note: string | null
  readonly asker: Asker | null
  /** The start of its body, where that is text; absent or null: none to show. */
  readonly body?: string | null
}

/** How a wait ends. `released`: judge again. */
export type WaitEnd =
  | { readonly kind: 'released', readonly once: OnceToken | null, readonly by: string | null, readonly door: string | null, readonly question: string }
  | { readonly kind: 'denied', readonly reason: string | null, readonly by: string | null, readonly door: string | null, readonly question: string }
  | { readonly kind: 'expired', readonly question: string }
  | { readonly kind: 'left', readonly question: string }
  | { readonly kind: 'unavailable', readonly question: string }
  | { readonly kind: 'full' }
  | { readonly kind: 'shutdown' }
