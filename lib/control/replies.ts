/**
 * The replies of the operator's door: JSON, each error with a code and what to make of it.
 */
import type { ServerResponse } from 'node:http'
import type { ControlError } from './protocol.ts'

export interface Reply {
  readonly status: number
  readonly body: object
  readonly fields?: Readonly<Record<string, string>>
}

/** The body of a reply that is no success. */
export const errorBody = (message: string, problems: readonly string[] = [], code: ControlError['error']['code'] = 'E_CONTROL_REFUSED'): ControlError =>
  ({ error: { code, message, problems } })

export const done = (body: object): Reply => ({ status: 200, body })
export const refusal = (status: number, message: string, fields: Readonly<Record<string, string>> = {}): Reply =>
  ({ status, body: errorBody(message), fields })
export const notAllowed = (allow: string): Reply => refusal(405, `Only ${allow} is served at this path.`, { allow })
export const notTaken = (message: string, problems: readonly string[]): Reply => ({ status: 422, body: errorBody(message, problems) })
export const unknownQuestion = (): Reply =>
  ({ status: 404, body: errorBody('There is no open question with this id.', [], 'E_UNKNOWN_QUESTION') })
export const unknownGrant = (): Reply =>
  ({ status: 404, body: errorBody('There is no open grant with this id.', [], 'E_UNKNOWN_GRANT') })

/** @param isRequestRead false where a body is left that nobody will read */
export function send(response: ServerResponse, { status, body, fields }: Reply, isRequestRead: boolean): void {
  if (response.destroyed || response.headersSent) {
    response.destroy()
    return
  }
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...fields,
    ...(isRequestRead ? {} : { connection: 'close' }),
  })
  response.end(text)
}
