/**
 * Which fields cross the house. Order, case and repetitions are kept; what belongs to one hop, to a proxy
 * or to the framing is not. Nothing is added.
 */
import type { Facts, RawFields } from '../model/request.ts'

/** RFC 9110 §7.6.1, and what older software uses in their place. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings'])

/** What `Connection` may not take away: without them the message would mean something else (Davison 2019). */
const ESSENTIAL = new Set(['host', 'content-length', 'content-type', 'content-encoding', 'authorization', 'cookie', 'set-cookie', 'cache-control', 'range', 'content-range', 'date', 'location'])

/** Trailers that frame, route or authenticate (RFC 9110 §6.5.1). */
const NO_TRAILER = new Set([...ESSENTIAL, 'expect', 'www-authenticate', 'max-forwards', 'age', 'expires', 'vary', 'warning', 'retry-after'])

/** For the upstream, without Host and framing. */
export function requestFields(fields: RawFields): string[] {
  return filtered(fields, name => name === 'host' || name === 'content-length' || name === 'expect' || name.startsWith('proxy-') || name === 'proxy')
}

/** For the client, without framing. What we say ourselves nobody else may say. */
export function responseFields(fields: RawFields): string[] {
  return filtered(fields, name => name === 'content-length' || name === 'proxy-authenticate' || name === 'proxy-authentication-info' || name.startsWith('sallyport-'))
}

export function trailerFields(fields: RawFields): string[] {
  return filtered(fields, name => NO_TRAILER.has(name) || name.startsWith('proxy-') || name.startsWith('sallyport-'))
}

/**
 * The value of Host: what was judged. The client's own spelling stands where it is the same authority but
 * for case, because some clients sign it; else the canonical one.
 */
export function hostField(facts: Facts, fields: RawFields): string {
  const name = facts.hostKind === 'ipv6' ? `[${facts.host}]` : facts.host
  const isSecure = facts.scheme === 'https' || facts.scheme === 'wss'
  const isDefault = facts.port === (isSecure ? 443 : 80)
  const judged = isDefault ? name : `${name}:${facts.port}`
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i]!.length !== 4 || fields[i]!.toLowerCase() !== 'host') continue
    const written = fields[i + 1]!.toLowerCase()
    return written === judged || written === `${name}:${facts.port}` ? fields[i + 1]! : judged
  }
  return judged
}

function filtered(fields: RawFields, isDropped: (name: string) => boolean): string[] {
  const named = namedByConnection(fields)
  const out: string[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase()
    if (HOP_BY_HOP.has(name) || isDropped(name) || named?.has(name) === true) continue
    out.push(fields[i]!, fields[i + 1]!)
  }
  return out
}

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
