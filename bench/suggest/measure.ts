/**
 * How well a few requests of some endpoints of an API stand for these endpoints, and for no others.
 *
 * Recall: of fresh requests to the endpoints that were sampled, how many the learned rules allow. Leakage: of requests to
 * the other endpoints, how many they allow. An endpoint is a method and a template. Requests are judged by `decide`.
 *
 * Some leakage is in the API: who may read `/releases/{id}` may read `/releases/latest`, whatever the rule is called. So the
 * same is measured for rules made from the templates themselves, with `*` for each parameter: nobody can do better.
 */
import { compileGrants, compileRuleset } from '../../lib/decide/compile.ts'
import { decide } from '../../lib/decide/decide.ts'
import { generalise } from '../../lib/learn/generalise.ts'
import type { RuleShape } from '../../lib/model/policy.ts'
import type { RequestFacts } from '../../lib/model/request.ts'
import { describeRequest } from '../../lib/normalize/offline.ts'
import type { Api, Endpoint } from './endpoints.ts'
import { createRandom, fill } from './fill.ts'
import type { Random } from './fill.ts'

export interface Sampling {
  /** Endpoints that are sampled; the rest of the API is what may leak. */
  readonly endpoints: number
  /** Requests of each of them. */
  readonly samples: number
  readonly seed: number
}

export interface Measured {
  readonly recall: number
  readonly leakage: number
  /** Leakage of rules made from the sampled templates themselves. */
  readonly floor: number
  readonly rules: number
  readonly patterns: number
  readonly ms: number
  /** Endpoints with requests that were not allowed, or were and should not, for who wants to know why. */
  readonly missed: readonly string[]
  readonly leaked: readonly string[]
}

/** Of requests to sampled endpoints, from 5 requests each. */
export const RECALL = 0.95
/** Of requests to the others. */
export const LEAKAGE = 0.01

export function isMet({ recall, leakage, floor }: Pick<Measured, 'recall' | 'leakage' | 'floor'>, samples: number): boolean {
  return leakage <= Math.max(LEAKAGE, floor) && (samples < 5 || recall >= RECALL)
}

/** Fresh requests of each endpoint, sampled or not. */
const FRESH = 5

export function measure({ host, endpoints }: Api, { endpoints: count, samples, seed }: Sampling): Measured {
  const random = createRandom(seed)
  const mixed = shuffled(endpoints, random)
  const sampled = mixed.slice(0, count)
  const others = mixed.slice(count)
  const requests = sampled.flatMap(endpoint => draw(endpoint, host, samples, random))

  const start = performance.now()
  const { learned } = generalise(requests.map(facts => ({ facts, requests: 1 })))
  const ms = performance.now() - start
  const rules = learned.map(({ rule }) => rule)
  const allows = judge(rules)
  const oracle = judge(sampled.map(({ method, template }) => ({ host, method, path: template.replace(/\{(?:path|dir|filepath)\}/g, '**').replace(/\{[^}]*\}/g, '*') })))

  const fresh = sampled.map(endpoint => ({ endpoint, requests: draw(endpoint, host, FRESH, random) }))
  const strange = others.map(endpoint => ({ endpoint, requests: draw(endpoint, host, FRESH, random) }))
  const share = (drawn: typeof fresh, isAllowed: (facts: RequestFacts) => boolean): number =>
    drawn.flatMap(({ requests }) => requests).filter(isAllowed).length / Math.max(1, drawn.length * FRESH)
  return {
    recall: share(fresh, allows),
    leakage: share(strange, allows),
    floor: share(strange, oracle),
    rules: rules.length,
    patterns: rules.reduce((sum, { path }) => sum + (Array.isArray(path) ? path.length : 1), 0),
    ms,
    missed: fresh.flatMap(({ endpoint, requests }) => spell(endpoint, requests.filter(facts => !allows(facts)))),
    leaked: strange.flatMap(({ endpoint, requests }) => spell(endpoint, requests.filter(facts => allows(facts) && !oracle(facts)))),
  }
}

function draw({ method, template }: Endpoint, host: string, count: number, random: Random): RequestFacts[] {
  return Array.from({ length: count }, () => {
    const url = `https://${host}${fill(template, random)}`
    const described = describeRequest({ method, url })
    if (described.kind === 'refused' || described.facts.kind !== 'request') throw new Error(`${url} is no request`)
    return described.facts
  })
}

function judge(rules: readonly RuleShape[]): (facts: RequestFacts) => boolean {
  const ruleset = compileRuleset({ version: 1, unmatched: 'deny', rules: rules.map((rule, at) => ({ ...rule, id: `rule-${at}` })) }, '')
  const none = compileGrants([])
  return facts => decide(ruleset, none, facts, { now: 0, used: () => 0 }).kind === 'allow'
}

function spell({ method, template }: Endpoint, requests: readonly RequestFacts[]): string[] {
  return requests.length === 0 ? [] : [`${method} ${template}  ${requests.length}×, for example ${requests[0]!.target}`]
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list.map(value => ({ value, key: random() })).sort((a, b) => a.key - b.key).map(({ value }) => value)
}
