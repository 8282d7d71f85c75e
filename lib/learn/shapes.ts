/**
 * From what a request asked for to words of the policy language: the path as it is, with its
 * identifiers left open, and what lies below it; and the query, pinned.
 *
 * The promise: what comes out is legal in a policy; what the grammar can't say is null. Pure.
 */
import { checkPathPattern, checkValuePattern } from '../decide/patterns.ts'
import type { OneOrMore } from '../model/policy.ts'

/** Matches this reading and no other path. */
export function exactPath(reading: string): string | null {
  return legal(literal(reading))
}

/** The same with `*` in place of every segment that names one thing of many. */
export function endpointPath(reading: string): string | null {
  return legal(open(reading).join('/'))
}

/**
 * Everything below: the endpoint itself, unless it ends in an identifier, a file or a slash; then its folder.
 * null where that would be the whole host.
 */
export function pathBelow(reading: string): string | null {
  const segments = open(reading)
  const last = segments.at(-1) ?? ''
  if (last === '' || last === '*' || last.includes('.')) segments.pop()
  return segments.length < 2 ? null : legal([...segments, '**'].join('/'))
}

function open(reading: string): string[] {
  return reading.split('/').map(segment => identifierPattern(segment) ?? literal(segment))
}

function literal(text: string): string {
  return text.replaceAll('*', '%2A')
}

function legal(pattern: string): string | null {
  return checkPathPattern(pattern).kind === 'sound' ? pattern : null
}

/** Names one thing of many: a number, a UUID, a hash, a day, or a long token of letters and digits in turn. */
export function isIdentifier(segment: string): boolean {
  return NUMBER.test(segment) || UUID.test(segment) || DAY.test(segment) || isHash(segment) || isToken(segment)
}

/** The piece that stands for identifiers like this one: `*`, with a kind in front `sha256:*`, with a file's ending `*.json`. null for what is none. */
export function identifierPattern(segment: string): string | null {
  const kind = UUID.test(segment) ? undefined : KIND.exec(segment)?.[0]
  if (kind !== undefined && !NUMBER.test(segment.slice(kind.length)) && isIdentifier(segment.slice(kind.length))) return `${kind}*`
  if (isIdentifier(segment)) return '*'
  const ending = ENDING.exec(segment)?.[0]
  return ending !== undefined && isIdentifier(segment.slice(0, -ending.length)) ? `*${ending}` : null
}

/** `sha256:`, `user_`. A number behind it may be a version: `gpt-5`. */
const KIND = /^[a-z]{2,12}[0-9]{0,3}[:_-]/
/** `.json`, `.tar.gz`. */
const ENDING = /(?:\.[a-z][a-z0-9]{0,7}){1,2}$/i

const NUMBER = /^[0-9]+$/
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i
const DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+Z?)?$/
const HEX = /^[0-9a-f]{8,}$/i
const TOKEN = /^[A-Za-z0-9_~-]{16,}$/
/** Fewer turns from letter to digit and back are a name with a version in it: `gpt-4o-mini-2024-07-18`. */
const MIN_TURNS = 4

/** A word may be written in hexadecimal letters alone (`deadbeef`), a hash hardly ever is. */
function isHash(segment: string): boolean {
  return HEX.test(segment) && /[0-9]/.test(segment)
}

function isToken(segment: string): boolean {
  if (!TOKEN.test(segment)) return false
  const turns = segment.replace(/[_~-]/g, '').match(/[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])/g)
  return (turns?.length ?? 0) >= MIN_TURNS
}

/** Whether a rule may name this method: a token of RFC 9110 §5.6.2 in upper case, and no star. */
export function isNameableMethod(method: string): boolean {
  return METHOD.test(method)
}

const METHOD = /^[A-Z0-9!#$%&'+.^_`|~-]{1,64}$/

const MAX_PARAMETERS = 16
const QUERY_NAME = /^[A-Za-z0-9_.~-]{1,64}$/
const MAX_VALUE = 256
/** Read in two ways by origins, or a wildcard of ours. */
const AMBIGUOUS = /[+;*]/

/**
 * The parameters of a query as a rule's `query`. Every value is pinned to those that were sent.
 *
 * @returns null for what can be read in two ways or not written as a pattern: no value, `+`, `;`, a star,
 *   an odd escape. It is better to say "whatever the query" than to pin something else
 */
export function pinnedQuery(query: string): Readonly<Record<string, OneOrMore<string>>> | null {
  const parts = query.split('&', MAX_PARAMETERS + 1)
  if (parts.length > MAX_PARAMETERS) return null
  const values = new Map<string, string[]>()
  for (const part of parts) {
    const at = part.indexOf('=')
    const name = decoded(part.slice(0, Math.max(at, 0)))
    const value = decoded(part.slice(at + 1))
    if (name === null || value === null || !QUERY_NAME.test(name) || name === '__proto__' || !isPinnable(value)) return null
    const known = values.get(name) ?? []
    if (!known.includes(value)) known.push(value)
    values.set(name, known)
  }
  return Object.fromEntries([...values].map(([name, [first = '', ...others]]) => [name, others.length === 0 ? first : [first, ...others]]))
}

function isPinnable(value: string): boolean {
  return value !== '' && value.length <= MAX_VALUE && !AMBIGUOUS.test(value) && checkValuePattern(value).kind === 'sound'
}

/** null for an escape that is none, or is no UTF-8. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return null
    throw error
  }
}
