/**
 * Rules and grants that would let a request through, had they anything left: for whoever is asked about it instead.
 *
 * Pure. `conditions.ts` says what a budget that is used up means; here it is only told.
 */
import { budgetMiss } from './conditions.ts'
import type { RuleContext } from './conditions.ts'
import { within } from './effort.ts'
import type { CompiledRule } from './rule.ts'
import type { GrantIndex, Ruleset } from './ruleset.ts'
import { survey } from './survey.ts'
import type { BudgetTold } from '../model/budget.ts'
import type { Facts } from '../model/request.ts'

export interface UsedUp {
  /** Of the rule; null: a grant. */
  readonly rule: string | null
  /** Which budget, and how much it was. */
  readonly why: string
}

/** @returns none where no budget stands in the way, or where finding out would take longer than a decision may */
export function usedUp({ index }: Pick<Ruleset, 'index'>, grants: GrantIndex, facts: Facts, context: RuleContext): readonly UsedUp[] {
  const unlimited = { now: context.now, used: () => 0 }
  const found = within(effort => [...survey(index, facts, unlimited, effort), ...grants.size === 0 ? [] : survey(grants.index, facts, unlimited, effort)].flat()) ?? []
  return [...new Set(found.map(({ rule }) => rule))].flatMap(rule => {
    const why = budgetMiss(rule, facts, context)
    return why === null ? [] : [{ rule: rule.answers === undefined ? rule.id : null, why }]
  })
}

/** @returns null for a rule without a budget */
export function tellBudget({ action, useKey, maxUses, maxBytes, maxRequestsPerMinute }: CompiledRule, { used, spent }: RuleContext): BudgetTold | null {
  if (action !== 'allow' || useKey === null) return null
  const { bytes = 0, lastMinute = 0 } = spent?.(useKey) ?? {}
  return {
    uses: maxUses === Infinity ? null : { spent: used(useKey), of: maxUses },
    bytes: maxBytes === Infinity ? null : { spent: bytes, of: maxBytes },
    lastMinute: maxRequestsPerMinute === Infinity ? null : { spent: lastMinute, of: maxRequestsPerMinute },
  }
}
