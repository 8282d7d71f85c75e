/**
 * What is allowed, as its client may know it: rules, and the same as text for a model.
 *
 * The promise: nothing that the operator wrote for operators is in it. Left out are ids, notes, hold and deny rules,
 * which private networks a rule opens, and every value of a query parameter or field, which may be a secret; names stay.
 */
import { AGENT_URL } from '../model/agent.ts'
import { visible } from '../model/display.ts'
import type { RuleShape, Unmatched } from '../model/policy.ts'
import { sayRule } from '../model/rule-text.ts'

/** A rule in the policy language, less what is not for the client, plus two lists of names. */
export interface AllowedRule extends Pick<RuleShape, 'host' | 'cidr' | 'port' | 'scheme' | 'method' | 'access' | 'path' | 'expires' | 'maxRequestBytes' | 'maxResponseBytes'> {
  /** Query parameters that a request must have, with the right values. */
  readonly queryNames?: readonly string[]
  /** It may have no other parameters. */
  readonly onlyQuery?: true
  /** Fields that a request must have, with the right values. */
  readonly headerNames?: readonly string[]
  /** Requests that it lets through in all. */
  readonly maxUses?: number
  /** Bytes, both ways together, that it lets through in all. */
  readonly maxBytes?: number
  readonly maxRequestsPerMinute?: number
}

export interface Allowed {
  /** What becomes of a request that nothing listed covers. */
  readonly unmatched: 'asked' | 'denied' | 'observed'
  readonly allowed: readonly AllowedRule[]
  /** Rules that are left out because there are too many. */
  readonly more: number
  /** The same for a model. */
  readonly text: string
}

const MAX_RULES = 1_000
const MAX_LINES = 100
const MAX_NAME = 80

/** @param rules that allow and are in force, grants among them */
export function describeAllowed(rules: readonly RuleShape[], unmatched: Unmatched, holdMs: number): Allowed {
  const allowed = rules.slice(0, MAX_RULES).map(forClient)
  const lines = allowed.slice(0, MAX_LINES).map(rule => `- ${sayAllowed(rule)}`)
  const left = rules.length - lines.length
  return {
    unmatched: UNMATCHED[unmatched],
    allowed,
    more: rules.length - allowed.length,
    text: [
      'All traffic goes through Sallyport, an egress firewall. A person who is not in this conversation decides what may pass.',
      allowed.length === 0 ? 'Nothing is allowed in general yet.' : 'Allowed now:',
      ...lines,
      ...left > 0 ? [`- and ${left} more, listed in "allowed"`] : [],
      sayUnmatched(unmatched, holdMs),
      'Some of what is listed may still be asked about, or denied. A refusal is JSON with "code", "message" and "hint"; repeat a request only where "retry" is true.',
      `To ask for a whole task at once, before you begin: POST ${AGENT_URL}v1/requests with {"reason":"…","rules":[{"host":"api.example.com","method":"GET","path":"/v1/**"}]}, then GET ${AGENT_URL}v1/requests/{id}?wait=60 until "status" is no longer "open". GET ${AGENT_URL}v1/denials has your last refusals.`,
    ].join('\n'),
  }
}

const UNMATCHED = { hold: 'asked', deny: 'denied', observe: 'observed' } as const satisfies Record<Unmatched, string>

function sayUnmatched(unmatched: Unmatched, holdMs: number): string {
  switch (unmatched) {
    case 'hold': return `Any other request waits, up to ${Math.round(holdMs / 1_000)} s, while the person is asked: give it a long timeout.`
    case 'deny': return 'Any other request is denied, unless a person is to be asked about it.'
    case 'observe': return 'Any other request passes, unless it is denied, and is noted.'
    default: return unmatched satisfies never
  }
}

function forClient({ host, cidr, port, scheme, method, access, path, expires, maxRequestBytes, maxResponseBytes, maxUses, maxBytes, maxRequestsPerMinute, query, onlyQuery, header }: RuleShape): AllowedRule {
  const kept = { host, cidr, port, scheme, method, access, path, expires, maxRequestBytes, maxResponseBytes, maxUses, maxBytes, maxRequestsPerMinute }
  return {
    ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)),
    ...query === undefined ? {} : { queryNames: Object.keys(query) },
    ...onlyQuery === true ? { onlyQuery } : {},
    ...header === undefined ? {} : { headerNames: Object.keys(header) },
  }
}

function sayAllowed({ queryNames = [], onlyQuery, headerNames = [], maxRequestBytes, maxResponseBytes, ...rule }: AllowedRule): string {
  const named = (names: readonly string[]): string => names.map(name => visible(name, MAX_NAME)).join(', ')
  return [
    sayRule(rule),
    ...queryNames.length === 0 ? [] : [`with certain values of the query parameters ${named(queryNames)}${onlyQuery === true ? ' and no others' : ''}`],
    ...headerNames.length === 0 ? [] : [`with certain values of the fields ${named(headerNames)}`],
    ...maxRequestBytes === undefined ? [] : [`sending at most ${maxRequestBytes} bytes`],
    ...maxResponseBytes === undefined ? [] : [`receiving at most ${maxResponseBytes} bytes`],
  ].join(', ')
}
