/**
 * The grammar of patterns: what may stand in a policy, its canonical form, and what it matches.
 *
 * A *piece* is a DNS label or a path segment. `*` alone is exactly one non-empty piece, `*` inside a piece any run
 * of its characters, `**` a whole piece: one or more labels at the head of a host, any number of segments in a path.
 * Nothing else is special. A sound pattern compiles without failing and matches in time linear in the target.
 *
 * This file is the grammar's one door: hosts, matchers and relations live next to it.
 */
import { isPublicNetwork } from './address.ts'
import { refused, shortened, tooManyStars } from './host-pattern.ts'
import type { PatternCheck } from './host-pattern.ts'
import { formatIp, lowest, parseNetwork } from './ip.ts'

export { checkHostPattern, registrableDomain } from './host-pattern.ts'
export type { PatternCheck } from './host-pattern.ts'
export { compileHostPattern, compilePathPattern, compileValuePattern, searchSteps } from './matchers.ts'
export type { Matcher } from './matchers.ts'
export { hostPatternCovers, hostPatternsOverlap, networkCovers, pathPatternCovers } from './relations.ts'

/** `pchar` of RFC 3986 §3.3 without escapes. */
const RAW = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@"
const UNRESERVED = /^[\w.~-]$/

export function checkPathPattern(pattern: string): PatternCheck {
  const short = shortened(pattern)
  if (!pattern.startsWith('/')) return refused(`"${short}" does not begin with "/": write ${pattern === '' || pattern.startsWith('*') ? '"/**" for every path' : `"/${short}"`}`)
  const strange = strangeInPath(pattern) ?? tooManyStars(pattern)
  if (strange !== null) return refused(strange)
  const canonical = pattern.replace(/%[\da-f]{2}/gi, inOneSpelling)
  const glued = canonical.split('/').find(piece => piece.includes('**') && piece !== '**')
  if (glued !== undefined) return refused(`"**" must be a whole segment ("${short}"): write "*" for a run inside a segment, or "/**/" between two slashes`)
  if (canonical.includes('//')) return refused(`"${short}" holds "//": write one slash; every request is also judged with its double slashes merged`)
  // `;params` and escaped slashes hide no dot segment: no request with one gets as far as a rule.
  if (/\/\.{1,2}(?:[/;]|$)/.test(canonical.replace(/%(?:2F|5C)/g, '/'))) return refused(`"${short}" holds a dot segment ("." or ".."): write the path that is meant; requests with dot segments are refused`)
  return { kind: 'sound', canonical, warnings: [] }
}

/** @returns canonical: the address in its standard spelling and the prefix length, `10.0.0.0/8` */
export function checkCidr(text: string, anyHost: boolean): PatternCheck {
  const network = parseNetwork(text)
  if (network === null) return refused(`"${shortened(text)}" is no IP network: write an address, or an address and a prefix length, for example "10.0.0.0/8" or "fd00::/8"`)
  const { bits, prefix } = network
  const first = lowest(network)
  const canonical = `${formatIp({ bits, value: first })}/${prefix}`
  if (first !== network.value) return refused(`"${text}" has bits set behind its prefix: write "${canonical}" for the network, or "${formatIp(network)}/${bits}" for the one address`)
  if (prefix === 0 && !anyHost) return refused(`"${text}" is every address: name a network, or say "anyHost": true`)
  return { kind: 'sound', canonical, warnings: [] }
}

/** For a rule that an approval grants: no approval opens an address that is not public. */
export function checkPublicCidr(text: string): PatternCheck {
  const checked = checkCidr(text, false)
  if (checked.kind === 'refused' || isPublicNetwork(checked.canonical)) return checked
  return refused(`"${checked.canonical}" holds addresses that are not public, which no approval opens: name public ones, or write a rule into the policy`)
}

/** For values of a query or header: one piece, in which `*` crosses everything. Printable ASCII, compared as it is. */
export function checkValuePattern(pattern: string): PatternCheck {
  const short = shortened(pattern)
  // Nothing here could be escaped, so what another grammar would read as special is refused rather than misread.
  const strange = /[^\x20-\x7e]|[?[\]{}|\\^]/.exec(pattern)?.[0]
  if (strange !== undefined) return refused(`${JSON.stringify(strange)} may not stand in a value ("${short}"): write "*" in its place${LISTED.test(strange) ? ', or a list of patterns' : ''}`)
  const tooMany = tooManyStars(pattern)
  if (tooMany !== null) return refused(tooMany)
  if (pattern.includes('**')) return refused(`"**" may not stand in a value ("${short}"): write "*", which takes every character there`)
  return { kind: 'sound', canonical: pattern, warnings: [] }
}

const LISTED = /[[\]{}|]/

function strangeInPath(pattern: string): string | null {
  const short = shortened(pattern)
  const bare = /%(?![\da-f]{2})/i.exec(pattern)
  if (bare !== null) return `"%" begins no escape in "${short}": write "%25" for a percent sign`
  for (const character of pattern.replace(/%[\da-f]{2}/gi, '')) {
    if (character !== '/' && !RAW.includes(character)) return `${JSON.stringify(character)} may not stand in a path ("${short}"): ${insteadOf(character)}`
  }
  for (const escape of pattern.match(/%[\da-f]{2}/gi) ?? []) {
    const character = String.fromCharCode(parseInt(escape.slice(1), 16))
    if (UNRESERVED.test(character)) return `"${escape}" escapes what needs no escape ("${short}"): write "${character}"`
    if (/[\0-\x1f\x7f]/.test(character)) return `"${escape}" is an escaped control byte ("${short}"): leave it out, no request with one is let through`
  }
  return null
}

function insteadOf(character: string): string {
  if (character === '?') return 'give the query its own field, "query"; for any one segment write "*"'
  if (character === '#') return 'leave the fragment out, clients never send it'
  const escaped = Array.from(new TextEncoder().encode(character), byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
  if (LISTED.test(character)) return `write a list of patterns, or "${escaped}" for the character itself`
  return `write "${escaped}"`
}

/** `%2A` stays: it is how a literal star is written. */
function inOneSpelling(escape: string): string {
  const character = String.fromCharCode(parseInt(escape.slice(1), 16))
  return character !== '*' && RAW.includes(character) ? character : escape.toUpperCase()
}
