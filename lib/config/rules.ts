/**
 * What the schema cannot say of one rule: patterns that are sound, and fields that go together.
 *
 * Takes rules as they were written, faults of form and all, and looks only at the fields whose form is right, so that
 * every problem of a file is told at once.
 */
import { checkCidr, checkHostPattern, checkPathPattern, checkValuePattern } from '../decide/patterns.ts'
import type { PatternCheck } from '../decide/patterns.ts'
import { below, error, fromGrammar, shown, warning } from './problems.ts'
import type { Problem } from './problems.ts'
import { parseTime } from './times.ts'

export type Written = Readonly<Record<string, unknown>>

/** @returns errors and warnings, the warnings being what the patterns themselves warn of */
export function checkRule(rule: Written, pointer: string): readonly Problem[] {
  return [
    ...checkPlace(rule, pointer),
    ...checkPatterns(rule, pointer),
    ...checkPorts(rule, pointer),
    ...checkMethods(rule, pointer),
    ...checkCompanions(rule, pointer),
    ...checkStream(rule, pointer),
    ...checkExpiry(rule, pointer),
  ]
}

/** The texts of a field that may be one or a list, each with its pointer. */
export function textsOf(value: unknown, pointer: string): readonly (readonly [text: string, pointer: string])[] {
  if (typeof value === 'string') return [[value, pointer]]
  return Array.isArray(value) ? value.flatMap((entry, at) => typeof entry === 'string' ? [[entry, below(pointer, at)] as const] : []) : []
}

function checkPlace({ host, cidr }: Written, pointer: string): Problem[] {
  if (host === undefined && cidr === undefined) return [error(pointer, 'The rule has neither "host" nor "cidr".', 'Name the hosts it is for, for example "host": "api.example.com".')]
  if (host !== undefined && cidr !== undefined) return [error(pointer, 'The rule has both "host" and "cidr".', 'Make two rules of it: "host" is for names, "cidr" for IP addresses.')]
  return []
}

function checkPatterns(rule: Written, pointer: string): Problem[] {
  const anyHost = rule['anyHost'] === true
  const check = (field: string, judge: (text: string) => PatternCheck): Problem[] => judgeTexts(rule[field], below(pointer, field), judge)
  return [
    ...check('host', text => checkHostPattern(text, anyHost)),
    ...check('cidr', text => checkCidr(text, anyHost)),
    ...check('path', checkPathPattern),
    ...check('private', text => checkCidr(text, true)),
    ...checkFields(rule['query'], below(pointer, 'query')),
    ...checkFields(rule['header'], below(pointer, 'header')),
    ...checkHeaderNames(rule['header'], below(pointer, 'header')),
  ]
}

function judgeTexts(value: unknown, pointer: string, judge: (text: string) => PatternCheck): Problem[] {
  return textsOf(value, pointer).flatMap(([text, at]) => {
    const checked = judge(text)
    return checked.kind === 'refused'
      ? [fromGrammar(at, checked.problem, 'error')]
      : checked.warnings.map(says => fromGrammar(at, says, 'warning'))
  })
}

function checkFields(fields: unknown, pointer: string): Problem[] {
  return isObject(fields) ? Object.entries(fields).flatMap(([name, patterns]) => judgeTexts(patterns, below(pointer, name), checkValuePattern)) : []
}

/** `token` of RFC 9110 §5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

function checkHeaderNames(fields: unknown, pointer: string): Problem[] {
  if (!isObject(fields)) return []
  return Object.keys(fields).filter(name => !TOKEN.test(name))
    .map(name => error(below(pointer, name), `${shown(name)} is no name of a header field.`, 'Write the name alone, for example "content-type".'))
}

function checkPorts({ port }: Written, pointer: string): Problem[] {
  return textsOf(port, below(pointer, 'port')).flatMap(([text, at]) => {
    const [from, to] = text.split('-').map(Number)
    // The schema has told what has not the form of a range.
    if (!/^[1-9]\d{0,4}-[1-9]\d{0,4}$/.test(text) || from === undefined || to === undefined) return []
    if (to > MAX_PORT || from > MAX_PORT) return [error(at, `${shown(text)} ends beyond 65535, the last port.`, `Write "${Math.min(from, MAX_PORT)}-65535".`)]
    return from > to ? [error(at, `${shown(text)} runs backwards.`, `Write "${to}-${from}".`)] : []
  })
}

const MAX_PORT = 65_535

function checkMethods({ method }: Written, pointer: string): Problem[] {
  return textsOf(method, below(pointer, 'method')).filter(([name]) => name === 'TRACE' || name === 'CONNECT')
    .map(([name, at]) => warning(at, `${name} is refused whatever the policy says.`, 'Leave it out.'))
}

function checkCompanions({ method, access, onlyQuery, query, action }: Written, pointer: string): Problem[] {
  const problems: Problem[] = []
  if (method !== undefined && access !== undefined) problems.push(error(pointer, 'The rule has both "method" and "access", which say the same in two ways.', 'Keep one of them.'))
  if (onlyQuery === true && query === undefined) problems.push(error(below(pointer, 'onlyQuery'), '"onlyQuery" has no "query" beside it that names the parameters.', 'Add "query", or take "onlyQuery" out.'))
  if (onlyQuery === true && (action === 'deny' || action === 'hold')) problems.push(error(below(pointer, 'onlyQuery'), `"onlyQuery" is for allow rules: in a ${action} rule it would let requests with other parameters slip by.`, 'Take it out.'))
  return problems
}

/** What is about the requests in a stream, and cannot be asked of one that is not read. */
const OF_REQUESTS = ['method', 'access', 'path', 'query', 'onlyQuery', 'header'] as const

function checkStream(rule: Written, pointer: string): Problem[] {
  const schemes = textsOf(rule['scheme'], '').map(([scheme]) => scheme)
  const problems: Problem[] = []
  if (schemes.includes('tcp')) {
    if (schemes.some(scheme => scheme !== 'tcp')) problems.push(error(below(pointer, 'scheme'), '"tcp" stands in one list with other schemes.', 'Make a rule of its own for "tcp".'))
    if (rule['port'] === undefined) problems.push(error(pointer, 'The rule is for "tcp" and names no "port".', 'Name the port, for example "port": 5432.'))
    problems.push(...unjudged(rule, pointer, [...OF_REQUESTS, 'tls'], '"tcp" is an opaque stream'))
  }
  if (rule['tls'] === 'passthrough') {
    const plain = schemes.find(scheme => scheme !== 'https' && scheme !== 'wss' && scheme !== 'tcp')
    if (plain !== undefined) problems.push(error(below(pointer, 'scheme'), `"passthrough" tunnels TLS, and ${shown(plain)} has none.`, 'Write https or wss, or make another rule for the rest.'))
    problems.push(...unjudged(rule, pointer, OF_REQUESTS, '"passthrough" sees no request'))
  }
  return problems
}

function unjudged(rule: Written, pointer: string, fields: readonly string[], why: string): Problem[] {
  return fields.filter(field => rule[field] !== undefined)
    .map(field => error(below(pointer, field), `${why}, so "${field}" cannot be judged.`, `Take "${field}" out, or make another rule.`))
}

function checkExpiry({ expires }: Written, pointer: string): Problem[] {
  if (typeof expires !== 'string' || parseTime(expires) !== null) return []
  return [error(below(pointer, 'expires'), `${shown(expires)} is no time of RFC 3339 with its offset, or is on no calendar.`, 'Write for example "2030-01-01T00:00:00Z".')]
}

export function isObject(value: unknown): value is Written {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
