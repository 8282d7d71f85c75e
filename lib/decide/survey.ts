/**
 * Which rules cover a request, in each way it can be read.
 *
 * A request has a reading for each way of reading its path times each of its methods; a stream has one.
 */
import { coversHeader, coversKind, coversMethod, coversPort, coversQuery, coversScheme, hasUsesLeft, isInTime } from './conditions.ts'
import type { RuleContext } from './conditions.ts'
import type { Entry, RuleIndex } from './ruleset.ts'
import type { CompiledRule } from './rule.ts'
import type { Facts } from '../model/request.ts'

/** The rules that cover one reading, in no order. */
export type Covering = readonly Entry[]

/** @returns one list for each reading, always in the same order for the same facts */
export function survey(index: RuleIndex, facts: Facts, context: RuleContext): readonly Covering[] {
  const places = index.find(facts)
  if (facts.kind === 'stream') {
    return [places.flatMap(({ place, opens }) => place.at(null).filter(({ rule }) => mayRule(rule, opens, facts, context)))]
  }
  return facts.readings.flatMap(reading => {
    const covering: Entry[] = []
    for (const { place, opens } of places) {
      for (const entry of place.at(reading)) {
        if (mayRule(entry.rule, opens, facts, context) && entry.path.matches(reading) && coversQuery(entry.rule, facts) && coversHeader(entry.rule, facts)) covering.push(entry)
      }
    }
    return facts.methods.map(method => covering.filter(({ rule }) => coversMethod(rule, method, facts)))
  })
}

/** What does not hang on the reading, cheapest first. */
function mayRule(rule: CompiledRule, opens: boolean, facts: Facts, { now, used }: RuleContext): boolean {
  return (opens || rule.action !== 'allow')
    && coversScheme(rule, facts)
    && coversPort(rule, facts)
    && coversKind(rule, facts)
    && isInTime(rule, now)
    && hasUsesLeft(rule, used)
}
