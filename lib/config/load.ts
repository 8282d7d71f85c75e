/**
 * The room's front desk: a policy from a value, a text or a file, and what an approval may grant.
 */
import { checkTaken, invalid, readPolicyText, takePolicy } from './check.ts'
import type { CheckOptions, Loaded } from './check.ts'
import { neededRegistries } from './presets.ts'
import { machineRegistries } from './registries.ts'
import { readText } from './text.ts'

export { appendRule, appendRules, withRule } from './append.ts'
export { removeRule, sameRule } from './remove.ts'
export { checkGrantRule, parseAnswer } from './answers.ts'
export { liesWithin, parseTask } from './asked.ts'
export { checkPolicy, parsePolicy } from './check.ts'
export type { CheckOptions, Loaded } from './check.ts'

/**
 * The one way in that asks this machine's tools, where a preset of a package registry needs what they are set to.
 *
 * @param policy a file, or a policy as a value
 * @throws OperatorError E_POLICY_UNREADABLE where the file cannot be read; what is in it is never thrown
 */
export async function loadPolicy(policy: string | object, options: CheckOptions = {}): Promise<Loaded> {
  if (typeof policy !== 'string') return checkAsked(policy, options)
  const text = await readText(policy)
  if (text.kind === 'invalid') return invalid([text.problem])
  const read = readPolicyText(text.text)
  const loaded = read.kind === 'value' ? await checkAsked(read.value, options) : read
  return loaded.kind === 'policy' ? { ...loaded, file: policy } : loaded
}

async function checkAsked(value: unknown, options: CheckOptions): Promise<Loaded> {
  const taken = takePolicy(value)
  if (taken.kind !== 'value') return taken
  const { use } = (taken.value ?? {}) as { readonly use?: unknown }
  await (options.registries ?? machineRegistries).ask(neededRegistries(use, options.presets))
  return checkTaken(taken.value, options)
}
