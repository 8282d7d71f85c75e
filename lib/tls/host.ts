/**
 * What a certificate may be issued for: one name or one address, in canonical form.
 *
 * A second look, behind `normalize/`: text that is signed becomes an identity, so nothing that a client
 * could read in another way gets past here (a NUL, a wildcard, a comma, an address spelled as a name).
 */

/** Letters, digits, hyphens and underscores, lower case; the last label is not a number, or it would be an address. */
const NAME = /^(?:[a-z0-9_-]{1,63}\.)*(?!(?:[0-9]+|0x[0-9a-f]*)$)[a-z0-9_-]{1,63}$/
const MAX_NAME = 253
const IPV4 = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/
const IPV6 = /^[0-9a-f:]{2,39}$/

export const isName = (host: string): boolean => host.length <= MAX_NAME && NAME.test(host)

/** The 4 or 16 bytes of an address in its one standard spelling; null for anything else. */
export function addressOf(host: string, kind: 'ipv4' | 'ipv6'): Uint8Array | null {
  const isIpv4 = kind === 'ipv4'
  if (!(isIpv4 ? IPV4 : IPV6).test(host) || !isStandard(isIpv4 ? host : `[${host}]`)) return null
  return isIpv4 ? Uint8Array.from(host.split('.'), Number) : Buffer.from(groupsOf(host).join(''), 'hex')
}

/** URL writes every address in its standard spelling, and refuses what is none. */
function isStandard(host: string): boolean {
  try {
    return new URL(`http://${host}/`).hostname === host
  } catch {
    return false
  }
}

/** Eight groups of four hexadecimal digits. */
function groupsOf(address: string): string[] {
  const [left = [], right = []] = address.split('::').map(half => half.split(':').filter(group => group !== ''))
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  return [...left, ...zeros, ...right].map(group => group.padStart(4, '0'))
}
