/**
 * A decision as it is told afterwards: to other doors and to the log.
 */
import type { Decided, DecisionScope } from '../model/grants.ts'
import type { Approve, GrantRequest, Refuse } from '../model/hold.ts'

type Part = Pick<Decided, 'question' | 'scope' | 'grant' | 'door'> & Partial<Pick<Decided, 'rule' | 'maxUses' | 'reason'>> & { readonly ttlMs?: number | null }

/** @param now milliseconds since 1970 */
export function decidedBy(answer: Approve | Refuse, part: Part, now: number): Decided {
  const { question, scope, grant, door, rule = null, maxUses = null, reason = null, ttlMs = null } = part
  return {
    question, verdict: answer.verdict, scope, grant, rule, by: answer.by ?? null, door,
    at: new Date(now).toISOString(), expiresAt: ttlMs === null ? null : new Date(now + ttlMs).toISOString(), maxUses, reason, note: answer.note ?? null,
  }
}

/** How far what was granted reaches. */
export function scopeOf({ persist, maxUses, ttlMs }: Pick<GrantRequest, 'persist' | 'maxUses' | 'ttlMs'>): DecisionScope {
  if (persist === true) return 'always'
  if (maxUses !== undefined) return 'uses'
  return ttlMs === undefined ? 'session' : 'ttl'
}
