/**
 * A request as a person writes it down (method, URL, fields) → the facts that the same request on the
 * wire would give. For `explain`, `decide` and tests; the same code judges it.
 */
import { parseAuthority } from '../identify/authority.ts'
import { AGENT_HOST } from '../model/agent.ts'
import type { Normalized } from '../model/flow.ts'
import type { Facts, RawFields } from '../model/request.ts'
import { canonicalHost } from './host.ts'
import { normalizeConnect, normalizeRequest } from './request.ts'

export interface RequestLike {
  /** Default GET. Left out of account for `tcp:`. */
  readonly method?: string
  /** `https:`, `http:`, `wss:`, `ws:` or `tcp://host:port`. Not parsed by `URL`, which repairs what is to be refused. */
  readonly url: string
  /** Name and value by turns, or an object. Host is added. */
  readonly headers?: RawFields | Readonly<Record<string, string>>
  /** Label of the client. Default `127.0.0.1`. */
  readonly client?: string
}

const HANDSHAKE = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA==']

export function describeRequest(request: RequestLike): Normalized<Facts> {
  const client = request.client ?? '127.0.0.1'
  const method = request.method ?? 'GET'
  const parts = /^([a-z]+):\/\/([^/?#]*)(.*)$/is.exec(request.url)
  const unread = { client, scheme: null, host: null, port: null, method, target: request.url }
  if (parts === null) return { kind: 'refused', code: 'malformed_target', reason: 'a URL begins with https://, http://, wss://, ws:// or tcp://', unread }
  const [, writtenScheme = '', authority = '', rest = ''] = parts
  const scheme = writtenScheme.toLowerCase()
  const fields = toFields(request.headers)
  const httpVersion = '1.1'
  if (scheme === 'tcp') return unlessOurs(normalizeConnect({ client, target: authority, httpVersion, fields: ['Host', authority] }))
  const isUpgrade = scheme === 'wss' || scheme === 'ws'
  const isSecure = scheme === 'wss' || scheme === 'https'
  if (!isSecure && scheme !== 'ws' && scheme !== 'http') return { kind: 'refused', code: 'malformed_target', reason: `${scheme}: is no scheme that a rule can name`, unread }

  const parsed = parseAuthority('host', authority)
  if (parsed.kind === 'refused') return { kind: 'refused', code: 'malformed_request', reason: parsed.reason, unread }
  const host = canonicalHost(parsed.host)
  if (host.kind === 'refused') return { kind: 'refused', code: 'malformed_request', reason: host.reason, unread }
  const tunnel = {
    authority: { host: host.host, hostKind: host.hostKind, port: parsed.port ?? (isSecure ? 443 : 80) },
    isSecure,
    serverName: host.hostKind === 'name' ? host.host : null,
  }
  return unlessOurs(normalizeRequest({
    client, tunnel, method, httpVersion, isUpgrade,
    target: rest.startsWith('/') ? rest : `/${rest}`,
    fields: ['Host', authority, ...fields, ...isUpgrade ? HANDSHAKE : []],
  }))
}

/** No policy is asked about our own name. */
function unlessOurs(normalized: Normalized<Facts>): Normalized<Facts> {
  if (normalized.kind === 'refused' || normalized.facts.host !== AGENT_HOST) return normalized
  const { client, scheme, host, port } = normalized.facts
  return { kind: 'refused', code: 'not_served', reason: `${host} is the firewall itself: no policy is asked about it`, unread: { client, scheme, host, port, method: null, target: null } }
}

function toFields(headers: RequestLike['headers'] = []): RawFields {
  return Array.isArray(headers) ? headers as RawFields : Object.entries(headers).flat()
}
