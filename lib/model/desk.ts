/**
 * What an operator's door (control socket, terminal, library call) may see and do.
 * The firewall provides it; doors are handed it and know nothing else of the house.
 */
import type { AuditRecord } from './audit.ts'
import type { BudgetTold } from './budget.ts'
import type { Decided, Granted, RulesInForce, ShownQuestion, TogetherResult, Undone } from './grants.ts'
import type { Answer, Pending } from './hold.ts'
import type { PolicyDocument } from './policy.ts'

/** Success is told only once the data path has it. */
export type AnswerResult =
  | { readonly kind: 'accepted', readonly released: number, readonly grant: string | null, readonly persisted: boolean }
  | { readonly kind: 'unknown' }
  /** The answer may not stand (for example a rule that does not cover the request); the question stays open. */
  | { readonly kind: 'refused', readonly problems: readonly string[] }

export type DeskEvent =
  | { readonly event: 'asked', readonly held: Pending }
  /** The number of waiters changed. */
  | { readonly event: 'changed', readonly held: Pending }
  | { readonly event: 'settled', readonly id: string, readonly how: 'approved' | 'denied' | 'expired' | 'released' | 'unavailable' | 'shutdown', readonly by: string | null, readonly door: string | null }
  /** Follows `settled` where somebody decided. */
  | { readonly event: 'decided', readonly decided: Decided }
  /** A grant was taken back. */
  | { readonly event: 'undone', readonly id: string, readonly closed: number, readonly by: string | null, readonly door: string }
  | { readonly event: 'door-failed', readonly id: string, readonly door: string, readonly problem: string }
  | { readonly event: 'policy', readonly name: string | null, readonly generation: number, readonly problem: string | null }
  | { readonly event: 'notice', readonly says: string }
  /** Told to those alone who ask for it: the latest records, and how many more there were before them. */
  | { readonly event: 'flows', readonly records: readonly AuditRecord[], readonly skipped: number }

export interface Status {
  readonly state: 'running' | 'draining'
  readonly version: string
  readonly pid: number
  readonly startedAt: string
  readonly uptimeMs: number
  readonly listeners: readonly string[]
  readonly policy: { readonly name: string | null, readonly hash: string, readonly generation: number, readonly rules: number, readonly unmatched: string, readonly problem: string | null }
  readonly counts: {
    readonly connections: number
    readonly flows: number
    readonly waiting: number
    readonly questions: number
    readonly grants: number
    readonly allowed: number
    readonly denied: number
    readonly refused: number
    readonly held: number
  }
  readonly limits: Readonly<Record<string, number>>
  /** Of rules and grants that let through only so much; at most a hundred are told. */
  readonly budgets: readonly BudgetLine[]
  /** Where the upstream roots come from. */
  readonly roots: string
  readonly audit: { readonly healthy: boolean, readonly problem: string | null }
  readonly ca: { readonly path: string, readonly fingerprint: string, readonly expires: string }
  /** What an operator should know and may want to change, one sentence each. */
  readonly warnings: readonly string[]
}

/** The budget of a rule or a grant, by its id. */
export interface BudgetLine extends BudgetTold {
  readonly kind: 'rule' | 'grant'
  readonly id: string
}

/** Which of the recent records. Absent: all. */
export interface FlowQuery {
  /** At most so many, the newest. */
  readonly limit: number
  /** The host itself, and those below it. */
  readonly host?: string
  readonly action?: NonNullable<AuditRecord['action']>
  /** Somewhere in the record's texts, whatever the case. */
  readonly text?: string
}

/** Records of the audit log, as long as they are remembered: one for each flow, its latest, and notices. */
export interface RecentFlows {
  /** The newest first. */
  find(query: FlowQuery): readonly AuditRecord[]
  /** Of the newest record; 0: none yet. */
  readonly latest: number
  /** What came after record number `after`: the latest `limit`, the oldest first, and how many were left out before them. */
  since(after: number, limit: number): { readonly records: readonly AuditRecord[], readonly skipped: number }
}

/** Records of the log's files, the newest first and one for each flow, as far as they were looked through. */
export interface LogPart {
  readonly flows: readonly AuditRecord[]
  /** Where it goes on; null where all was looked through. */
  readonly older: string | null
}

export interface Desk {
  status(): Status
  pending(): readonly Pending[]
  /** @param door who carries the answer, for the log */
  answer(id: string, answer: Answer, door: string): Promise<AnswerResult>
  /** One answer to all of these, as they were shown. */
  answerAll(questions: readonly ShownQuestion[], answer: Answer, door: string): Promise<TogetherResult>
  /** What approvals opened and is open now, the newest first. */
  grants(): readonly Granted[]
  /** Takes a grant back: streams that only it allowed are closed, and what waits is judged again. */
  undo(id: string, by: string | null, door: string): Promise<Undone>
  rules(): RulesInForce
  readonly flows: RecentFlows
  /** @param older what the part before said; null: from the end. @returns null where the log is written to no file */
  searchLog(query: FlowQuery, older: string | null): Promise<LogPart | null>
  policy(): { readonly document: PolicyDocument, readonly hash: string, readonly generation: number }
  /** @returns how to stop listening */
  subscribe(listener: (event: DeskEvent) => void): () => void
}
