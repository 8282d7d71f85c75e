/**
 * What a task is: what an agent asks for beforehand, what its client and its approvers may know of it, and what becomes of it.
 */
import type { Clock } from '../model/clock.ts'
import type { AnswerResult, DeskEvent } from '../model/desk.ts'
import type { Approve, AskedRule, Door, Grant, HeldTask, TaskGrant } from '../model/hold.ts'
import type { RuleShape } from '../model/policy.ts'
import type { GrantOutcome, Parsed } from './answering.ts'
import type { QuestionState } from './hold.ts'

export interface TaskLimits {
  /** Open tasks of one client. */
  readonly perClient: number
  /** Tasks that are known, answered ones included; the oldest of these makes room. */
  readonly tasks: number
  /** How long a task is asked without anybody waiting for it, and known after its end, in milliseconds. */
  readonly keepMs: number
}

export interface TaskOptions {
  readonly clock: Clock
  newId(): string
  readonly limits: TaskLimits
  doors(): readonly Door[]
  /** Somebody may answer although no door asks. */
  hasStandingDoor(): boolean
  /** What approvers see. Times are milliseconds since 1970. */
  describe(task: AskedTask & { readonly id: string, readonly waiting: number, readonly firstSeen: number, readonly deadline: number }): HeldTask
  /** Makes an approval effective before anybody is told of it. */
  grant(task: AskedTask & { readonly id: string }, answer: Approve & { grant: TaskGrant }, door: string): Promise<TaskOutcome>
  /** What a description of this task is bound to now. */
  shown(id: string): string
  parseAnswer(value: unknown): Parsed
  onEvent(event: DeskEvent): void
}

export interface AskedTask {
  readonly client: string
  readonly flow: string
  /** The agent's own words. */
  readonly reason: string
  readonly rules: readonly AskedRule[]
}

/** Each rule is a grant of its own, and one more for each hold rule that it answers. */
export type TaskOutcome = (Extract<GrantOutcome, { kind: 'granted' }> & { readonly made: readonly Pick<Grant, 'id' | 'rule'>[] }) | Extract<GrantOutcome, { kind: 'refused' }>

/** A task as its client may see it: nothing of who answered, and from where. */
export interface TaskState {
  readonly id: string
  readonly state: Exclude<QuestionState, 'granting' | 'released'>
  /** The operator's words; null where none were given. */
  readonly operatorReason: string | null
  /** What is allowed now; empty where nothing is. */
  readonly granted: readonly RuleShape[]
  /** When that ends, milliseconds since 1970; null: not before the firewall stops, or nothing was granted. */
  readonly grantedUntil: number | null
}

export interface Tasks {
  /** Asks; or finds what this client asks already, or was denied not long ago. `full`: it has too many open. */
  ask(asked: AskedTask): { readonly kind: 'asked' | 'known', readonly task: TaskState } | { readonly kind: 'full' }
  /** null where this client asked nothing of that id. */
  look(client: string, id: string): TaskState | null
  /** Ends with an answer, after `ms`, when the client leaves or at shutdown. Never rejects; null as for `look`. */
  wait(client: string, id: string, ms: number): { readonly ended: Promise<TaskState>, leave(): void } | null
  has(id: string): boolean
  /** @param value what a door said, unread */
  answer(id: string, value: unknown, door: string): Promise<AnswerResult>
  pending(): readonly HeldTask[]
  /** Open tasks. */
  readonly size: number
  close(): void
}
