/**
 * Does a rule cover a request, condition by condition. `decide` asks for yes or no, `explain` for the first no.
 *
 * Where a request can be read in two ways, an allow rule must match both and a deny or hold rule either: whoever
 * writes the request must not choose the reading that suits them.
 */
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

export function coversQuery({ action, query, onlyQuery }: CompiledRule, facts: RequestFacts): boolean {
  if (query.length === 0) return true
  const parameters = readQuery(facts.query ?? '', action === 'allow' ? '&' : /[&;]/)
  if (action !== 'allow') {
    return query.every(({ name, matches }) => parameters.some(({ names, values }) => names.includes(name) && values.some(matches)))
  }
  const isKnown = (name: string): boolean => query.some(field => field.name === name)
  return query.every(field => isPinned(field, parameters))
    && (!onlyQuery || parameters.every(({ names }) => names.every(isKnown)))
}

/** What lets a request through must be in what is sent, so that a field which `Connection` takes off on the way is not there. */
export function coversHeader({ action, header }: CompiledRule, facts: RequestFacts): boolean {
  if (header.length === 0) return true
  return header.every(({ name, matches }) => {
    const values = valuesOf(facts, name)
    return action === 'allow' ? values.length > 0 && values.every(matches) && !isTakenOff(facts, name) : values.some(matches)
  })
}

function valuesOf({ fields }: RequestFacts, name: string): readonly string[] {
  return fields.filter((_, at) => at % 2 === 1 && fields[at - 1]!.toLowerCase() === name)
}

/** RFC 9110 §7.6.1. */
function isTakenOff(facts: RequestFacts, name: string): boolean {
  return valuesOf(facts, 'connection').some(list => list.split(',').some(named => named.trim().toLowerCase() === name))
}

const DEFAULT_PORT: Readonly<Record<Facts['scheme'], number | null>> = { https: 443, wss: 443, http: 80, ws: 80, tcp: null }

/** One `name=value`, each decoded with `+` as itself and as a space. */
interface Parameter {
  readonly names: readonly string[]
  readonly values: readonly string[]
}

/** The parameter is there in every reading, and so does each of its values match. */
function isPinned({ name, matches }: CompiledField, parameters: readonly Parameter[]): boolean {
  let isThere = false
  for (const { names, values } of parameters) {
    if (!names.includes(name)) continue
    if (!values.every(matches)) return false
    isThere ||= names.every(reading => reading === name)
  }
  return isThere
}

function readQuery(query: string, separator: string | RegExp): readonly Parameter[] {
  return query.split(separator).filter(part => part !== '').map(part => {
    const at = part.indexOf('=')
    return at === -1
      ? { names: decodings(part), values: [''] }
      : { names: decodings(part.slice(0, at)), values: decodings(part.slice(at + 1)) }
  })
}

/** An escape that is none stays as it is: the query is data, and origins read it so. */
function decodings(text: string): readonly string[] {
  const plain = text.includes('%') ? text.replace(/%([\da-f]{2})/gi, fromEscape) : text
  return text.includes('+') ? [plain, text.replaceAll('+', ' ').replace(/%([\da-f]{2})/gi, fromEscape)] : [plain]
}

function fromEscape(_: string, hex: string): string {
  return String.fromCharCode(parseInt(hex, 16))
}
