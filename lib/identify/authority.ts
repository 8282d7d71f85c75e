/**
 * An authority as it is written on the wire → its host and its port (RFC 3986 §3.2).
 *
 * Syntax alone: the host comes back as it was written, brackets included, and `normalize/host` says
 * whether it is one we can call. Userinfo is refused here, for an `@` is where two parsers find two hosts.
 */

export type ParsedAuthority =
  | { readonly kind: 'authority', readonly host: string, readonly port: number | null }
  | { readonly kind: 'refused', readonly reason: string }

const MAX_PORT = 65_535

/** Longest authority looked at: a name of 253 bytes with its dot and port needs 260, and nothing else is longer. */
const MAX_AUTHORITY = 320

/**
 * @param kind  `connect`: the target of a CONNECT, which has no default port; `host`: a Host field or the
 *   authority of an absolute-form target, where the port may be left out (then it is null)
 */
export function parseAuthority(kind: 'connect' | 'host', input: string): ParsedAuthority {
  if (input.length > MAX_AUTHORITY) return refused('the authority is too long')
  const end = input.startsWith('[') ? endOfLiteral(input) : endOfName(input)
  if (end === 0) return refused('the authority has no well-formed host')
  const host = end === input.length ? input : input.slice(0, end)
  if (end === input.length) {
    return kind === 'connect' ? refused('CONNECT needs a port') : { kind: 'authority', host, port: null }
  }
  if (input.charCodeAt(end) !== COLON) return refused('the authority holds a character that belongs in no host')
  const port = portIn(input, end + 1)
  return port === null ? refused('the port is not a number from 1 to 65535') : { kind: 'authority', host, port }
}

const COLON = 0x3a

/** `unreserved`, `sub-delims` and the `%` of an escape (RFC 3986 §3.2.2). */
const NAME_BYTES = tableOf("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=%")
/** An IPv6 address. No zone (`%25eth0`) and no `IPvFuture`: neither can be dialled. */
const LITERAL_BYTES = tableOf('0123456789abcdefABCDEF:.')

/** @returns where the name ends; 0 if there is none */
function endOfName(input: string): number {
  let at = 0
  while (at < input.length && NAME_BYTES[input.charCodeAt(at)] === 1) at++
  return at
}

/** @returns behind the `]`; 0 if the brackets are not closed or hold anything but an address */
function endOfLiteral(input: string): number {
  let at = 1
  while (at < input.length && LITERAL_BYTES[input.charCodeAt(at)] === 1) at++
  return at > 1 && input[at] === ']' ? at + 1 : 0
}

/** Decimal, without a sign, a leading zero or anything behind it; null for every other text. */
function portIn(input: string, start: number): number | null {
  if (start === input.length || input[start] === '0') return null
  let port = 0
  for (let at = start; at < input.length; at++) {
    const digit = input.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return null
    port = port * 10 + digit
  }
  return port <= MAX_PORT ? port : null
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(128)
  for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] = 1
  return table
}

function refused(reason: string): ParsedAuthority {
  return { kind: 'refused', reason }
}
