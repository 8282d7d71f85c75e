/**
 * Which host patterns may stand in a policy, and the one form in which they are compared.
 *
 * A pattern comes as an operator writes it (upper case, Unicode) and leaves in lower case and A-labels, or with
 * the sentence that says what to write instead. tldts (the Public Suffix List, its private section included) is at
 * home here: it keeps a wildcard from covering names that anybody may register. It is as old as its release; a list
 * of our own, read at start, would replace it.
 *
 * `normalize/host` is another room's, so IDNA is done here by the same global `URL`, with `a` standing in for
 * wildcard labels; test/conformance/hosts.test.ts keeps the two in step.
 */
import { createRequire } from 'node:module'
import { formatIp, parseIp } from './ip.ts'

/** Required when it is first asked: importing a package in CommonJS reads it twice, which costs 40 ms more. */
const suffixes = (): typeof import('tldts') => loaded ??= createRequire(import.meta.url)('tldts') as typeof import('tldts')
let loaded: typeof import('tldts') | null = null

export type PatternCheck =
  | { readonly kind: 'sound', readonly canonical: string, readonly warnings: readonly string[] }
  /** `problem`: what is wrong and what to write instead. */
  | { readonly kind: 'refused', readonly problem: string }

const MAX_PATTERN_BYTES = 1024
const MAX_STARS = 8
/** RFC 1035 §2.3.4. */
const MAX_NAME = 253
const MAX_LABEL = 63

/** What most patterns are: canonical as it stands. No label is punycode, and the last begins with a letter. */
const PLAIN_NAME = /^(?:(?!xn--)[a-z\d_-]{1,63}\.)*(?!xn--)[a-z][a-z\d_-]{0,62}$/

/** @param anyHost the rule says in so many words that it means every host, or everything below a public suffix */
export function checkHostPattern(pattern: string, anyHost: boolean): PatternCheck {
  if (PLAIN_NAME.test(pattern) && pattern.length <= MAX_NAME) return { kind: 'sound', canonical: pattern, warnings: [] }
  const strange = strangeIn(pattern) ?? tooManyStars(pattern)
  if (strange !== null) return refused(strange)
  const mapped = canonicalLabels(pattern)
  if (typeof mapped === 'string') return refused(mapped)
  const canonical = mapped.join('.')
  const warnings = /^[\x20-\x7e]*$/.test(pattern) ? [] : [`"${pattern}" is compared as "${canonical}" (IDNA): check that this is the name you mean`]
  const wide = anyHost ? null : tooWide(pattern, mapped)
  if (wide?.kind === 'refused') return wide
  return { kind: 'sound', canonical, warnings: wide === null ? warnings : [...warnings, wide.warning] }
}

/** The domain that its owner registered (`example.co.uk` of `a.b.example.co.uk`); null for IP literals and public suffixes. */
export function registrableDomain(host: string): string | null {
  return suffixes().getDomain(host, { allowPrivateDomains: true, validateHostname: false, extractHostname: false })
}

/** The limits of every pattern, whatever it is for. */
export function tooManyStars(pattern: string): string | null {
  // Encoding costs as much as all the rest, and no character of UTF-16 takes more than three bytes.
  if (pattern.length > MAX_PATTERN_BYTES / 3 && new TextEncoder().encode(pattern).length > MAX_PATTERN_BYTES) return `the pattern is longer than ${MAX_PATTERN_BYTES} bytes: write a shorter one`
  const deep = pattern.match(/\*\*/g)?.length ?? 0
  const stars = (pattern.match(/\*/g)?.length ?? 0) - 2 * deep
  if (deep > 2) return `"${shortened(pattern)}" has more than two "**": two are enough to say "somewhere below"`
  return stars > MAX_STARS ? `"${shortened(pattern)}" has more than ${MAX_STARS} "*": write a list of simpler patterns` : null
}

export function refused(problem: string): PatternCheck & { kind: 'refused' } {
  return { kind: 'refused', problem }
}

/** A pattern, short enough for a sentence about it. */
export function shortened(pattern: string): string {
  return pattern.length > 120 ? `${pattern.slice(0, 119)}…` : pattern
}

