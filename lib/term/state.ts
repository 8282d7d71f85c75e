/**
 * What the terminal knows: one immutable value, and the words for everything that changes it.
 *
 *   keys, firewalls, time ──event──▶ next(state, event) ──▶ state' ──▶ paint ──▶ screen
 *                                              └─────────▶ effects ──▶ firewalls
 */
import type { AuditRecord } from '../model/audit.ts'
import type { DeskEvent, FlowQuery, Status } from '../model/desk.ts'
import type { Granted, RulesInForce, ShownQuestion } from '../model/grants.ts'
import type { Answer, Pending, TaskGrant } from '../model/hold.ts'
import type { RuleShape } from '../model/policy.ts'
import type { Tone } from './lines.ts'

export const PANES = ['pending', 'grants', 'rules', 'traffic', 'audit'] as const
export type Pane = (typeof PANES)[number]

/** Handed in with every event: `elapsed` for lengths, `now` for dates; milliseconds. */
export interface Time {
  readonly elapsed: number
  readonly now: number
}

export interface Link {
  /** Of its control socket; what it is known by. */
  readonly path: string
  /** `closed`: it does not answer, and is asked again. */
  readonly state: 'opening' | 'open' | 'closed'
  readonly problem: string | null
  readonly status: Status | null
}

/** @typeParam H  a request that waits, or a task that is asked for beforehand */
export interface Question<H extends Pending = Pending> {
  /** Of the firewall that asks. */
  readonly path: string
  readonly held: H
  /** Grows with every word about any question: of two in one group, the later one knows more. */
  readonly told: number
}

/** Where the operator looks in the list of questions, and since when it has been on the screen. */
export interface Cursor {
  /** `keyOfRow`; null: there is none. */
  readonly row: string | null
  readonly index: number
  /** First row on the screen. */
  readonly top: number
  /** What is shown of the question and of its group's rule: another text is another question. */
  readonly question: string
  readonly group: string
  /** `elapsed` of when it was drawn; null: it is not on the screen yet, and no key answers it. */
  readonly drawnAt: number | null
  readonly groupDrawnAt: number | null
  /** Which of `choicesOf`; of a task the first rule that is shown. */
  readonly choice: number
  /** The operator's own rule for it, or rules for a task. As typed: the firewall checks them. */
  readonly edited: RuleShape | readonly RuleShape[] | null
}

/** Where the operator looks in one of the other lists. */
export interface Place {
  readonly key: string | null
  readonly index: number
  readonly top: number
  /** `elapsed` of when this came under the cursor. */
  readonly since: number
}

/** What an approval opens; for how long comes later. */
export type Granting = { readonly rule: RuleShape } | Pick<TaskGrant, 'rules'>

/** What an answer that is being written is about: what was shown, whatever has come since. */
export interface Target {
  readonly path: string
  readonly questions: readonly ShownQuestion[]
  /** null: nothing, it is a rejection. */
  readonly grant: Granting | null
}

/** A line that is being typed. */
export interface Prompt {
  readonly kind: 'reason' | 'time' | 'rule' | 'filter'
  readonly before: string
  readonly after: string
  /** null for a filter. */
  readonly target: Target | null
  readonly problem: string | null
}

export interface Message {
  readonly text: string
  readonly tone: Tone
  readonly until: number
}

/** Of one firewall, with its path. */
export interface From<T> {
  readonly path: string
  readonly value: T
}

export interface State {
  readonly size: { readonly columns: number, readonly rows: number }
  readonly time: Time
  /** Who answers, for the log. */
  readonly by: string | null
  readonly links: readonly Link[]
  /** The oldest first. */
  readonly questions: readonly Question[]
  readonly told: number
  /** Answers on their way: `path` and id of the questions. */
  readonly sending: readonly string[]
  readonly pane: Pane
  readonly cursor: Cursor
  readonly places: Readonly<Record<Exclude<Pane, 'pending'>, Place>>
  readonly filters: Readonly<Record<Pane, string>>
  readonly grants: readonly From<Granted>[]
  readonly rules: readonly From<RulesInForce>[]
  /** The newest first. */
  readonly traffic: readonly From<AuditRecord>[]
  /** Records that were not told: there were too many. */
  readonly skipped: number
  readonly found: readonly From<AuditRecord>[]
  /** What `u` takes back, the latest last. */
  readonly undoable: readonly { readonly path: string, readonly grant: string }[]
  readonly prompt: Prompt | null
  readonly isHelpOpen: boolean
  readonly message: Message | null
}

