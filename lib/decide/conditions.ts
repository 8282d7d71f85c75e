/**
 * Does a rule cover a request, condition by condition. `decide` asks for yes or no, `explain` for the first no.
 *
 * Where a request can be read in two ways, an allow rule must match both and a deny or hold rule either: whoever
 * writes the request must not choose the reading that suits them.
 */
import { spend } from './effort.ts'
import type { Effort } from './effort.ts'
import type { Matcher } from './matchers.ts'
import { fieldsOf, queryOf } from './parameters.ts'
import type { Parameter } from './parameters.ts'
import type { CompiledField, CompiledRule } from './rule.ts'
import type { Spent } from '../model/budget.ts'
import type { Facts, RequestFacts } from '../model/request.ts'

export interface RuleContext {
  /** Milliseconds since 1970. */
  readonly now: number
  /** How often the rule or grant with this key was used. */
  readonly used: (useKey: string) => number
  /** What else is spent of its budget. Absent: nothing, as where nobody is let through by the judgement. */
  readonly spent?: (useKey: string) => Spent
}

/** A clock that went wrong ends an allow and keeps a deny. */
export function isInTime({ action, expiresAt }: CompiledRule, now: number): boolean {
  return action === 'allow' ? now < expiresAt : !(now >= expiresAt)
}

/** Budgets are of what lets through: a deny or hold is never used up. */
export function hasBudget(rule: CompiledRule, facts: Facts, context: RuleContext): boolean {
  return rule.useKey === null || budgetMiss(rule, facts, context) === null
}

/** @returns which budget has nothing left for this request; null where none stands in its way */
export function budgetMiss({ action, useKey, maxUses, maxBytes, maxRequestsPerMinute }: CompiledRule, facts: Facts, { used, spent }: RuleContext): string | null {
  if (action !== 'allow' || useKey === null) return null
  // A count that is no number leaves nothing.
  if (!(used(useKey) < maxUses)) return `its ${maxUses} uses are spent`
  if (spent === undefined) return null
  const { bytes, lastMinute } = spent(useKey)
  const announced = facts.kind === 'request' ? facts.contentLength ?? 0 : 0
  if (!(bytes < maxBytes)) return `its ${maxBytes} bytes are spent`
  if (!(bytes + announced <= maxBytes)) return `of its ${maxBytes} bytes ${maxBytes - bytes} are left, and the request announces ${announced}`
  return lastMinute < maxRequestsPerMinute ? null : `its ${maxRequestsPerMinute} requests a minute are spent for now`
}

/** A stream of TLS may carry either of its schemes, and only a rule that says so lets it through unread. */
export function coversScheme(rule: CompiledRule, facts: Facts): boolean {
  if (facts.kind === 'request' || facts.scheme === 'tcp') return rule.schemes.has(facts.scheme)
  return (rule.schemes.has('https') || rule.schemes.has('wss')) && (rule.action !== 'allow' || rule.isPassthrough)
}

/** A stream shows no request. */
export function coversKind(rule: CompiledRule, facts: Facts): boolean {
  return facts.kind === 'request' || !rule.needsRequest
}

export function coversPort({ action, ports }: CompiledRule, { scheme, port }: Facts): boolean {
  if (ports === null) return action !== 'allow' || port === DEFAULT_PORT[scheme]
  for (const [from, to] of ports) if (port >= from && port <= to) return true
  return false
}

/** @param method one of `facts.methods` */
export function coversMethod({ action, methods, isReadOnly }: CompiledRule, method: string, facts: RequestFacts): boolean {
  if (methods === null) return true
  // A body or an upgrade makes a reading request more than that; it does not take a request out of a deny.
  if (isReadOnly && action === 'allow' && (facts.hasContent || facts.scheme === 'wss' || facts.scheme === 'ws')) return false
  return methods.has(method)
}

/** @param effort of the decision; absent: as much as it takes, and so for `coversHeader` */
export function coversQuery({ action, query, onlyQuery }: CompiledRule, facts: RequestFacts, effort?: Effort): boolean {
  if (query.length === 0) return true
  const parameters = queryOf(facts, action !== 'allow')
  if (action !== 'allow') return query.every(({ name, matches }) => parameters.get(name)?.some(({ values }) => values.some(value => tried(matches, value, effort))) === true)
  return query.every(field => isPinned(field, parameters.get(field.name) ?? [], effort))
    && (!onlyQuery || !hasOther(parameters.keys(), query))
}

/** What lets a request through must be in what is sent, so that a field which `Connection` takes off on the way is not there. */
export function coversHeader({ action, header }: CompiledRule, facts: RequestFacts, effort?: Effort): boolean {
  if (header.length === 0) return true
  const { values, takenOff } = fieldsOf(facts)
  return header.every(({ name, matches }) => {
    const sent = values.get(name) ?? []
    return action === 'allow' ? sent.length > 0 && sent.every(value => tried(matches, value, effort)) && !takenOff.has(name) : sent.some(value => tried(matches, value, effort))
  })
}

/** There may be thousands of values. */
function tried(matches: Matcher, value: string, effort: Effort | undefined): boolean {
  spend(effort, 1)
  return matches(value, effort)
}

/** The parameter is there in every reading, and so does each of its values match. */
function isPinned({ name, matches }: CompiledField, parameters: readonly Parameter[], effort: Effort | undefined): boolean {
  let isThere = false
  for (const { names, values } of parameters) {
    if (!values.every(value => tried(matches, value, effort))) return false
    isThere ||= names.every(reading => reading === name)
  }
  return isThere
}

function hasOther(names: Iterable<string>, known: readonly CompiledField[]): boolean {
  for (const name of names) if (!known.some(field => field.name === name)) return true
  return false
}

const DEFAULT_PORT: Readonly<Record<Facts['scheme'], number | null>> = { https: 443, wss: 443, http: 80, ws: 80, tcp: null }
