/**
 * At connection time, when only host and port are known: is the stream ruled as a whole, or each request in it.
 *
 * It opens nothing: a stream that is tunnelled or passed through still goes to `decide` as a stream. Where in doubt
 * the answer is `intercept`, under which every request is judged.
 */
import { coversPort, isInTime } from './conditions.ts'
import type { RuleContext } from './conditions.ts'
import type { GrantIndex, Ruleset, RuleIndex } from './ruleset.ts'
import type { CompiledRule } from './rule.ts'
import type { Admission } from '../model/decision.ts'
import type { StreamFacts } from '../model/request.ts'

/** @param facts of either scheme; only host and port count */
export function admit(ruleset: Ruleset, grants: GrantIndex, facts: StreamFacts, { now }: RuleContext): Admission {
  try {
    const tcp: StreamFacts = { ...facts, scheme: 'tcp' }
    if ([ruleset.index, grants.index].some(index => has(index, tcp, now, rule => rule.namesTcp))) return { kind: 'tunnel' }
    // A deny rule is better heard as an answer inside the tunnel than as a connection that closes.
    const passes = has(ruleset.index, { ...facts, scheme: 'https' }, now, rule => rule.isPassthrough && rule.action !== 'deny')
    return { kind: passes ? 'passthrough' : 'intercept' }
  } catch {
    // Whatever it was: the requests are judged one by one, and that fails closed.
    return { kind: 'intercept' }
  }
}

function has(index: RuleIndex, facts: StreamFacts, now: number, isOne: (rule: CompiledRule) => boolean): boolean {
  return index.find(facts).some(({ place, opens }) => place.at(null).some(({ rule }) => isOne(rule)
    && (opens || rule.action !== 'allow') && coversPort(rule, facts) && isInTime(rule, now)))
}
