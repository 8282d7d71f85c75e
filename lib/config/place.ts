/** A URL that names where a registry is → what a rule says of it. */
import { checkPathPattern } from '../decide/patterns.ts'
import { canonicalHost } from '../normalize/host.ts'

export interface Place {
  readonly scheme: 'http' | 'https'
  readonly host: string
  /** Whether the host is an IP address. */
  readonly isAddress: boolean
  /** null: the usual one of the scheme. */
  readonly port: number | null
  /** What every path begins with, "" or "/npm": no slash at the end. */
  readonly base: string
}

/** Scheme, perhaps user and password, host, port, path. */
const URL_PARTS = /^(https?):\/\/(?:[^@/?#]*@)?(\[[\da-f:.]+\]|[^:/?#@[\]]+)(?::(\d{1,5}))?(\/[^?#]*)?$/i

const MAX_URL = 2_048
const MAX_PORT = 65_535
const USUAL = { http: 80, https: 443 } as const

/**
 * User and password are left out: they are the client's to send.
 *
 * @returns null for what is no http or https URL of a host, or holds a query, a fragment or a `*`
 */
export function parsePlace(text: string): Place | null {
  if (text.length > MAX_URL) return null
  const [, written = '', name = '', digits, path = '/'] = URL_PARTS.exec(text) ?? []
  const scheme = written.toLowerCase()
  if (scheme !== 'http' && scheme !== 'https') return null
  const host = canonicalHost(name)
  const port = digits === undefined ? USUAL[scheme] : Number(digits)
  if (host.kind === 'refused' || port < 1 || port > MAX_PORT) return null
  let end = path.length
  while (path[end - 1] === '/') end--
  const base = path.slice(0, end)
  if (base !== '' && (base.includes('*') || checkPathPattern(base).kind === 'refused')) return null
  return { scheme, host: host.host, isAddress: host.hostKind !== 'name', port: port === USUAL[scheme] ? null : port, base }
}
