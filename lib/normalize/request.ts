/**
 * A request as it stood on the wire → the facts that it is judged by, or a refusal.
 *
 * Total: never throws. Everything that names a host (the tunnel's CONNECT, the SNI, Host, an absolute-form
 * target) has to name the same one, and the target comes out byte for byte as the client wrote it (I2).
 */
import { parseAuthority } from '../identify/authority.ts'
import type { RefusalCode } from '../model/errors.ts'
import type { Normalized, Unread } from '../model/flow.ts'
import type { Authority, RawFields, RawRequest, RequestFacts, StreamFacts } from '../model/request.ts'
import { TOKEN, readFields } from './fields.ts'
import type { ReadFields } from './fields.ts'
import { canonicalHost } from './host.ts'
import { readTarget } from './path.ts'

/** No option raises the limit of a target beyond this, in bytes; below it `identify/head-watch` keeps the one that was chosen. */
const MAX_TARGET = 65_536

export function normalizeRequest(raw: RawRequest): Normalized<RequestFacts> {
  const refuse = (code: RefusalCode, reason: string, place: Authority | null = raw.tunnel?.authority ?? null): Normalized<RequestFacts> =>
    ({ kind: 'refused', code, reason, unread: unreadOf(raw, place) })

  if (raw.httpVersion !== '1.1' && raw.httpVersion !== '1.0') return refuse('malformed_request', 'the version is neither HTTP/1.1 nor HTTP/1.0')
  if (!TOKEN.test(raw.method)) return refuse('malformed_request', 'the method is no token')
  if (raw.target.length > MAX_TARGET) return refuse('target_too_long', `the target is longer than ${MAX_TARGET} bytes`)
  const fields = readFields(raw.fields, raw.httpVersion)
  if (fields.kind === 'refused') return refuse('malformed_request', fields.reason)
  if (isUnserved(raw.method)) return refuse('method_refused', `${raw.method} is not served`)
  if (fields.overrides.some(isUnserved)) return refuse('method_refused', 'an override field names TRACE or CONNECT')

  const aim = raw.tunnel === null ? aimOnPort(raw.target) : aimInTunnel(raw.target, raw.tunnel)
  if (aim.kind === 'refused') return refuse(aim.code, aim.reason, aim.place)
  const { authority, written } = aim
  const disagreement = agree(raw, fields, authority, written)
  if (disagreement !== null) return refuse(disagreement.code, disagreement.reason, authority)
  const target = readTarget(aim.target)
  if (target.kind === 'refused') return refuse('malformed_target', target.reason, authority)

  const isSecure = raw.tunnel?.isSecure === true
  const hasContent = fields.contentLength !== 0
  const isWebSocket = raw.isUpgrade && fields.offersWebSocket && raw.method === 'GET' && raw.httpVersion === '1.1' && !hasContent
  return {
    kind: 'facts',
    facts: {
      kind: 'request',
      client: raw.client,
      scheme: isWebSocket ? (isSecure ? 'wss' : 'ws') : isSecure ? 'https' : 'http',
      host: authority.host,
      hostKind: authority.hostKind,
      port: authority.port,
      method: raw.method,
      methods: fields.overrides.length === 0 ? [raw.method] : [...new Set([raw.method, ...fields.overrides])],
      target: aim.target,
      path: target.path,
      query: target.query,
      readings: target.readings,
      fields: raw.fields,
      hasContent,
      contentLength: fields.contentLength,
    },
  }
}

/** A CONNECT, before it is known what its tunnel carries. */
export function normalizeConnect(raw: { readonly client: string, readonly target: string, readonly httpVersion: string, readonly fields: RawFields }): Normalized<StreamFacts> {
  const parsed = readAuthority('connect', raw.target)
  const authority = parsed.kind === 'refused' || parsed.port === null ? null : { host: parsed.host, hostKind: parsed.hostKind, port: parsed.port }
  const refuse = (code: RefusalCode, reason: string): Normalized<StreamFacts> => ({
    kind: 'refused', code, reason,
    unread: { client: raw.client, scheme: null, host: authority?.host ?? null, port: authority?.port ?? null, method: 'CONNECT', target: raw.target },
  })
  if (raw.httpVersion !== '1.1' && raw.httpVersion !== '1.0') return refuse('malformed_request', 'the version is neither HTTP/1.1 nor HTTP/1.0')
  if (authority === null) return refuse('malformed_target', parsed.kind === 'refused' ? parsed.reason : 'CONNECT needs a port')
  const fields = readFields(raw.fields, raw.httpVersion)
  if (fields.kind === 'refused') return refuse('malformed_request', fields.reason)
  if (fields.contentLength !== 0) return refuse('malformed_request', 'a CONNECT announces a body')
  // Clients that speak HTTP/1.0 send none, Python's http.client before 3.12 among them.
  if (fields.host === null) {
    if (raw.httpVersion === '1.1') return refuse('malformed_request', NO_HOST)
  } else if (fields.host !== raw.target) {
    const disagreement = hostDisagrees(fields.host, authority)
    if (disagreement !== null) return refuse(disagreement.code, disagreement.reason)
  }
  return { kind: 'facts', facts: { kind: 'stream', client: raw.client, scheme: 'tcp', ...authority } }
}

const NO_HOST = 'there is no Host field'

interface Disagreement {
  readonly code: RefusalCode
  readonly reason: string
}

type Aim =
  | {
    readonly kind: 'aim'
    readonly authority: Authority
    /** The authority as the target spells it; null in origin-form. */
    readonly written: string | null
    /** In origin-form. */
    readonly target: string
  }
  | { readonly kind: 'refused', readonly code: RefusalCode, readonly reason: string, readonly place: Authority | null }

