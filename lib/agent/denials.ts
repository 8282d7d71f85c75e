/**
 * What each client was refused last, as it was told then: it may have been told where nobody read it.
 *
 * Keeps I9: nothing stands in it that the refusal itself did not say, or would have said had there been a place for it.
 */
import type { Clock } from '../model/clock.ts'
import { REFUSALS, fill } from '../model/errors.ts'
import type { RefusalCode, RefusalRow } from '../model/errors.ts'
import type { Unread } from '../model/flow.ts'

export interface Denial {
  /** RFC 3339. */
  readonly time: string
  readonly flow: string
  readonly code: RefusalCode
  readonly message: string
  readonly scheme: string | null
  readonly host: string | null
  readonly port: number | null
  readonly method: string | null
  readonly path: string | null
  /** Id of the rule that ruled; null where none did. */
  readonly rule: string | null
  /** The operator's own words; null where none were given. */
  readonly reason: string | null
  /** Whether the same request may succeed later without anybody changing it. */
  readonly retry: boolean
  readonly hint: string
}

export interface Denials {
  note(flow: string, known: Unread, code: RefusalCode, rule: string | null, operatorReason: string | null): void
  /** The newest first. */
  of(client: string): readonly Denial[]
}

const MAX_PER_CLIENT = 20
const MAX_CLIENTS = 500
/** Longest piece of the client's own text. */
const MAX_ECHO = 512

export function createDenials(clock: Clock): Denials {
  /** The client that was refused longest ago first. */
  const byClient = new Map<string, Denial[]>()

  return {
    note(flow, { client, scheme, host, port, method, target }, code, rule, operatorReason) {
      const row: RefusalRow = REFUSALS[code]
      const details = { method: cut(method) ?? 'The request to', host: cut(host) ?? 'the host', port: port === null ? '' : String(port), path: cut(target) ?? '' }
      const known = byClient.get(client) ?? []
      known.unshift({
        time: new Date(clock.now()).toISOString(), flow, code, message: fill(row.says, details),
        scheme, host: cut(host), port, method: cut(method), path: cut(target), rule, reason: operatorReason, retry: row.retry, hint: fill(row.ask ?? row.hint, details),
      })
      if (known.length > MAX_PER_CLIENT) known.pop()
      byClient.delete(client)
      byClient.set(client, known)
      if (byClient.size > MAX_CLIENTS) for (const oldest of byClient.keys()) { byClient.delete(oldest); break }
    },
    of: client => byClient.get(client) ?? [],
  }
}

function cut(text: string | null): string | null {
  return text !== null && text.length > MAX_ECHO ? `${text.slice(0, MAX_ECHO)}…` : text
}
