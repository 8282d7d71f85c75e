/**
 * What the agent's own address answers: JSON, each failure with a code and what to do next (docs/agent.md).
 */
import type { RawFields } from '../model/request.ts'

export interface Reply {
  readonly status: number
  readonly body: object
  readonly fields?: RawFields
  /** One sentence for the operator's log. */
  readonly says: string
}

interface FailureRow {
  readonly status: number
  readonly hint: string
}

/** A code is an API: never renamed, never reused. `docs/agent.md` holds the same table. */
export const FAILURES = {
  bad_request: { status: 400, hint: 'Send {"reason":"…","rules":[…]} as JSON.' },
  cannot_be_asked: { status: 403, hint: 'Do not ask again. Work without it, or tell the operator.' },
  not_found: { status: 404, hint: 'There are GET /v1/policy, GET /v1/denials, POST /v1/requests and GET /v1/requests/{id}.' },
  method_not_allowed: { status: 405, hint: 'The field Allow names the method.' },
  timeout: { status: 408, hint: 'Send the whole request at once.' },
  too_large: { status: 413, hint: 'Ask for less.' },
  unsupported_type: { status: 415, hint: 'Add the field Content-Type: application/json.' },
  rules_refused: { status: 422, hint: 'Correct what "problems" lists and send it again.' },
  too_many_open: { status: 429, hint: 'Wait for your open requests to be answered.' },
  too_many_calls: { status: 429, hint: 'Wait as long as Retry-After says. GET /v1/requests/{id}?wait=60 waits for you.' },
} as const satisfies Record<string, FailureRow>

export type FailureCode = keyof typeof FAILURES

export function failure(code: FailureCode, message: string, { problems = [], fields = [] }: { readonly problems?: readonly string[], readonly fields?: RawFields } = {}): Reply {
  const { status, hint } = FAILURES[code]
  return { status, fields, body: { error: { code, message, problems, hint } }, says: `refused: ${message}` }
}
