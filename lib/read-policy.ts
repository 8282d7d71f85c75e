/** A policy, from its file or as it is handed over: sound, or the first thing that is wrong with it. */
import { loadPolicy } from './config/load.ts'
import type { SoundPolicy } from './in-force.ts'
import type { Clock } from './model/clock.ts'
import { OperatorError } from './model/errors.ts'
import type { PolicyDocument } from './model/policy.ts'

/** @throws OperatorError E_POLICY_INVALID with the first problem, or E_POLICY_UNREADABLE */
export async function readPolicy(source: string | PolicyDocument, clock: Clock): Promise<SoundPolicy> {
  const loaded = await loadPolicy(source, { now: clock.now() })
  if (loaded.kind === 'policy') return loaded
  const [first] = loaded.problems
  const file = typeof source === 'string' ? source : 'policy'
  throw new OperatorError('E_POLICY_INVALID', { file, pointer: first === undefined || first.pointer === '' ? '' : `#${first.pointer}`, problem: first === undefined ? 'it is invalid' : `${first.problem} ${first.fix}` })
}
