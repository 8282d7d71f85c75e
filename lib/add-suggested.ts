/** What a log suggests, put into the policy that it was merged with: the file's own text and comments stay. */
import { appendRules, withRule } from './config/load.ts'
import type { SuggestedPolicy } from './from-log.ts'
import { systemClock } from './model/clock.ts'
import { OperatorError } from './model/errors.ts'

/**
 * Writes the new rules into the policy file that was merged, everything else in it left as it is.
 *
 * @throws OperatorError E_POLICY_INVALID where it would not be a policy, and then the file is as it was
 */
export async function addSuggested(file: string, { rules }: SuggestedPolicy): Promise<void> {
  if (rules.length === 0) return
  const written = await appendRules(file, rules.map(({ rule }) => rule), { now: systemClock.now() })
  if (written.kind === 'policy') return
  const [first] = written.problems
  throw new OperatorError('E_POLICY_INVALID', { file, pointer: '', problem: first === undefined ? 'it is invalid' : `${first.problem} ${first.fix}` })
}

/** The same as text. @param text of the policy that was merged */
export function withSuggested(text: string, { rules }: SuggestedPolicy): string {
  return rules.reduce((all, { rule }) => withRule(all, rule), text)
}
