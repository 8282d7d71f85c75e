/**
 * What a hook or an operator answers → an answer we trust, or a refusal.
 *
 * The promise: only a typed verdict is an answer. `true`, `1`, `"yes"`, `{ "allow": true }` and an approval without its
 * grant are refused, and so is a rule that could open more than the request it was asked for. What comes out is a
 * frozen value of its own.
 */
import { checkPublicCidr } from '../decide/patterns.ts'
import type { Answer } from '../model/hold.ts'
import type { RuleShape } from '../model/policy.ts'
import { error, fromGrammar } from './problems.ts'
import type { Problem } from './problems.ts'
import { checkRule, isObject, textsOf } from './rules.ts'
import { checkAnswerShape, checkGrantShape } from './schema.ts'
import { snapshot } from './snapshot.ts'

export type ParsedAnswer =
  | { readonly kind: 'answer', readonly answer: Answer }
  | { readonly kind: 'refused', readonly problems: Problem[] }

export type CheckedRule =
  | { readonly kind: 'rule', readonly rule: RuleShape }
  | { readonly kind: 'refused', readonly problems: Problem[] }

/** Values in an answer; the longest suggestion has a few dozen. */
const MAX_NODES = 10_000

/** @param value anything at all, also what throws when it is read */
export function parseAnswer(value: unknown): ParsedAnswer {
  const taken = snapshot(value, MAX_NODES)
  if (taken.kind === 'refused') return { kind: 'refused', problems: [taken.problem] }
  const form = checkAnswerShape(taken.value)
  if (form.length > 0) return { kind: 'refused', problems: form }
  const answer = taken.value as Answer
  if (answer.verdict !== 'approve' || answer.grant === 'once') return { kind: 'answer', answer }
  const { grant } = answer
  // A rule in the file ends by its own `expires`; who answered would believe in the shorter time.
  if (grant.persist === true && grant.ttlMs !== undefined) return { kind: 'refused', problems: [error('/grant/ttlMs', '"ttlMs" stands beside "persist", and what is in the policy file has no time to live.', 'Give the rule an "expires", or take one of the two out.')] }
  const asked = 'rule' in grant ? [['/grant/rule', grant.rule] as const] : grant.rules === 'asked' ? [] : grant.rules.map((rule, at) => [`/grant/rules/${at}`, rule] as const)
  const problems = asked.flatMap(([pointer, rule]) => {
    const checked = checkGrantRule(rule)
    return checked.kind === 'rule' ? [] : checked.problems.map(problem => ({ ...problem, pointer: `${pointer}${problem.pointer}` }))
  })
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'answer', answer }
}

/** A rule with nothing but what an approval may grant; its networks public ones. */
export function checkGrantRule(rule: unknown): CheckedRule {
  const taken = snapshot(rule, MAX_NODES)
  if (taken.kind === 'refused') return { kind: 'refused', problems: [taken.problem] }
  const form = checkGrantShape(taken.value)
  const sense = isObject(taken.value) ? [...checkRule(taken.value, ''), ...checkNetworks(taken.value['cidr'])] : []
  const problems = [...form, ...sense].filter(({ severity }) => severity === 'error')
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'rule', rule: taken.value as RuleShape }
}

function checkNetworks(cidr: unknown): Problem[] {
  return textsOf(cidr, '/cidr').flatMap(([text, pointer]) => {
    const checked = checkPublicCidr(text)
    return checked.kind === 'refused' ? [fromGrammar(pointer, checked.problem, 'error')] : []
  })
}