export type NamedKey = 'enter' | 'escape' | 'tab' | 'back-tab' | 'up' | 'down' | 'left' | 'right' | 'page-up' | 'page-down' | 'home' | 'end' | 'backspace' | 'erase' | 'interrupt'

export type Key =
  | { readonly kind: 'named', readonly name: NamedKey }
  /** More than one character was pasted, or came at once after a pause. */
  | { readonly kind: 'text', readonly text: string }

export type Replied =
  | { readonly kind: 'accepted', readonly released: number, readonly grants: readonly string[], readonly persisted: boolean, readonly left: readonly { readonly id: string, readonly problems: readonly string[] }[] }
  | { readonly kind: 'failed', readonly problem: string }

export type Event =
  | { readonly kind: 'key', readonly key: Key }
  | { readonly kind: 'resized', readonly columns: number, readonly rows: number }
  /** Once a second. */
  | { readonly kind: 'tick' }
  /** This is on the screen now. */
  | { readonly kind: 'drawn', readonly question: string, readonly group: string }
  | { readonly kind: 'found', readonly path: string }
  | { readonly kind: 'opened', readonly path: string, readonly status: Status }
  | { readonly kind: 'closed', readonly path: string, readonly problem: string }
  /** Nothing is there any more. */
  | { readonly kind: 'removed', readonly path: string }
  | { readonly kind: 'told', readonly path: string, readonly event: DeskEvent }
  | { readonly kind: 'replied', readonly path: string, readonly questions: readonly string[], readonly answer: Answer, readonly reply: Replied }
  | { readonly kind: 'taken-back', readonly path: string, readonly grant: string, readonly reply: { readonly kind: 'undone', readonly closed: number } | { readonly kind: 'failed', readonly problem: string } }
  | { readonly kind: 'grants', readonly path: string, readonly grants: readonly Granted[] }
  | { readonly kind: 'rules', readonly path: string, readonly rules: RulesInForce }
  | { readonly kind: 'searched', readonly path: string, readonly records: readonly AuditRecord[] }
  /** Something that was asked for could not be had. */
  | { readonly kind: 'failed', readonly path: string | null, readonly problem: string }

export type Effect =
  | { readonly kind: 'answer', readonly path: string, readonly questions: readonly ShownQuestion[], readonly answer: Answer }
  | { readonly kind: 'undo', readonly path: string, readonly grant: string, readonly by: string | null }
  | { readonly kind: 'fetch', readonly what: 'status' | 'grants' | 'rules' }
  | { readonly kind: 'search', readonly query: Partial<FlowQuery> }
  | { readonly kind: 'bell' }
  | { readonly kind: 'quit' }

export interface Step {
  readonly state: State
  readonly effects: readonly Effect[]
}

export const step = (state: State, ...effects: Effect[]): Step => ({ state, effects })

const NOWHERE: Place = { key: null, index: 0, top: 0, since: 0 }
export const NO_CURSOR: Cursor = { row: null, index: 0, top: 0, question: '', group: '', drawnAt: null, groupDrawnAt: null, choice: 0, edited: null }

export function initial({ columns, rows, by, time }: { readonly columns: number, readonly rows: number, readonly by: string | null, readonly time: Time }): State {
  return {
    size: { columns, rows }, time, by, links: [], questions: [], told: 0, sending: [], pane: 'pending', cursor: NO_CURSOR,
    places: { grants: NOWHERE, rules: NOWHERE, traffic: NOWHERE, audit: NOWHERE },
    filters: { pending: '', grants: '', rules: '', traffic: '', audit: '' },
    grants: [], rules: [], traffic: [], skipped: 0, found: [], undoable: [], prompt: null, isHelpOpen: false, message: null,
  }
}

/** How long a message stays. */
const MESSAGE_MS = 10_000

export const say = (state: State, text: string, tone: Tone = 'plain'): State => ({ ...state, message: { text, tone, until: state.time.elapsed + MESSAGE_MS } })
