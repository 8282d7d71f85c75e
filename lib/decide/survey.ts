/**
 * Which rules cover a request, in each way it can be read.
 *
 * A request has a reading for each way of reading its path times each of its methods; a stream has one.
 */
import { coversHeader, coversKind, coversMethod, coversPort, coversQuery, coversScheme, hasBudget, isInTime } from './conditions.ts'
import type { RuleContext } from './conditions.ts'
import type { Effort } from './effort.ts'
import type { Entry, Found, RuleIndex } from './ruleset.ts'
import type { CompiledRule } from './rule.ts'
import type { Facts, RequestFacts } from '../model/request.ts'

/** The rules that cover one reading, in no order. */
export type Covering = readonly Entry[]

/**
 * @param effort of the decision that it is made for; absent: as much as it takes
 * @returns one list for each reading, always in the same order for the same facts
 * @throws when the effort is spent
 */
export function survey(index: RuleIndex, facts: Facts, context: RuleContext, effort?: Effort): readonly Covering[] {
  const found = index.find(facts)
  if (facts.kind === 'stream') return [coveringPath(found, null, facts, context, effort)]
  const readings: Covering[] = []
  for (const path of facts.readings) {
    const covering = coveringPath(found, path, facts, context, effort)
    for (const method of facts.methods) readings.push(coveringMethod(covering, method, facts))
  }
  return readings
}

/** @param path null for a stream, which has none */
function coveringPath(found: readonly Found[], path: string | null, facts: Facts, context: RuleContext, effort: Effort | undefined): Covering {
  const covering: Entry[] = []
  for (const { place, opens } of found) {
    for (const entry of place.at(path)) {
      const { rule } = entry
      if ((opens || rule.action !== 'allow') && coversCircumstances(rule, facts, context) && (path === null || entry.path.matches(path, effort)) && coversFields(rule, facts, effort)) covering.push(entry)
    }
  }
  return covering
}

/** The same list where all of them cover it, which is the usual case. */
function coveringMethod(covering: Covering, method: string, facts: RequestFacts): Covering {
  for (const { rule } of covering) {
    if (!coversMethod(rule, method, facts)) return covering.filter(({ rule }) => coversMethod(rule, method, facts))
  }
  return covering
}

function coversCircumstances(rule: CompiledRule, facts: Facts, context: RuleContext): boolean {
  return coversScheme(rule, facts) && coversPort(rule, facts) && coversKind(rule, facts) && isInTime(rule, context.now) && hasBudget(rule, facts, context)
}

function coversFields(rule: CompiledRule, facts: Facts, effort: Effort | undefined): boolean {
  return facts.kind === 'stream' || (coversQuery(rule, facts, effort) && coversHeader(rule, facts, effort))
}
