/**
 * Which fields cross the house. Order, case and repetitions are kept; what belongs to one hop, to a proxy
 * or to the framing is not. Nothing is added.
 */
import type { RawFields, RequestFacts } from '../model/request.ts'

/** RFC 9110 §7.6.1, and what older software uses in their place. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings'])

/**
 * What `Connection` may not take away, whoever writes it: what frames, routes or authenticates a message, or says
 * what its content is. Without them it would mean something else than what was judged or sent (Davison 2019).
 */
const ESSENTIAL = new Set([
  'host', 'content-length', 'content-type', 'content-encoding', 'content-range', 'content-disposition',
  'authorization', 'www-authenticate', 'cookie', 'set-cookie', 'origin', 'range', 'location', 'cache-control', 'vary', 'date',
])

/** Beside those: trailers that would still change how a message is read, routed or kept (RFC 9110 §6.5.1). */
const NO_TRAILER = new Set([...ESSENTIAL, 'alt-svc', 'expect', 'max-forwards', 'age', 'expires', 'warning', 'retry-after', 'authentication-info'])

/** No `tchar` of RFC 9110 §5.6.2. */
const NOT_NAME = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/
/** A field value has no control bytes (RFC 9110 §5.5). */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/
/** More than any honest answer has. */
const MAX_FIELDS = 1_000

/** For the upstream, without Host and framing. */
export function requestFields(fields: RawFields): string[] {
  return filtered(fields, mayBeHop, name => name === 'host' || name === 'content-length' || name === 'expect' || name === 'proxy' || name.startsWith('proxy-'))
}

/**
 * For the client, without framing. What we say ourselves nobody else may say; `Proxy-Status` is said by each hop (RFC 9209).
 * An alternative service is one of the upstream's connection, which ends here (RFC 7838), and a way around us.
 */
export function responseFields(fields: RawFields): string[] {
  return filtered(fields, mayBeHop, name => name === 'content-length' || name === 'alt-svc' || name.startsWith('proxy-authenticat') || name.startsWith('sallyport-'))
}

export function trailerFields(fields: RawFields): string[] {
  return filtered(fields, () => true, name => NO_TRAILER.has(name) || name.startsWith('proxy-') || name.startsWith('sallyport-'))
}

/** Fields as they stood on the wire; null where they are none. */
export function readFields(raw: readonly Buffer[]): string[] | null {
  if (raw.length > 2 * MAX_FIELDS) return null
  const fields: string[] = []
  let names = ''
  let values = ''
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toString('latin1')
    const value = raw[i + 1]!.toString('latin1')
    if (name === '') return null
    names += name
    values += value
    fields.push(name, value)
  }
  // All at once: what is wrong in one of them is wrong in the whole.
  return NOT_NAME.test(names) || CONTROL.test(values) ? null : fields
}

/**
 * Bytes of body that an answer announces: null where it does not say, `invalid` where it says two things, or is
 * coded for the hop in a way that we did not offer to read (RFC 9112 §6.1).
 */
export function announcedLength(fields: RawFields): number | null | 'invalid' {
  let length: string | null = null
  let isChunked = false
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      if (length !== null) return 'invalid'
      length = fields[i + 1]!
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (isChunked || fields[i + 1]!.trim().toLowerCase() !== 'chunked') return 'invalid'
      isChunked = true
    }
  }
  if (length === null) return null
  return isChunked || !/^\d{1,15}$/.test(length) ? 'invalid' : Number(length)
}

/** The value of Host: the authority that was judged. A default port is written where the client wrote it, because some clients sign it. */
export function hostField({ scheme, host, hostKind, port }: RequestFacts, fields: RawFields): string {
  const name = hostKind === 'ipv6' ? `[${host}]` : host
  const isDefault = port === (scheme === 'https' || scheme === 'wss' ? 443 : 80)
  return isDefault && !writesPort(fields, port) ? name : `${name}:${port}`
}

function writesPort(fields: RawFields, port: number): boolean {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i]!.length === 4 && fields[i]!.toLowerCase() === 'host') return fields[i + 1]!.endsWith(`:${port}`)
  }
  return false
}

/** @param mayBe false for a name, as written, that is neither hop-by-hop nor dropped */
function filtered(fields: RawFields, mayBe: (written: string) => boolean, isDropped: (name: string) => boolean): string[] {
  const named = namedByConnection(fields)
  const out: string[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const written = fields[i]!
    if (named !== null || mayBe(written)) {
      const name = written.toLowerCase()
      if (HOP_BY_HOP.has(name) || isDropped(name) || named?.has(name) === true) continue
    }
    out.push(written, fields[i + 1]!)
  }
  return out
}

/** Most names are told by their length alone. `proxy-*` and `sallyport-*` have any, and a first letter. */
function mayBeHop(written: string): boolean {
  const first = written.charCodeAt(0) | 0x20
  return written.length > 31 || (HOP_LENGTHS >> written.length & 1) === 1 || first === 0x70 || first === 0x73
}

/** A bit for each length. */
const HOP_LENGTHS = [...HOP_BY_HOP, 'host', 'content-length', 'expect', 'proxy'].reduce((bits, { length }) => bits | 1 << length, 0)

function namedByConnection(fields: RawFields): Set<string> | null {
  let named: Set<string> | null = null
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i]!.length !== 10 || fields[i]!.toLowerCase() !== 'connection') continue
    for (const token of fields[i + 1]!.split(',')) {
      const name = token.trim().toLowerCase()
      if (name === '' || name === 'close' || name === 'keep-alive' || ESSENTIAL.has(name)) continue
      named ??= new Set()
      named.add(name)
    }
  }
  return named
}
