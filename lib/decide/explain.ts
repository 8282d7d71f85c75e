/**
 * Why a request is ruled as it is, in words: for every rule what it matched or what kept it from matching.
 *
 * The ruling is `decide`'s own; here it is only told. `explain` asks every rule and is for people who look;
 * `nearest` asks a few and may be called for each question.
 */
import { coversHeader, coversKind, coversMethod, coversPort, coversQuery, coversScheme, budgetMiss, isInTime } from './conditions.ts'
import type { RuleContext } from './conditions.ts'
import { decide } from './decide.ts'
import type { DecideContext } from './decide.ts'
import { within } from './effort.ts'
import type { Effort } from './effort.ts'
import { contains, embeddedIpv4, parseIp } from './ip.ts'
import type { CompiledField, CompiledRule } from './rule.ts'
import type { GrantIndex, Ruleset } from './ruleset.ts'
import { survey } from './survey.ts'
import type { Decision } from '../model/decision.ts'
import type { Action } from '../model/policy.ts'
import type { Facts, RequestFacts } from '../model/request.ts'

export interface Explanation {
  readonly decision: Decision
  readonly action: Action
  /** The rule that ruled, or null. */
  readonly rule: string | null
  /** Every rule that covers at least one reading of the request. */
  readonly matched: readonly { readonly rule: string, readonly action: Action }[]
  /** Every rule of the policy, in its order. */
  readonly considered: readonly { readonly rule: string, readonly action: Action, readonly matches: boolean, readonly why: string }[]
  readonly nearest: Nearest | null
}

/** The allow rule that came closest, and the first thing that kept it from matching. */
export interface Nearest {
  readonly rule: string
  readonly why: string
}

export function explain(ruleset: Ruleset, grants: GrantIndex, facts: Facts, context: DecideContext): Explanation {
  const decision = decide(ruleset, grants, facts, context)
  const readings = survey(ruleset.index, facts, context)
  const covering = new Set(readings.flat().map(({ rule }) => rule))
  const everywhere = new Set([...covering].filter(rule => readings.every(reading => reading.some(entry => entry.rule === rule))))
  return {
    decision,
    action: decision.kind,
    rule: decision.rule,
    matched: Array.from(covering, ({ id, action }) => ({ rule: id, action })),
    considered: Array.from(ruleset.compiled.values(), rule => ({
      rule: rule.id,
      action: rule.action,
      matches: covering.has(rule),
      why: everywhere.has(rule) ? 'it matches' : covering.has(rule) ? 'it matches in one way of reading the request, not in all' : firstMiss(rule, facts, context)?.why ?? 'it matches no reading of the request as a whole',
    })),
    nearest: nearest(ruleset, facts, context),
  }
}

/** Bounded: at most `MAX_ASKED` rules are looked at, whatever the size of the policy, and no more than a decision may take is spent on them. */
export function nearest(ruleset: Ruleset, facts: Facts, context: RuleContext): Nearest | null {
  const found = within(effort => {
    let best: Nearest & Miss | null = null
    for (const rule of nearby(ruleset, facts)) {
      const miss = rule.action === 'allow' ? firstMiss(rule, facts, context, effort) : null
      if (miss !== null && (best === null || miss.passed > best.passed)) best = { ...miss, rule: rule.id }
    }
    return best
  })
  return found === null ? null : { rule: found.rule, why: found.why }
}

const MAX_ASKED = 64

/** Rules for this host, those of a like path first; else rules for hosts of the same domain. */
function nearby(ruleset: Ruleset, facts: Facts): ReadonlySet<CompiledRule> {
  const rules = new Set<CompiledRule>()
  const places = ruleset.index.find(facts)
  const reading = facts.kind === 'request' ? facts.readings[0] ?? null : null
  const lists = [...places.map(({ place }) => place.at(reading)), ...places.map(({ place }) => place.entries)]
  for (const list of lists) {
    for (const { rule } of list.slice(0, MAX_ASKED)) if (rules.size < MAX_ASKED) rules.add(rule)
  }
  return rules.size > 0 ? rules : new Set(facts.hostKind === 'name' ? ruleset.index.relatives(facts.host) : [])
}

interface Miss {
  /** How far it came: conditions passed, then how much of the path was the same. */
  readonly passed: number
  readonly why: string
}

