/**
 * A policy from a log: `sallyport suggest`.
 *
 * The promise: the policy is one that would take effect, and it allows every request that the log shows as let through
 * and that is not named in `leftOut`, whichever rule or person let it through then. Both are checked here, by the code that checks and decides for
 * the firewall, before anything is returned.
 */
import { readLog } from './audit/show.ts'
import { checkPolicy } from './config/load.ts'
import { compileGrants, compileRuleset } from './decide/compile.ts'
import { decide } from './decide/decide.ts'
import type { Ruleset } from './decide/ruleset.ts'
import { generalise } from './learn/generalise.ts'
import type { Learned, LeftOut } from './learn/generalise.ts'
import { placeOf } from './learn/place.ts'
import { systemClock } from './model/clock.ts'
import type { Decision } from './model/decision.ts'
import { OperatorError } from './model/errors.ts'
import type { PolicyDocument, RuleDocument } from './model/policy.ts'
import { readPolicy } from './read-policy.ts'
import { createTraffic } from './traffic.ts'
import type { Seen } from './traffic.ts'

export interface SuggestOptions {
  /** A policy file, or a policy: only what it does not allow yet is added. */
  readonly merge?: string | PolicyDocument
  readonly name?: string
}

export interface SuggestedRule extends Omit<Learned, 'rule'> {
  readonly rule: RuleDocument
}

export interface LeftOutOfPolicy {
  /** Where to, safe to show. */
  readonly place: string
  readonly requests: number
  /** One sentence. */
  readonly why: string
}

export interface SuggestedPolicy {
  readonly policy: PolicyDocument
  /** What is new in it. */
  readonly rules: readonly SuggestedRule[]
  readonly leftOut: readonly LeftOutOfPolicy[]
  /** Rules of the merged policy that ruled nothing in this log. */
  readonly unused: readonly string[]
  /** Requests of the log: let through, of these allowed by the merged policy already, and not let through. */
  readonly requests: { readonly allowed: number, readonly known: number, readonly refused: number }
  /** Lines of the log that are no records. */
  readonly unreadable: number
}

/**
 * @param log its path, the rotated files included
 * @throws OperatorError E_AUDIT_UNREADABLE, E_POLICY_UNREADABLE, E_POLICY_INVALID
 */
export async function suggestPolicy(log: string, { merge, name }: SuggestOptions = {}): Promise<SuggestedPolicy> {
  const clock = systemClock
  const base = merge === undefined ? null : await readPolicy(merge, clock)
  const traffic = createTraffic()
  for await (const record of readLog(log)) traffic.add(record)
  const { seen, odd, refused, unreadable } = traffic.end()

  const judge = base === null ? null : judgeBy(compileRuleset({ ...base.document, unmatched: 'deny' }, base.hash))
  const used = new Set<string>()
  const left = new Map<string, LeftOutOfPolicy>()
  const leave = (place: string, requests: number, why: string): void => {
    left.set(`${place} ${why}`, { place, why, requests: requests + (left.get(`${place} ${why}`)?.requests ?? 0) })
  }
  for (const { place, requests, why } of odd) leave(place, requests, why)

  const missing: Seen[] = []
  let known = 0
  for (const request of seen) {
    for (const rule of request.rules) used.add(rule)
    const ruling = judge?.(request.facts) ?? null
    if (ruling !== null && ruling.kind !== 'allow' && ruling.rule !== null) used.add(ruling.rule)
    if (ruling?.kind === 'allow') used.add(ruling.rule ?? '')
    if (!request.wasAllowed) continue
    if (ruling?.kind === 'allow' || rulesByQuery(base?.document, request)) known += request.requests
    else if (ruling !== null && ruling.rule !== null) leave(placeOf(request.facts), request.requests, `the rule "${ruling.rule}" ${ruling.kind === 'hold' ? 'asks about it' : 'denies it'}, which outranks any rule that could be added`)
    else if (request.privateAddress !== null) leave(placeOf(request.facts), request.requests, `it was reached at ${request.privateAddress}, which is not public: a rule for it needs "private": "${request.privateAddress}/${request.privateAddress.includes(':') ? 128 : 32}"`)
    else missing.push(request)
  }

  const streams = withoutMixed(missing)
  for (const { facts, requests } of streams.mixed) leave(placeOf(facts), requests, 'its requests were read elsewhere in the log, and a policy can\'t say both of one host')
  const { learned, leftOut } = generalise(streams.kept)
  for (const each of leftOut) leave(each.place, each.requests, WHY[each.why])
  const rules = nameRules(learned, base?.document ?? null)
  const source: PolicyDocument = base?.source ?? { version: 1, ...name === undefined ? {} : { name }, unmatched: 'hold' }
  const policy: PolicyDocument = { ...source, rules: [...source.rules ?? [], ...rules.map(({ rule }) => rule)] }
  const said = new Set(leftOut.map(({ place }) => place))
  for (const { facts, requests } of uncovered(policy, streams.kept)) if (!said.has(placeOf(facts))) leave(placeOf(facts), requests, 'no rule could be written for it')
  return {
    policy,
    rules,
    leftOut: [...left.values()],
    unused: (base?.document.rules ?? []).map(({ id }) => id).filter(id => !used.has(id)),
    requests: { allowed: seen.reduce((sum, { wasAllowed, requests }) => sum + (wasAllowed ? requests : 0), 0) + odd.reduce((sum, { requests }) => sum + requests, 0), known, refused },
    unreadable,
  }
}

