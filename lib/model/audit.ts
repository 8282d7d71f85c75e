/**
 * One line of the audit log, as `schemas/audit-record.schema.json` describes it.
 */

/** What `audit/` is told; it adds `prev` and `hash`. Absent knowledge is null. */
export interface AuditRecord {
  /** `open`: held, upgraded, tunnelled or older than a second. `interrupted`: was open when the firewall died. */
  readonly event: 'open' | 'closed' | 'interrupted' | 'notice'
  /** RFC 3339 with milliseconds. */
  readonly time: string
  /** null in a notice, which belongs to no flow. */
  readonly flow: string | null
  readonly client: string | null
  readonly scheme: string | null
  readonly host: string | null
  readonly port: number | null
  readonly method: string | null
  /** Path and query; values of the query redacted unless asked otherwise. */
  readonly path: string | null
  readonly action: 'allow' | 'deny' | 'refuse' | 'hold' | 'serve' | null
  readonly rule: string | null
  /** One sentence for the operator; what a notice says. */
  readonly reason: string | null
  /** The refusal's code; null where the request was served. */
  readonly code: string | null
  readonly wouldHold: boolean
  readonly policy: { readonly name: string | null, readonly hash: string, readonly generation: number }
  readonly held: {
    readonly question: string | null
    readonly ms: number
    readonly by: string | null
    readonly door: string | null
    readonly grant: string | null
    readonly waiters: number
  } | null
  readonly address: string | null
  readonly status: number | null
  readonly bytesUp: number
  readonly bytesDown: number
  readonly durationMs: number
  /** Why it ended early; null when it ended as it should. */
  readonly error: string | null
  /** Of a notice: what else there is to know. */
  readonly details: Readonly<Record<string, string | number | boolean | null>> | null
}
