/**
 * Which rules of a policy a rule that is not in it would meet: some request could be covered by both.
 *
 * Errs on the wide side (paths and queries are not compared), so that what is shown of it is never too little. Pure.
 */
import { hostPatternsOverlap, networkCovers } from './relations.ts'
import { compileRule, createPatternCache } from './rule.ts'
import type { CompiledRule } from './rule.ts'
import type { Ruleset } from './ruleset.ts'
import type { Action, RuleShape } from '../model/policy.ts'
import type { Scheme } from '../model/request.ts'

/**
 * @param rule a sound rule that allows
 * @param now milliseconds since 1970: rules that have ended are not met
 * @returns ids, in the order of the policy
 */
export function rulesMet(ruleset: Ruleset, rule: RuleShape, action: Action, now: number): readonly string[] {
  const asked = compileRule({ ...rule, id: 'asked' }, createPatternCache())
  const met: string[] = []
  for (const [id, other] of ruleset.compiled) if (other.action === action && now < other.expiresAt && meet(asked, other)) met.push(id)
  return met
}

function meet(asked: CompiledRule, other: CompiledRule): boolean {
  return [...asked.schemes].some(scheme => other.schemes.has(scheme) && portsMeet(asked, other, scheme))
    && (asked.methods === null || other.methods === null || [...asked.methods].some(method => other.methods!.has(method)))
    && placesMeet(asked, other)
}

function portsMeet(asked: CompiledRule, other: CompiledRule, scheme: Scheme): boolean {
  if (other.ports === null) return true
  const ports = asked.ports ?? [scheme === 'http' || scheme === 'ws' ? [80, 80] as const : [443, 443] as const]
  return ports.some(([from, to]) => other.ports!.some(([first, last]) => from <= last && first <= to))
}

function placesMeet(asked: CompiledRule, other: CompiledRule): boolean {
  return asked.hosts.some(({ text }) => other.hosts.some(host => text === host.text || hostPatternsOverlap(text, host.text)))
    || asked.networks.some(({ text }) => other.networks.some(network => networkCovers(text, network.text) || networkCovers(network.text, text)))
}
