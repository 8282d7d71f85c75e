/**
 * The judgement: may this request pass, must somebody be asked, or is it denied.
 *
 * Pure, synchronous and total: whatever goes wrong while judging is a denial. Deny, then a live grant, then hold,
 * then allow, then `unmatched`; every reading of the request is judged so, and the strictest ruling wins. The one file
 * in which permits are written.
 */
import { METADATA_NAME, classifyAddress, opensLiteral } from './address.ts'
import type { RuleContext } from './conditions.ts'
import { createEffort } from './effort.ts'
import type { Effort } from './effort.ts'
import { bySpecificity } from './ruleset.ts'
import type { Entry, GrantIndex, Ruleset } from './ruleset.ts'
import { survey } from './survey.ts'
import type { Covering } from './survey.ts'
import { Permit } from '../model/decision.ts'
import type { Allow, Decision, Deny } from '../model/decision.ts'
import type { OnceToken } from '../model/hold.ts'
import { PUBLIC_ONLY } from '../model/policy.ts'
import type { Action, AddressScope, Terms } from '../model/policy.ts'
import { twinKey } from '../model/request.ts'
import type { Facts } from '../model/request.ts'

export interface DecideContext extends RuleContext {
  /** An answer for exactly one request. */
  readonly once?: OnceToken | null
}

export function decide(ruleset: Ruleset, grants: GrantIndex, facts: Facts, context: DecideContext): Decision {
  try {
    return judge(ruleset, grants, facts, context)
  } catch (error) {
    // Whatever it was: what cannot be judged must not pass.
    return deny('judgement_failed', null, `the judgement failed: ${error instanceof Error ? error.message : 'unknown error'}`)
  }
}

/** What a grant that answers this hold rule may open; without a rule, public addresses. */
export function termsOf(ruleset: Ruleset, holdRuleId: string | null): Terms {
  return (holdRuleId === null ? undefined : ruleset.compiled.get(holdRuleId)?.terms) ?? PUBLIC_TERMS
}

const PUBLIC_TERMS: Terms = Object.freeze({ scope: PUBLIC_ONLY, maxRequestBytes: null, maxResponseBytes: null })

/** How one reading is ruled where no deny rule covers it. */
type Outcome =
  | { readonly kind: 'allowed', readonly by: Entry }
  | { readonly kind: 'granted', readonly by: Entry }
  | { readonly kind: 'asked', readonly by: Entry }
  | { readonly kind: 'unmatched' }

function judge(ruleset: Ruleset, grants: GrantIndex, facts: Facts, context: DecideContext): Decision {
  const effort = createEffort()
  const readings = survey(ruleset.index, facts, context, effort)
  let denying: Entry | null = null
  for (const covering of readings) denying = moreSpecific(denying, mostSpecific(covering, 'deny'))
  if (denying !== null) return deny('policy_denied', denying.rule.id, denying.rule.document.note ?? `the rule "${denying.rule.id}" denies it`)

  const outcomes = outcomesOf(readings, grants, facts, context, effort)
  const terms = strictestTerms(outcomes)
  const closed = closedAddress(facts, terms.scope)
  if (closed !== null) return deny('address_forbidden', null, closed)
  if (outcomes.length === 0) throw new Error('a request without a reading')

  const isUnmatched = hasUnmatched(outcomes)
  const asking = mostSpecificOutcome(outcomes, 'asked')
  if (isUnmatched && ruleset.unmatched === 'deny') return deny('policy_denied', null, 'no rule matches, and the policy denies what no rule matches')
  if (asking !== null || (isUnmatched && ruleset.unmatched === 'hold')) {
    const rule = asking?.rule.id ?? null
    if (answersOnce(context.once ?? null, rule, facts)) {
      return { kind: 'allow', permit: Permit.issue(facts, rule, terms), rule, grant: context.once!.id, isOnce: true, wouldHold: false, useKeys: NO_USES, byteBudgets: NO_BUDGETS }
    }
    return { kind: 'hold', rule, note: asking?.rule.document.note ?? null }
  }
  if (isUnmatched) {
    const { useKeys, byteBudgets } = countersOf(outcomes)
    return { kind: 'allow', permit: Permit.issue(facts, null, terms), rule: null, grant: null, isOnce: false, wouldHold: true, useKeys, byteBudgets }
  }
  return allow(outcomes, facts, terms)
}

function outcomesOf(readings: readonly Covering[], grants: GrantIndex, facts: Facts, context: RuleContext, effort: Effort): readonly Outcome[] {
  const granted = grants.size === 0 ? nothingGranted : lookIn(grants, facts, context, effort)
  const outcomes: Outcome[] = []
  for (let reading = 0; reading < readings.length; reading++) outcomes.push(outcomeOf(readings[reading]!, reading, granted))
  return outcomes
}

/** The grants that cover a reading. */
type Granted = (reading: number) => Covering

const nothingGranted: Granted = () => []

/** Once, and only where somebody would have to be asked. */
function lookIn(grants: GrantIndex, facts: Facts, context: RuleContext, effort: Effort): Granted {
  let found: readonly Covering[] | null = null
  return reading => (found ??= survey(grants.index, facts, context, effort))[reading]!
}

