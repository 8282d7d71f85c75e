/**
 * A policy, or the grants in force → an index that `decide` asks. Immutable; made at load, after an answer, at an expiry.
 */
import { createIndex } from './ruleset.ts'
import type { GrantIndex, Ruleset } from './ruleset.ts'
import { compileRule, createPatternCache } from './rule.ts'
import type { CompiledRule } from './rule.ts'
import type { Grant } from '../model/hold.ts'
import type { PolicyDocument } from '../model/policy.ts'

/**
 * @param document validated, the rules of its presets already among its own
 * @param hash of the policy, for the log
 * @throws where the document was not validated
 */
export function compileRuleset(document: PolicyDocument, hash: string): Ruleset {
  const cache = createPatternCache()
  const compiled = new Map<string, CompiledRule>()
  for (const rule of document.rules ?? []) {
    // A second rule of the same id would be left out in silence, and it may be the deny.
    if (compiled.has(rule.id)) throw new Error(`two rules are called "${rule.id}"`)
    compiled.set(rule.id, compileRule(rule, cache))
  }
  const ends = [...new Set(Array.from(compiled.values(), rule => rule.expiresAt))].filter(Number.isFinite).sort((a, b) => a - b)
  return Object.freeze({
    name: document.name ?? null,
    hash,
    unmatched: document.unmatched ?? 'hold',
    size: compiled.size,
    rule: (id: string) => compiled.get(id)?.document ?? null,
    nextExpiry: (now: number) => ends.find(end => end > now) ?? null,
    compiled,
    limited: [...compiled.values()].filter(({ action, useKey }) => action === 'allow' && useKey !== null),
    index: createIndex(compiled.values()),
  })
}

/** @param grants live ones; their ends and uses are still asked at each decision */
export function compileGrants(grants: readonly Grant[]): GrantIndex {
  const compiled = grants.map(compileGrant)
  return Object.freeze({ size: grants.length, limited: compiled.filter(({ useKey }) => useKey !== null), index: createIndex(compiled) })
}

/** Answers come one by one, and each makes the index anew: what was compiled is kept as long as its grant. */
const compiledGrants = new WeakMap<Grant, CompiledRule>()

/** What a grant covers its rule says; what it opens there is laid down by what it answers. */
function compileGrant(grant: Grant): CompiledRule {
  const known = compiledGrants.get(grant)
  if (known !== undefined) return known
  const rule = compileRule({ ...grant.rule, id: grant.id, action: 'allow' }, createPatternCache())
  const maxUses = Math.min(rule.maxUses, grant.maxUses ?? Infinity)
  const compiled: CompiledRule = {
    ...rule,
    isPassthrough: false,
    expiresAt: Math.min(rule.expiresAt, grant.expiresAt ?? Infinity),
    maxUses,
    useKey: rule.useKey === null && maxUses === Infinity ? null : grant.counter ?? grant.id,
    terms: grant.terms,
    answers: grant.answers,
  }
  compiledGrants.set(grant, compiled)
  return compiled
}