/** The proxy's own port takes `http://` targets and nothing else. */
function aimOnPort(written: string): Aim {
  const absolute = splitAbsolute(written)
  if (absolute === null) return noAim('malformed_target', 'the target on the proxy port is not in absolute-form', null)
  const isSecure = absolute.scheme === 'https'
  if (!isSecure && absolute.scheme !== 'http') return noAim('malformed_target', 'the scheme of the target is not carried', null)
  const authority = authorityIn(absolute.authority, isSecure ? 443 : 80)
  if (authority.kind === 'refused') return noAim('malformed_target', authority.reason, null)
  if (isSecure) return noAim('use_connect', 'an https:// target came without a tunnel', authority.authority)
  return { kind: 'aim', authority: authority.authority, written: absolute.authority, target: absolute.target }
}

/** In a tunnel the authority is the tunnel's; a target that repeats it has to agree. */
function aimInTunnel(target: string, tunnel: NonNullable<RawRequest['tunnel']>): Aim {
  const { authority } = tunnel
  if (target.startsWith('/')) return { kind: 'aim', authority, written: null, target }
  const absolute = splitAbsolute(target)
  if (absolute === null) return noAim('malformed_target', 'the target is neither in origin-form nor in absolute-form', authority)
  if (absolute.scheme !== (tunnel.isSecure ? 'https' : 'http')) return noAim('malformed_target', 'the scheme of the target is not that of its tunnel', authority)
  const named = authorityIn(absolute.authority, tunnel.isSecure ? 443 : 80)
  if (named.kind === 'refused') return noAim('malformed_target', named.reason, authority)
  if (named.authority.host !== authority.host || named.authority.port !== authority.port) return noAim('misdirected', 'the target names another host or port than its tunnel', authority)
  return { kind: 'aim', authority, written: absolute.authority, target: absolute.target }
}

function noAim(code: RefusalCode, reason: string, place: Authority | null): Aim {
  return { kind: 'refused', code, reason, place }
}

/** `scheme://authority` and, in origin-form, what follows; null where it is none. A fragment stays in it and is refused with it. */
function splitAbsolute(target: string): { readonly scheme: string, readonly authority: string, readonly target: string } | null {
  const parts = ABSOLUTE.exec(target)
  if (parts === null) return null
  const [, scheme = '', authority = '', rest = ''] = parts
  return { scheme: scheme.toLowerCase(), authority, target: rest.startsWith('/') ? rest : `/${rest}` }
}

const ABSOLUTE = /^([a-z][a-z\d+.-]{0,31}):\/\/([^/?#]*)(.*)$/is

/** @returns where SNI, Host and the target part ways, or null */
function agree(raw: RawRequest, fields: ReadFields, authority: Authority, written: string | null): Disagreement | null {
  const serverName = raw.tunnel?.isSecure === true ? raw.tunnel.serverName : null
  if (serverName !== null && serverName !== authority.host && !isSameName(serverName, authority)) {
    return { code: 'misdirected', reason: 'the SNI is not the host of the tunnel' }
  }
  const { host } = fields
  if (host === null) {
    const isNeedless = raw.httpVersion === '1.0' && written !== null
    return isNeedless ? null : { code: 'malformed_request', reason: NO_HOST }
  }
  // The usual case needs no parser: these very texts have been through it. IPv6 is written in brackets here, and kept without.
  const isAsWritten = host === written || (host === authority.host && authority.hostKind !== 'ipv6')
  return isAsWritten ? null : hostDisagrees(host, authority)
}

function isSameName(serverName: string, authority: Authority): boolean {
  const named = readAuthority('host', serverName)
  return named.kind === 'authority' && named.port === null && named.host === authority.host
}

/** A Host without a port agrees with every port. */
function hostDisagrees(host: string, authority: Authority): Disagreement | null {
  const named = readAuthority('host', host)
  if (named.kind === 'refused') return { code: 'malformed_request', reason: `Host: ${named.reason}` }
  const agrees = named.host === authority.host && (named.port ?? authority.port) === authority.port
  return agrees ? null : { code: 'misdirected', reason: 'Host names another host or port than the request is for' }
}

type ReadAuthority =
  | { readonly kind: 'authority', readonly host: Authority['host'], readonly hostKind: Authority['hostKind'], readonly port: number | null }
  | { readonly kind: 'refused', readonly reason: string }

function readAuthority(kind: 'connect' | 'host', input: string): ReadAuthority {
  const parsed = parseAuthority(kind, input)
  if (parsed.kind === 'refused') return parsed
  const { host, port } = parsed
  const canonical = canonicalHost(host)
  return canonical.kind === 'refused' ? canonical : { kind: 'authority', host: canonical.host, hostKind: canonical.hostKind, port }
}

function authorityIn(input: string, defaultPort: number): { readonly kind: 'named', readonly authority: Authority } | { readonly kind: 'refused', readonly reason: string } {
  const named = readAuthority('host', input)
  if (named.kind === 'refused') return named
  return { kind: 'named', authority: { host: named.host, hostKind: named.hostKind, port: named.port ?? defaultPort } }
}

/** A method that is never forwarded, in whatever case an origin may take it. */
function isUnserved(method: string): boolean {
  return method.length > 4 && UNSERVED.test(method)
}

const UNSERVED = /^(?:trace|connect)$/i

function unreadOf(raw: RawRequest, place: Authority | null): Unread {
  return {
    client: raw.client,
    scheme: raw.tunnel?.isSecure === true ? 'https' : 'http',
    host: place?.host ?? null,
    port: place?.port ?? null,
    method: raw.method,
    target: raw.target,
  }
}
