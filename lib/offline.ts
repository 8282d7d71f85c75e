/**
 * A policy asked about one request, with no firewall running: `sallyport explain`.
 */
import { compileGrants, compileRuleset } from './decide/compile.ts'
import { explain } from './decide/explain.ts'
import type { Explanation } from './decide/explain.ts'
import { readPolicy } from './read-policy.ts'
import { suggestRules } from './learn/suggest.ts'
import { systemClock } from './model/clock.ts'
import type { PolicyDocument, RuleShape } from './model/policy.ts'
import { describeRequest } from './normalize/offline.ts'
import type { RequestLike } from './normalize/offline.ts'

export interface Explained {
  readonly action: 'allow' | 'hold' | 'deny' | 'refused'
  readonly rule: string | null
  /** Why, where the action alone does not say it. */
  readonly reason: string | null
  /** Every rule of the policy, and why it did not match. */
  readonly considered: Explanation['considered']
  readonly nearest: Explanation['nearest']
  /** The narrowest rule that would allow the request; null where it is allowed, or no rule could. */
  readonly smallest: RuleShape | null
}

/** @throws OperatorError when the policy cannot be read or would not take effect */
export async function explainPolicy(policy: string | PolicyDocument, request: RequestLike): Promise<Explained> {
  const clock = systemClock
  const { document, hash } = await readPolicy(policy, clock)
  const normalized = describeRequest(request)
  if (normalized.kind === 'refused') {
    return { action: 'refused', rule: null, reason: normalized.reason, considered: [], nearest: null, smallest: null }
  }
  const told = explain(compileRuleset(document, hash), compileGrants([]), normalized.facts, { now: clock.now(), used: () => 0 })
  const { decision } = told
  return {
    action: told.action,
    rule: told.rule,
    reason: decision.kind === 'deny' ? decision.reason : decision.kind === 'hold' && decision.rule === null ? 'no rule matches, and the policy holds what no rule matches' : null,
    considered: told.considered,
    nearest: told.nearest,
    // Under a deny no rule helps: deny outranks all. A hold rule is answered, not outranked.
    smallest: decision.kind === 'hold' && decision.rule === null ? suggestRules(normalized.facts)[0]?.rule ?? null : null,
  }
}