/** @returns the first condition that fails, from the host inwards; null where none fails by itself */
function firstMiss(rule: CompiledRule, facts: Facts, context: RuleContext, effort?: Effort): Miss | null {
  let passed = 0
  for (const [holds, why] of conditionsOf(rule, facts, context, effort)) {
    if (!holds()) return { passed: passed + (rule.needsRequest && facts.kind === 'request' ? likeness(rule, facts) : 0), why: why() }
    passed++
  }
  return null
}

type Condition = readonly [holds: () => boolean, why: () => string]

function conditionsOf(rule: CompiledRule, facts: Facts, context: RuleContext, effort: Effort | undefined): readonly Condition[] {
  return [
    [() => coversHost(rule, facts), () => `host is ${facts.host}, rule has ${hostsOf(rule)}`],
    [() => coversScheme(rule, facts), () => facts.kind === 'stream' && facts.scheme === 'https' && rule.action === 'allow'
      ? 'the connection would be passed through unread, and the rule has no "tls": "passthrough"'
      : `scheme is ${facts.scheme}, rule has ${[...rule.schemes].join(', ')}`],
    [() => coversPort(rule, facts), () => `port is ${facts.port}, rule has ${portsOf(rule)}`],
    [() => coversKind(rule, facts), () => 'the connection is a stream that is not read, and the rule asks for something of a request'],
    [() => isInTime(rule, context.now), () => `it ended at ${rule.document.expires ?? 'its time'}`],
    [() => budgetMiss(rule, facts, context) === null, () => budgetMiss(rule, facts, context) ?? ''],
    ...(facts.kind === 'request' ? requestConditions(rule, facts, effort) : []),
  ]
}

function requestConditions(rule: CompiledRule, facts: RequestFacts, effort: Effort | undefined): readonly Condition[] {
  return [
    [() => facts.methods.some(method => coversMethod(rule, method, facts)), () => methodMiss(rule, facts)],
    [() => facts.readings.some(reading => rule.paths.some(path => path.matches(reading, effort))), () => `path is ${cut(facts.path)}, rule has ${rule.paths.map(({ text }) => text).join(', ')}`],
    [() => coversQuery(rule, facts, effort), () => `query is ${facts.query === null ? 'absent' : `"${cut(facts.query)}"`}, rule has ${fieldsOf(rule.query)}${rule.onlyQuery ? ' and nothing else' : ''}`],
    // Values of fields are often credentials: the names will do.
    [() => coversHeader(rule, facts, effort), () => `the header does not agree with the rule, which has ${fieldsOf(rule.header)}`],
  ]
}

function coversHost(rule: CompiledRule, { host, hostKind }: Facts): boolean {
  if (hostKind === 'name') return rule.hosts.some(pattern => pattern.matches(host))
  const ip = parseIp(host)
  if (ip === null) return false
  const inside = embeddedIpv4(ip)
  const opening = inside.length === 0 ? [ip] : inside
  return rule.networks.some(({ network }) => rule.action === 'allow'
    ? opening.every(identity => contains(network, identity))
    : [ip, ...inside].some(identity => contains(network, identity)))
}

function hostsOf({ hosts, networks }: CompiledRule): string {
  return [...hosts, ...networks].map(({ text }) => text).join(', ')
}

function portsOf({ ports, schemes }: CompiledRule): string {
  if (ports !== null) return ports.map(([from, to]) => from === to ? `${from}` : `${from}-${to}`).join(', ')
  return `the default port of ${[...schemes].join(', ')}`
}

function methodMiss({ methods, isReadOnly }: CompiledRule, facts: RequestFacts): string {
  const asked = facts.methods.join(' or ')
  if (isReadOnly && facts.methods.some(method => methods?.has(method))) return `the ${asked} request has content or is an upgrade, rule has access read-only`
  return `method is ${asked}, rule has ${[...methods ?? []].join(', ')}`
}

function fieldsOf(fields: readonly CompiledField[]): string {
  return fields.map(({ name, patterns }) => `${name}: ${patterns.join(' or ')}`).join(', ')
}

/** A client may write 8 KiB of path; a sentence has room for less. */
function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}

const MAX_SHOWN = 200

/** 0 to 1: how much of the path, from its start, is written the same in the rule. */
function likeness({ paths }: CompiledRule, { path }: RequestFacts): number {
  return Math.max(...paths.map(({ text }) => {
    let same = 0
    while (same < text.length && text[same] === path[same]) same++
    return same / (text.length + path.length + 1)
  }))
}
