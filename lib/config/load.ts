/**
 * The room's front desk: a policy from a value, a text or a file, and what an approval may grant.
 */
import { invalid, parsePolicy } from './check.ts'
import type { CheckOptions, Loaded } from './check.ts'
import { readText } from './text.ts'

export { appendRule } from './append.ts'
export { checkGrantRule, parseAnswer } from './answers.ts'
export { checkPolicy, parsePolicy } from './check.ts'
export type { CheckOptions, Loaded } from './check.ts'

/** @throws OperatorError E_POLICY_UNREADABLE where the file cannot be read; what is in it is never thrown */
export async function loadPolicy(file: string, options: CheckOptions = {}): Promise<Loaded> {
  const read = await readText(file)
  if (read.kind === 'invalid') return invalid([read.problem])
  const loaded = parsePolicy(read.text, options)
  return loaded.kind === 'policy' ? { ...loaded, file } : loaded
}