function outcomeOf(covering: Covering, reading: number, granted: Granted): Outcome {
  const asking = mostSpecific(covering, 'hold')
  if (asking !== null) {
    const grant = answering(granted(reading), asking.rule.id)
    return grant === null ? { kind: 'asked', by: asking } : { kind: 'granted', by: grant }
  }
  const allowing = mostSpecific(covering, 'allow')
  if (allowing !== null) return { kind: 'allowed', by: allowing }
  const grant = answering(granted(reading), null)
  return grant === null ? { kind: 'unmatched' } : { kind: 'granted', by: grant }
}

/** A grant answers what its question came from, and nothing else. */
function answering(granted: Covering, answers: string | null): Entry | null {
  let best: Entry | null = null
  for (const entry of granted) if (entry.rule.answers === answers) best = moreSpecific(best, entry)
  return best
}

function allow(outcomes: readonly Outcome[], facts: Facts, terms: Terms): Decision {
  const allowed = mostSpecificOutcome(outcomes, 'allowed')
  const granted = mostSpecificOutcome(outcomes, 'granted')
  const rule = granted?.rule.answers ?? allowed?.rule.id ?? null
  const { useKeys, byteBudgets } = countersOf(outcomes)
  return {
    kind: 'allow',
    permit: Permit.issue(facts, rule, terms),
    rule,
    grant: granted?.rule.id ?? null,
    isOnce: false,
    wouldHold: false,
    useKeys,
    byteBudgets,
  }
}

const NO_USES: readonly string[] = Object.freeze([])
const NO_BUDGETS: Allow['byteBudgets'] = Object.freeze([])
const NO_COUNTERS: Pick<Allow, 'useKeys' | 'byteBudgets'> = Object.freeze({ useKeys: NO_USES, byteBudgets: NO_BUDGETS })

/** Of a request with two readings both rules were needed, whichever is named. */
function countersOf(outcomes: readonly Outcome[]): typeof NO_COUNTERS {
  let counters = NO_COUNTERS
  for (const outcome of outcomes) {
    if (outcome.kind === 'unmatched') continue
    const { useKey, maxBytes } = outcome.by.rule
    if (useKey === null || counters.useKeys.includes(useKey)) continue
    counters = { useKeys: [...counters.useKeys, useKey], byteBudgets: maxBytes === Infinity ? counters.byteBudgets : [...counters.byteBudgets, { useKey, maxBytes }] }
  }
  return counters
}

function mostSpecific(covering: Covering, action: Action): Entry | null {
  let best: Entry | null = null
  for (const entry of covering) if (entry.rule.action === action) best = moreSpecific(best, entry)
  return best
}

function hasUnmatched(outcomes: readonly Outcome[]): boolean {
  for (const { kind } of outcomes) if (kind === 'unmatched') return true
  return false
}

function mostSpecificOutcome(outcomes: readonly Outcome[], kind: 'allowed' | 'granted' | 'asked'): Entry | null {
  let best: Entry | null = null
  for (const outcome of outcomes) if (outcome.kind === kind) best = moreSpecific(best, outcome.by)
  return best
}

function moreSpecific(best: Entry | null, entry: Entry | null): Entry | null {
  if (best === null || entry === null) return best ?? entry
  return bySpecificity(entry, best) < 0 ? entry : best
}

/** Readings that different rules let through are held to the terms of each; where their scopes differ, to public addresses. */
function strictestTerms(outcomes: readonly Outcome[]): Terms {
  let strictest: Terms | null = null
  for (const outcome of outcomes) {
    const terms = outcome.kind === 'unmatched' ? PUBLIC_TERMS : outcome.by.rule.terms
    strictest = strictest === null || strictest === terms ? terms : {
      scope: strictest.scope.key === terms.scope.key ? terms.scope : PUBLIC_ONLY,
      maxRequestBytes: lower(strictest.maxRequestBytes, terms.maxRequestBytes),
      maxResponseBytes: lower(strictest.maxResponseBytes, terms.maxResponseBytes),
    }
  }
  return strictest ?? PUBLIC_TERMS
}

function lower(a: number | null, b: number | null): number | null {
  if (a === null) return b
  return b === null ? a : Math.min(a, b)
}

/** @returns why the host's own address may not be dialled, so that nobody is asked about it; null where it may, or is not known yet */
function closedAddress({ host, hostKind }: Facts, scope: AddressScope): string | null {
  if (hostKind === 'name') return host === METADATA_NAME ? `${host} is a metadata service, whatever it resolves to` : null
  return opensLiteral(scope, host) ? null : `${host} is a ${classifyAddress(host)} address, and the rule that covers it (if any) does not open it`
}

function answersOnce(once: OnceToken | null, rule: string | null, facts: Facts): boolean {
  return once !== null && once.answers === rule && once.twin === twinKey(facts)
}

function deny(code: Deny['code'], rule: string | null, reason: string): Deny {
  return { kind: 'deny', code, rule, reason }
}
