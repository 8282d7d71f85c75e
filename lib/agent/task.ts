/**
 * What became of a request for access, as its client may know it: not who answered, and not from where.
 */
import type { RuleShape } from '../model/policy.ts'

/** As `hold/` tells it. */
export interface TaskState {
  readonly id: string
  readonly state: 'open' | 'approved' | 'denied' | 'expired' | 'unavailable' | 'shutdown'
  readonly operatorReason: string | null
  readonly granted: readonly RuleShape[]
  /** Milliseconds since 1970; null where time does not end it. */
  readonly grantedUntil: number | null
}

export interface ToldTask {
  readonly id: string
  readonly status: TaskState['state']
  /** The operator's own words; null where none were given. */
  readonly reason: string | null
  /** What may be used now. It may be less than what was asked for. */
  readonly granted: readonly RuleShape[]
  /** RFC 3339; null where time does not end it. */
  readonly grantedUntil: string | null
  readonly hint: string
}

export function renderTask({ id, state, operatorReason, granted, grantedUntil }: TaskState): ToldTask {
  return {
    id,
    status: state,
    reason: operatorReason,
    granted,
    grantedUntil: grantedUntil === null ? null : new Date(grantedUntil).toISOString(),
    hint: HINTS[state].replace('{id}', id),
  }
}

const HINTS: Readonly<Record<TaskState['state'], string>> = {
  open: 'A person is asked. GET /v1/requests/{id}?wait=60 until the status is another; meanwhile do what needs no access.',
  approved: 'What "granted" lists passes now. It may be less than you asked for.',
  denied: 'Do not ask for the same again. Work without it, or ask for less and say why.',
  expired: 'Nobody decided in time. Ask again if you still need it.',
  unavailable: 'Nobody can decide now. Tell your user; ask again later.',
  shutdown: 'The firewall is shutting down.',
}
