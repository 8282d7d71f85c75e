/**
 * Who may use the proxy, and what a client is called.
 *
 * A loopback client needs nothing. Any other needs an address that the operator listed or a token
 * that the operator issued. A token that is sent must be right, also from loopback. Its name labels
 * the client in questions and in the log; it never opens what the policy keeps shut.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { BlockList, isIPv6 } from 'node:net'
import type { RawFields } from '../model/request.ts'

export interface ClientToken {
  readonly name: string
  readonly token: string
}

export interface ClientRules {
  /** Networks whose clients need no token, as `address/prefix`. */
  readonly allowFrom: readonly string[]
  readonly tokens: readonly ClientToken[]
}

export type Identified =
  /** `isKnown`: told apart from others by a token. */
  | { readonly kind: 'client', readonly label: string, readonly isKnown: boolean }
  | { readonly kind: 'refused', readonly reason: string }

/** @param address the peer's address as `socket.remoteAddress` gives it; '' where there is none (a socket pair of the embedding runtime) */
export type Identify = (address: string, fields: RawFields) => Identified

export function createIdentify(rules: ClientRules): Identify {
  const open = new BlockList()
  open.addSubnet('127.0.0.0', 8, 'ipv4')
  open.addAddress('::1', 'ipv6')
  for (const network of rules.allowFrom) {
    const [address = '', prefix = ''] = network.split('/')
    open.addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  /** By address; a client comes back with every connection. */
  const known = new Map<string, boolean>()
  const isOpen = (address: string): boolean => {
    let opens = known.get(address)
    if (opens === undefined) {
      opens = open.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
      if (known.size >= MAX_KNOWN) known.clear()
      known.set(address, opens)
    }
    return opens
  }
  const tokens = rules.tokens.map(({ name, token }) => ({ name, credentials: digest(`${name}:${token}`) }))

  return (address, fields) => {
    const plain = withoutMapping(address)
    const sent: Credentials = tokens.length === 0 ? { kind: 'none' } : proxyCredentials(fields)
    if (sent.kind === 'malformed') return { kind: 'refused', reason: 'Proxy-Authorization is not one field of Basic credentials' }
    if (sent.kind === 'basic') {
      const name = matching(tokens, digest(sent.text))
      return name === null ? { kind: 'refused', reason: 'the token in Proxy-Authorization is unknown' } : { kind: 'client', label: name, isKnown: true }
    }
    return plain === '' || isOpen(plain)
      ? { kind: 'client', label: plain === '' ? 'embedded' : plain, isKnown: false }
      : { kind: 'refused', reason: `no token was sent, and ${plain} is not among the networks that need none` }
  }
}

const MAX_KNOWN = 1_000

/** `::ffff:10.0.0.2` is how a dual-stack listener shows 10.0.0.2. */
export function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

type Credentials = { readonly kind: 'none' } | { readonly kind: 'malformed' } | { readonly kind: 'basic', readonly text: string }

/** RFC 7617. Two fields, or another scheme, are not credentials that we issued. */
function proxyCredentials(fields: RawFields): Credentials {
  let value: string | null = null
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]!.length !== 19 || fields[i]!.toLowerCase() !== 'proxy-authorization') continue
    if (value !== null) return { kind: 'malformed' }
    value = fields[i + 1] ?? ''
  }
  if (value === null) return { kind: 'none' }
  const basic = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value)
  if (basic === null) return { kind: 'malformed' }
  return { kind: 'basic', text: Buffer.from(basic[1]!, 'base64').toString('latin1') }
}

/** Every token is compared, each in constant time, so that the time says nothing of which came close. */
function matching(tokens: readonly { name: string, credentials: Buffer }[], sent: Buffer): string | null {
  let found: string | null = null
  for (const { name, credentials } of tokens) if (timingSafeEqual(credentials, sent)) found = name
  return found
}

/** Makes every comparison one of equal lengths. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'latin1').digest()
}