/** What to write instead of what hosts are often given. The first that fits is said. */
const INSTEAD: readonly (readonly [RegExp, (pattern: string) => string])[] = [
  [/^$/, () => 'the host is empty: write a name, for example "api.example.com"'],
  [/^[a-z][a-z\d+.-]*:\/\//i, pattern => `"${pattern}" is a URL: write the name alone, without "://", and give scheme, port and path their own fields`],
  [/^\[|^[\da-f:.]*:[\da-f:.]*:/i, pattern => `"${pattern}" is an IPv6 literal: write it in "cidr", without brackets, instead of "host"`],
  [/\//, pattern => `"/" may not stand in a host ("${pattern}"): the path has its own field, "path"`],
  [/:/, pattern => `":" may not stand in a host ("${pattern}"): the port has its own field, "port"`],
  [/[{}|,]/, pattern => `"${pattern.match(/[{}|,]/)?.[0] ?? ''}" may not stand in a host ("${pattern}"): write a list of patterns instead`],
  [/^!/, pattern => `"!" may not stand in a host ("${pattern}"): write a rule with "action": "deny" for what is excepted`],
  [/\?/, pattern => `"?" may not stand in a host ("${pattern}"): write "*", any run of characters of one label`],
  [/@/, pattern => `"@" may not stand in a host ("${pattern}"): write the name alone, without a user`],
]

function strangeIn(pattern: string): string | null {
  const short = shortened(pattern)
  for (const [fits, says] of INSTEAD) if (fits.test(pattern)) return says(short)
  const strange = /[^a-z\d_.*\-\u0080-\uffff]/i.exec(pattern)?.[0]
  return strange === undefined ? null : `${JSON.stringify(strange)} may not stand in a host ("${short}"): write letters, digits, "-", "_", "." and "*" only`
}

/** @returns the labels in canonical form, or the problem */
function canonicalLabels(pattern: string): readonly string[] | string {
  const short = shortened(pattern)
  const labels = (pattern.endsWith('.') ? pattern.slice(0, -1) : pattern).toLowerCase().split('.')
  if (labels.includes('')) return `"${short}" has an empty label: write one dot between two labels, and no dot in front`
  for (const [at, label] of labels.entries()) {
    if (label.includes('**') && (label !== '**' || at > 0)) return `"**" must be the whole first label of a host ("${short}"): write for example "**.example.com"; "*" is a run inside one label`
    if (label.includes('*') && /[^\x20-\x7e]/.test(label)) return `"${short}" mixes "*" with characters beyond ASCII in one label: write that label in its A-label form ("xn--…"), or "*" alone`
  }
  if (labels.every(label => label.includes('*'))) return labels
  const name = hostnameOf(labels.map(label => label.includes('*') ? 'a' : label).join('.'))
  if (name === null) return `"${short}" is no name: a label does not decode, or the last one is a number; write the name as the client asks for it`
  if (parseIp(name) !== null) return `"${short}" is an IP literal${sameText(name, labels) ? '' : ` (${name})`}: write it in "cidr" instead of "host"`
  const mapped = name.split('.')
  if (mapped.length !== labels.length) return `"${short}" holds a character that IDNA reads as a dot or as nothing: write an ASCII "." between labels`
  // Before the wildcards are put back: IDNA makes a star of a full-width one.
  const bad = mapped.find(label => !/^[a-z\d_-]+$/.test(label) || label.length > MAX_LABEL)
  if (bad !== undefined) return `"${shortened(bad)}" in "${short}" is no label: write letters, digits, "-" and "_", at most ${MAX_LABEL} of them`
  const whole = mapped.map((label, at) => labels[at]!.includes('*') ? labels[at]! : label)
  return whole.join('.').length > MAX_NAME ? `"${short}" is longer than a name may be (${MAX_NAME} bytes)` : whole
}

function sameText(name: string, labels: readonly string[]): boolean {
  return name === labels.join('.') || formatIp(parseIp(name)!) === labels.join('.')
}

function hostnameOf(host: string): string | null {
  try {
    return new URL(`http://${host}/`).hostname
  } catch {
    // `URL` throws a TypeError for a host it cannot read, and for nothing else.
    return null
  }
}

/** What stands right of the last wildcard label must be somebody's own domain. */
function tooWide(pattern: string, labels: readonly string[]): { kind: 'refused', problem: string } | { kind: 'warned', warning: string } | null {
  const at = labels.findLastIndex(label => label.includes('*'))
  if (at === -1) return null
  const short = shortened(pattern)
  const fixed = labels.slice(at + 1).join('.')
  if (fixed === '') return refused(`"${short}" would match hosts of every domain: name the domain, for example "*.example.com", or say "anyHost": true`)
  const { publicSuffix, isPrivate } = suffixes().parse(fixed, { allowPrivateDomains: true, validateHostname: false, extractHostname: false, detectIp: false })
  if (publicSuffix !== fixed) return null
  const isPartial = labels[at] !== '*' && labels[at] !== '**'
  if (isPartial && isPrivate === true) return { kind: 'warned', warning: `"${fixed}" is a public suffix: anybody may own a name that "${short}" matches` }
  return refused(`"${short}" would match every host under the public suffix "${fixed}": name the domain, for example "${labels[at]!}.example.${fixed}", or say "anyHost": true`)
}
