/**
 * A second judge: the policy language as it is written down, rule by rule, without index, cache or compiled pattern.
 * For requests to names, without grants.
 */
import type { PolicyDocument, RuleDocument } from '../../lib/model/policy.ts'
import type { RequestFacts } from '../../lib/model/request.ts'
import { naiveHost, naivePath, naiveValue } from '../unit/decide/naive.ts'

export function naiveRuling(policy: PolicyDocument, facts: RequestFacts, now: number): 'allow' | 'hold' | 'deny' {
  const rulings = facts.readings.flatMap(path => facts.methods.map(method => naiveReading(policy, { ...facts, readings: [path], methods: [method] }, now)))
  const { unmatched = 'hold' } = policy
  if (rulings.includes('deny') || facts.host === 'metadata.google.internal') return 'deny'
  if (rulings.includes('unmatched') && unmatched === 'deny') return 'deny'
  return rulings.includes('hold') || (rulings.includes('unmatched') && unmatched === 'hold') ? 'hold' : 'allow'
}

/** Of the only path of these facts; the strictest of their methods counts. */
export function naiveReading(policy: PolicyDocument, facts: RequestFacts, now: number): 'allow' | 'hold' | 'deny' | 'unmatched' {
  const found = facts.methods.map(method => {
    const actions = (policy.rules ?? []).filter(rule => covers(rule, facts.readings[0]!, method, facts, now)).map(({ action = 'allow' }) => action)
    return (['deny', 'hold', 'allow'] as const).find(action => actions.includes(action)) ?? 'unmatched'
  })
  return (['deny', 'unmatched', 'hold', 'allow'] as const).find(ruling => found.includes(ruling))!
}

const READING = ['GET', 'HEAD', 'OPTIONS']

function covers(rule: RuleDocument, path: string, method: string, facts: RequestFacts, now: number): boolean {
  const isAllow = (rule.action ?? 'allow') === 'allow'
  const some = <T>(value: T | readonly T[] | undefined, otherwise: boolean, is: (one: T) => boolean): boolean =>
    value === undefined ? otherwise : Array.isArray(value) ? (value as T[]).some(is) : is(value as T)
  if (!some(rule.host, false, pattern => naiveHost(pattern, facts.host))) return false
  if (!some(rule.scheme, rule.tls === 'passthrough' ? facts.scheme.endsWith('s') && (!isAllow || facts.scheme === 'https') : !isAllow || facts.scheme === 'https', scheme => scheme === facts.scheme)) return false
  const usual = { https: 443, wss: 443, http: 80, ws: 80 }[facts.scheme]
  if (!some(rule.port, !isAllow || facts.port === usual, port => { const [from, to = from] = String(port).split('-').map(Number); return facts.port >= from! && facts.port <= to! })) return false
  if (rule.expires !== undefined && now >= Date.parse(rule.expires)) return false
  if (!some(rule.path, true, pattern => naivePath(pattern, path))) return false
  if (!some(rule.method, true, name => name === method || (name === 'GET' && method === 'HEAD'))) return false
  if (rule.access === 'read-only' && (!READING.includes(method) || (isAllow && (facts.hasContent || facts.scheme.startsWith('ws'))))) return false
  if (rule.access === 'read-write' && ![...READING, 'POST', 'PUT', 'PATCH'].includes(method)) return false
  return coversQuery(rule, facts, isAllow) && coversHeader(rule, facts, isAllow)
}

const patternsOf = (value: string | readonly string[]): readonly string[] => typeof value === 'string' ? [value] : value
const fits = (patterns: string | readonly string[], text: string): boolean => patternsOf(patterns).some(pattern => naiveValue(pattern, text))

function coversQuery({ query, onlyQuery }: RuleDocument, facts: RequestFacts, isAllow: boolean): boolean {
  if (query === undefined) return true
  const decode = (text: string): string[] => [text, text.replaceAll('+', ' ')].map(each => each.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))))
  const given = (facts.query ?? '').split(isAllow ? '&' : /[&;]/).filter(Boolean).map(part => {
    const [name = '', ...value] = part.split('=')
    return { names: decode(name), values: decode(value.join('=')) }
  })
  const wanted = Object.entries(query)
  if (!isAllow) return wanted.every(([name, patterns]) => given.some(({ names, values }) => names.includes(name) && values.some(value => fits(patterns, value))))
  return wanted.every(([name, patterns]) => given.some(({ names }) => names.every(reading => reading === name))
    && given.every(({ names, values }) => !names.includes(name) || values.every(value => fits(patterns, value))))
    && (onlyQuery !== true || given.every(({ names }) => names.every(name => wanted.some(([known]) => known === name))))
}

function coversHeader({ header }: RuleDocument, { fields }: RequestFacts, isAllow: boolean): boolean {
  const valuesOf = (name: string): string[] => fields.filter((_, at) => at % 2 === 1 && fields[at - 1]!.toLowerCase() === name.toLowerCase())
  return Object.entries(header ?? {}).every(([name, patterns]) => {
    const values = valuesOf(name)
    if (!isAllow) return values.some(value => fits(patterns, value))
    const isTakenOff = valuesOf('connection').some(list => list.split(',').some(one => one.trim().toLowerCase() === name.toLowerCase()))
    return values.length > 0 && values.every(value => fits(patterns, value)) && !isTakenOff
  })
}
