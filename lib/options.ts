/**
 * What a firewall can be told, with units and defaults. `createFirewall` is the only reader.
 */
import type { Writable } from 'node:stream'
import type { Clock } from './model/clock.ts'
import type { AuditRecord } from './model/audit.ts'
import type { Answer, Door, Pending } from './model/hold.ts'
import type { PolicyDocument } from './model/policy.ts'
import type { Limits } from './limits.ts'

/** Decides about a held request, or about a task that an agent asks for beforehand (`held.kind`). What it throws, or anything that is no answer, allows nothing. */
export type ApproveFunction = (held: Pending, context: { readonly signal: AbortSignal }) => Answer | Promise<Answer>

/** A file (appended to, mode 0600), a stream, or a function that is called with each record. */
export type AuditTarget = string | Writable | ((record: AuditRecord & { readonly prev: string, readonly hash: string }) => void)

/** Where the console listens. */
export interface ConsoleAddress {
  /** Default: `127.0.0.1`. Any other that is not loopback needs `hosts`. */
  readonly host?: string
  /** Default: a free one. */
  readonly port?: number
  /** Names by which it is reached, as a browser spells them, with a port or without. Default: those of this machine's loopback. */
  readonly hosts?: readonly string[]
}

export interface FirewallOptions {
  /** A policy file (JSON; docs/policy.md), or its document. Required: there is no default policy. */
  readonly policy: string | PolicyDocument
  /** Asked about every held request, all at once; the first answer wins. Default: none, only `answer()` and the control socket decide. */
  readonly approve?: ApproveFunction | Door | readonly (ApproveFunction | Door)[]
  /** Whether `answer()` will be called by somebody: held requests then wait although no hook is set. Default: true where `control` or `console` is set, else false. */
  readonly standing?: boolean
  /** Folder of the CA (`ca.crt`, `ca.key`), made at the first start. Default: `$XDG_STATE_HOME/sallyport`. */
  readonly certs?: string
  /** Where the audit log goes. Default: nowhere. */
  readonly audit?: AuditTarget | readonly AuditTarget[]
  /** Let traffic pass although the log cannot be written. Default: false, nothing new is allowed then. */
  readonly auditOptional?: boolean
  /** Size in bytes at which an audit file is rotated. Default: never. */
  readonly auditRotateBytes?: number
  /** Rotated files that are kept. Default: 10. */
  readonly auditKeep?: number
  /** Write the values of query parameters into the log. Default: false, they are redacted. */
  readonly auditQueries?: boolean
  /** Path of the control socket; true for the default place. Default: none. */
  readonly control?: string | boolean
  /** The operator's desk as a web page. Default: none. */
  readonly console?: ConsoleAddress
  /** Names that are not looked up, as curl's `--resolve`: `host:port:address[,address…]`. Judged like any other address. */
  readonly resolve?: readonly string[]
  /** Looks names up, after a permit. Default: the system's resolver. */
  readonly lookup?: (host: string) => Promise<readonly string[]>
  /** PEM files of the roots that upstreams are verified against, instead of the system's. */
  readonly upstreamCa?: readonly string[]
  /** Networks (CIDR) whose clients need no token. Loopback never does. Default: none. */
  readonly allowFrom?: readonly string[]
  /** File of lines `name:token`, or the pairs themselves. A client sends one as Basic credentials in `Proxy-Authorization`. Default: none. */
  readonly clientTokens?: string | readonly { readonly name: string, readonly token: string }[]
  /** Refuse clients that run as our own user in our own namespaces: they could answer their own questions. Default: false, said once. */
  readonly strict?: boolean
  /** Names that no rule could ever allow do not exist for what is guarded transparently. Default: false, every name has an address. */
  readonly strictDns?: boolean
  /** Whether `http://sallyport.internal/` says what is allowed and takes requests for access (docs/agent.md). Default: true. */
  readonly agentApi?: boolean
  /** Reload the policy when its file changes. Default: false. */
  readonly watch?: boolean
  /** Any of the limits of lib/limits.ts. */
  readonly limits?: Partial<Limits>
  /** Time. Default: the system's. */
  readonly clock?: Clock
  /** Environment variables that name state folders and roots. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
}