const WHY: Readonly<Record<LeftOut['why'], string>> = {
  'private-address': 'its address is not public: only a rule that you write yourself opens it',
  path: 'its path can\'t be written as a pattern that is narrower than the whole host',
  method: 'its method can\'t be named in a rule',
}

const NO_GRANTS = compileGrants([])

function judgeBy(ruleset: Ruleset): (facts: Seen['facts']) => Decision {
  return facts => decide(ruleset, NO_GRANTS, facts, { now: systemClock.now(), used: () => 0 })
}

/** Values of queries are not in the log. What a rule about queries let through, it will let through again. */
function rulesByQuery(policy: PolicyDocument | undefined, { rules }: Seen): boolean {
  return (policy?.rules ?? []).some(rule => rules.has(rule.id) && (rule.action ?? 'allow') === 'allow' && (rule.query !== undefined || rule.header !== undefined))
}

/** An opaque stream and requests to one port, or TLS passed through and read on one host: what was read counts. */
function withoutMixed(all: readonly Seen[]): { readonly kept: readonly Seen[], readonly mixed: readonly Seen[] } {
  const read = new Set(all.flatMap(({ facts }) => facts.kind === 'request' ? [facts.host, `${facts.host} ${facts.port}`] : []))
  const isMixed = ({ facts }: Seen): boolean => facts.kind === 'stream' && read.has(facts.scheme === 'tcp' ? `${facts.host} ${facts.port}` : facts.host)
  return { kept: all.filter(each => !isMixed(each)), mixed: all.filter(isMixed) }
}

/** Named after their host, in the order of the alphabet, with a number from the second on. */
function nameRules(learned: readonly Learned[], policy: PolicyDocument | null): readonly SuggestedRule[] {
  const taken = new Set(policy?.rules?.map(({ id }) => id))
  return learned.map(({ rule, ...rest }) => {
    const where = [rule.host ?? rule.cidr ?? ''].flat()[0]!
    const stem = where.replace(/^\*\./, '').replace(/\/\d+$/, '').replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+/, '').slice(0, 56) || 'rule'
    let id = stem
    for (let n = 2; taken.has(id); n++) id = `${stem}-${n}`
    taken.add(id)
    return { ...rest, rule: { id, ...rule, note: `learned from ${rest.requests} ${rest.requests === 1 ? 'request' : 'requests'}` } }
  })
}

/** @throws OperatorError E_POLICY_INVALID where the rules and the merged policy contradict each other */
function uncovered(policy: PolicyDocument, requests: readonly Seen[]): readonly Seen[] {
  const loaded = checkPolicy(policy, { now: systemClock.now() })
  if (loaded.kind === 'invalid') {
    const [first] = loaded.problems
    throw new OperatorError('E_POLICY_INVALID', { file: 'the suggested policy', pointer: first === undefined ? '' : `#${first.pointer}`, problem: first?.problem ?? 'it is invalid' })
  }
  const judge = judgeBy(compileRuleset({ ...loaded.document, unmatched: 'deny' }, loaded.hash))
  return requests.filter(({ facts }) => judge(facts).kind !== 'allow')
}
