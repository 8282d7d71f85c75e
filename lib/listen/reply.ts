/**
 * What a client that is not served reads: one JSON error, its status and its fields.
 *
 * Keeps I9: nothing stands in it but what the client itself sent, the code, the flow, the
 * rule's id, the operator's own reason and what to do next.
 */
import { STATUS_CODES } from 'node:http'
import { REFUSALS, fill } from '../model/errors.ts'
import type { RefusalCode, RefusalRow } from '../model/errors.ts'
import type { Refusal } from '../model/flow.ts'
import type { RawFields } from '../model/request.ts'

/** What the client said of its request, as far as it could be read. */
export interface Said {
  readonly method: string | null
  readonly host: string | null
  readonly port: number | null
  readonly path: string | null
}

export const NOTHING_SAID: Said = Object.freeze({ method: null, host: null, port: null, path: null })

export interface Reply {
  readonly status: number
  readonly fields: RawFields
  readonly body: Buffer
  /** The connection ends with this answer. */
  readonly close: boolean
}

/** Seconds a client is told to wait before it asks again; the question stays open meanwhile. */
const RETRY_AFTER_S = 5

/** Longest piece of the client's own text that is said back to it. */
const MAX_ECHO = 2_048

export function renderRefusal(refusal: Refusal, said: Said): Reply {
  const row: RefusalRow = REFUSALS[refusal.code]
  const details = {
    method: said.method ?? 'The request to',
    host: said.host ?? 'the host',
    port: said.port === null ? '' : String(said.port),
    path: cut(said.path) ?? '',
  }
  const body = Buffer.from(JSON.stringify({
    error: {
      code: refusal.code,
      message: sentence(row, details, refusal.operatorReason),
      flow: refusal.flow,
      method: cut(said.method),
      host: cut(said.host),
      port: said.port,
      path: cut(said.path),
      rule: refusal.rule,
      retry: row.retry,
      hint: fill(refusal.mayAsk === true ? row.ask ?? row.hint : row.hint, details),
    },
  }) + '\n')
  return { status: row.status, fields: fieldsOf(refusal, row, body.length), body, close: row.close }
}

/** The whole reply as bytes, for a connection on which no `ServerResponse` stands any more. It always ends the connection. */
export function replyBytes(reply: Reply): Buffer {
  const lines = [`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? 'Refused'}`]
  for (let i = 0; i + 1 < reply.fields.length; i += 2) lines.push(`${reply.fields[i]}: ${reply.fields[i + 1]}`)
  lines.push('Connection: close', '', '')
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), reply.body])
}

function fieldsOf(refusal: Refusal, row: RefusalRow, length: number): string[] {
  const fields = [
    'Content-Type', 'application/json',
    'Content-Length', String(length),
    'Cache-Control', 'no-store',
    'Proxy-Status', proxyStatus(refusal.code, row),
    'Sallyport-Flow', refusal.flow,
    'x-should-retry', String(row.retry),
  ]
  if (row.retry && row.status === 503) fields.push('Retry-After', String(RETRY_AFTER_S))
  if (row.status === 407) fields.push('Proxy-Authenticate', 'Basic realm="sallyport"')
  return fields
}

/** RFC 9209 §2: one item; our code is its `details`. */
function proxyStatus(code: RefusalCode, row: RefusalRow): string {
  return `sallyport; error=${row.proxyStatus}; details="${code}"`
}

function sentence(row: RefusalRow, details: Record<string, string>, reason: string | null): string {
  const says = fill(row.says, details)
  return reason === null ? says : `${says} Reason given: ${cut(reason)}`
}

function cut<T extends string | null>(text: T): T | string {
  return text !== null && text.length > MAX_ECHO ? `${text.slice(0, MAX_ECHO)}…` : text
}
