/**
 * Every limit of the firewall: one table, from which the options of the library, the flags of the
 * program and the table of the README are made (test/house/limits.test.ts).
 */

export type LimitUnit = 'milliseconds' | 'bytes' | 'count'

export interface LimitRow {
  readonly unit: LimitUnit
  readonly value: number
  /** The program's flag; it takes a unit (`10s`, `16K`) where the limit has one. */
  readonly flag: string
  readonly says: string
}

const SECOND = 1_000
const KIB = 1_024

export const LIMITS = {
  holdMs: { unit: 'milliseconds', value: 240 * SECOND, flag: '--hold', says: 'How long a request may wait for a decision; then 503.' },
  rememberMs: { unit: 'milliseconds', value: 600 * SECOND, flag: '--remember', says: 'How long a question outlives its last waiter, and an answer waits for a client to come back.' },
  headBytes: { unit: 'bytes', value: 16 * KIB, flag: '--max-head', says: 'Request line and fields of one request; more is 431.' },
  targetBytes: { unit: 'bytes', value: 8 * KIB, flag: '--max-target', says: 'Request target; more is 414.' },
  fields: { unit: 'count', value: 200, flag: '--max-fields', says: 'Fields of one request; more is 431.' },
  headerMs: { unit: 'milliseconds', value: 10 * SECOND, flag: '--header-timeout', says: 'From the first byte of a request head to its last; then 408.' },
  handshakeMs: { unit: 'milliseconds', value: 10 * SECOND, flag: '--handshake-timeout', says: 'TLS handshake with the client.' },
  silenceMs: { unit: 'milliseconds', value: 10 * SECOND, flag: '--silence-timeout', says: 'Silence in a new tunnel; then it counts as an opaque stream.' },
  betweenMs: { unit: 'milliseconds', value: 60 * SECOND, flag: '--keepalive-timeout', says: 'A client connection with no request under way, or with one whose client has closed its half and can be told nothing.' },
  streamIdleMs: { unit: 'milliseconds', value: 3_600 * SECOND, flag: '--idle-timeout', says: 'An exchange, WebSocket or tunnel with no byte either way. There is no limit in all.' },
  connectMs: { unit: 'milliseconds', value: 10 * SECOND, flag: '--connect-timeout', says: 'Connection and TLS handshake with the upstream; then 504.' },
  upstreamIdleMs: { unit: 'milliseconds', value: 30 * SECOND, flag: '--upstream-keepalive', says: 'An unused connection to an upstream.' },
  drainMs: { unit: 'milliseconds', value: 10 * SECOND, flag: '--drain', says: 'How long what flows may go on after a SIGTERM.' },
  connections: { unit: 'count', value: 10_000, flag: '--max-connections', says: 'Client connections; more is 503.' },
  pipelined: { unit: 'count', value: 100, flag: '--max-pipelined', says: 'Requests that one connection has sent without waiting for their answers; more are not read until it has had some.' },
  waiters: { unit: 'count', value: 1_000, flag: '--max-waiters', says: 'Requests that wait for a decision; more is 503.' },
  questionsPerHost: { unit: 'count', value: 100, flag: '--max-questions-per-host', says: 'Open questions about one host; more is 503.' },
  waitersPerClient: { unit: 'count', value: 250, flag: '--max-waiters-per-client', says: 'Waiting requests of one client, where clients are told apart by a token; more is 503.' },
  lookups: { unit: 'count', value: 8, flag: '--max-lookups', says: 'Names resolved at the same time.' },
  connectionsPerUpstream: { unit: 'count', value: 256, flag: '--max-upstream', says: 'Connections to one upstream; more wait.' },
} as const satisfies Record<string, LimitRow>

export type Limits = { readonly [Name in keyof typeof LIMITS]: number }

/**
 * @throws RangeError for a limit that is no whole number of at least 1 (`holdMs` may not be endless: I7)
 */
export function limitsWith(given: Partial<Limits> = {}): Limits {
  const limits: Record<string, number> = {}
  for (const [name, row] of Object.entries(LIMITS)) {
    const value = given[name as keyof Limits] ?? row.value
    if (!Number.isSafeInteger(value) || value < 1 || (row.unit === 'milliseconds' && value > MAX_TIMER_MS)) {
      throw new RangeError(`limits.${name} is ${value}; it takes a whole number of ${row.unit} from 1 to ${row.unit === 'milliseconds' ? MAX_TIMER_MS : Number.MAX_SAFE_INTEGER}`)
    }
    limits[name] = value
  }
  return limits as Limits
}

/** A longer timer of Node's fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1
