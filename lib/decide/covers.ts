/** Whether a rule, if it were granted, would let a request through. For rules that are offered before anybody asked for them. */
import { compileGrants, compileRuleset } from './compile.ts'
import { decide } from './decide.ts'
import { PUBLIC_ONLY } from '../model/policy.ts'
import type { RuleShape } from '../model/policy.ts'
import type { Facts } from '../model/request.ts'

/**
 * @returns true only if every reading of the request is covered, and nothing but a public address is needed; false also
 * where the rule is not sound
 */
export function covers(rule: RuleShape, facts: Facts): boolean {
  return coverage(rule)(facts)
}

/** The same, for many requests. */
export function coverage(rule: RuleShape): (facts: Facts) => boolean {
  try {
    const grants = compileGrants([{
      id: 'covers', question: '', answers: null, rule, terms: { scope: PUBLIC_ONLY, maxRequestBytes: null, maxResponseBytes: null },
      expiresAt: null, maxUses: null, by: null, door: '', createdAt: 0,
    }])
    return facts => decide(NO_RULES, grants, facts, { now: 0, used: () => 0 }).kind === 'allow'
  } catch {
    // `compileGrants` throws for a rule that breaks the grammar, and for nothing else.
    return () => false
  }
}

const NO_RULES = compileRuleset({ version: 1, unmatched: 'deny' }, '')
