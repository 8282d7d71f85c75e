/**
 * What an operator's door (control socket, terminal, library call) may see and do.
 * The firewall provides it; doors are handed it and know nothing else of the house.
 */
import type { Answer, Held } from './hold.ts'
import type { PolicyDocument } from './policy.ts'

/** Success is told only once the data path has it. */
export type AnswerResult =
  | { readonly kind: 'accepted', readonly released: number, readonly grant: string | null, readonly persisted: boolean }
  | { readonly kind: 'unknown' }
  /** The answer may not stand (for example a rule that does not cover the request); the question stays open. */
  | { readonly kind: 'refused', readonly problems: readonly string[] }

export type DeskEvent =
  | { readonly event: 'asked', readonly held: Held }
  /** The number of waiters changed. */
  | { readonly event: 'changed', readonly held: Held }
  | { readonly event: 'settled', readonly id: string, readonly how: 'approved' | 'denied' | 'expired' | 'released' | 'unavailable' | 'shutdown', readonly by: string | null, readonly door: string | null }
  | { readonly event: 'door-failed', readonly id: string, readonly door: string, readonly problem: string }
  | { readonly event: 'policy', readonly name: string | null, readonly generation: number, readonly problem: string | null }
  | { readonly event: 'notice', readonly says: string }

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
  /** Where the upstream roots come from. */
  readonly roots: string
  readonly audit: { readonly healthy: boolean, readonly problem: string | null }
  readonly ca: { readonly path: string, readonly fingerprint: string, readonly expires: string }
  /** What an operator should know and may want to change, one sentence each. */
  readonly warnings: readonly string[]
}

export interface Desk {
  status(): Status
  pending(): readonly Held[]
  /** @param door who carries the answer, for the log */
  answer(id: string, answer: Answer, door: string): Promise<AnswerResult>
  policy(): { readonly document: PolicyDocument, readonly hash: string, readonly generation: number }
  /** @returns how to stop listening */
  subscribe(listener: (event: DeskEvent) => void): () => void
}
