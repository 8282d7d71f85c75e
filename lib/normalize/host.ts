/**
 * Many spellings of a host → the one in which hosts are compared, or a refusal.
 *
 * Two hosts that a resolver or a dialler could take for the same have the same canonical form, and what comes
 * out of here again comes out unchanged. The global `URL` does what is hard (IDNA, the odd spellings of IPv4,
 * IPv6); it repairs too much, so it only ever sees text whose characters were checked before.
 */
import type { CanonicalHost, HostKind } from '../model/request.ts'

export type NormalizedHost =
  | { readonly kind: 'host', readonly host: CanonicalHost, readonly hostKind: HostKind }
  | { readonly kind: 'refused', readonly reason: string }

/** RFC 1035 §2.3.4. */
const MAX_NAME = 253
const MAX_LABEL = 63

/** @param input  a host as in an authority or a policy, without port; IPv6 in brackets or bare */
export function canonicalHost(input: string): NormalizedHost {
  const looks = look(input)
  switch (looks) {
    case 'canonical': return { kind: 'host', host: input as CanonicalHost, hostKind: 'name' }
    case 'ipv6': return canonicalIpv6(input)
    case 'name': return canonicalName(input)
    case 'refused': return refused('the host holds a character that belongs in no name, or a label that is empty or longer than 63')
    default: return looks satisfies never
  }
}

/**
 * One look at every character.
 *
 * `canonical`: needs no more work. `name`: well-formed, and may have another spelling (upper case, a trailing dot,
 * punycode, IDNA) or be an IPv4 address, as whatever ends in a label that begins with a digit.
 */
function look(input: string): 'canonical' | 'name' | 'ipv6' | 'refused' {
  if (input.startsWith('[') || input.includes(':')) return 'ipv6'
  if (input.length > MAX_NAME + 1) return 'refused'
  let looks: 'canonical' | 'name' = 'canonical'
  let label = 0
  for (let at = 0; at <= input.length; at++) {
    const isEnd = at === input.length
    const code = isEnd ? DOT : input.charCodeAt(at)
    if (code === DOT) {
      const length = at - label
      if (length > MAX_LABEL || (length === 0 && !(isEnd && at > 0))) return 'refused'
      if (length === 0 || (isEnd && isDigit(input.charCodeAt(label))) || input.startsWith('xn--', label)) looks = 'name'
      label = at + 1
    } else if (code > 0x7f || (code >= 0x41 && code <= 0x5a)) {
      looks = 'name'
    } else if (!isLabelCode(code)) {
      return 'refused'
    }
  }
  return looks === 'canonical' && input.length <= MAX_NAME ? 'canonical' : 'name'
}

function canonicalName(input: string): NormalizedHost {
  const mapped = hostnameOf(input)
  if (mapped === null) return refused('the host is no name that IDNA knows and no IPv4 address')
  if (IPV4.test(mapped)) return { kind: 'host', host: mapped as CanonicalHost, hostKind: 'ipv4' }
  const name = mapped.endsWith('.') ? mapped.slice(0, -1) : mapped
  if (!isName(name)) return refused('the host is no name of labels of at most 63 and 253 bytes in all')
  return { kind: 'host', host: name as CanonicalHost, hostKind: 'name' }
}

function canonicalIpv6(input: string): NormalizedHost {
  const bare = input.startsWith('[') && input.endsWith(']') ? input.slice(1, -1) : input
  // A zone (`%eth0`) is no part of a host; `net.isIP` would let it pass.
  const hostname = IPV6_CHARACTERS.test(bare) ? hostnameOf(`[${bare}]`) : null
  if (hostname === null) return refused('the host is no IPv6 address')
  return { kind: 'host', host: hostname.slice(1, -1) as CanonicalHost, hostKind: 'ipv6' }
}

const DOT = 0x2e

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/
const IPV6_CHARACTERS = /^[\da-f:.]{2,45}$/i

/** What is in the canonical form of a name, whatever way it was reached. */
const NAME = /^[a-z\d_-]{1,63}(?:\.[a-z\d_-]{1,63})*$/
function isName(name: string): boolean {
  return name.length <= MAX_NAME && NAME.test(name)
}

/** Refuses by itself what ends in a number and is no IPv4 address (URL Standard §3.5). */
function hostnameOf(host: string): string | null {
  try {
    return new URL(`http://${host}/`).hostname
  } catch {
    // `URL` throws a TypeError for a host it cannot read, and for nothing else.
    return null
  }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** Letter, digit, hyphen, underscore, in lower case. */
function isLabelCode(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || isDigit(code) || code === 0x2d || code === 0x5f
}

function refused(reason: string): NormalizedHost {
  return { kind: 'refused', reason }
}
