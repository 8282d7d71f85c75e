/** The operator changes the policy in the middle of things. */
import type { Reloader } from '../reload.ts'
import type { Outcome, World } from './step.ts'

export interface ChangePolicy {
  readonly kind: 'reload'
  /** Rules of the lane that are no more: `lane` allows, `inside`, `asked` asks. */
  readonly drop?: readonly ('lane' | 'inside' | 'asked')[]
  readonly add?: readonly unknown[]
  /** The whole file instead, as it stands; null: it is removed. */
  readonly text?: string | null
  /** Not before a request to this host waits. */
  readonly whenHeld?: string
  readonly gets: 'in force' | 'kept'
}

interface Rule { readonly id: string }

export async function change(step: ChangePolicy, base: { readonly rules: readonly unknown[] }, reloader: Reloader, { lane }: World): Promise<Outcome> {
  if (step.whenHeld !== undefined) await reloader.held(step.whenHeld)
  const dropped = (step.drop ?? []).map(name => `${name}-${lane.allowed.slice(5, 7)}`)
  const text = step.text === undefined ? JSON.stringify({ ...base, rules: [...(base.rules as readonly Rule[]).filter(({ id }) => !dropped.includes(id)), ...step.add ?? []] }) : step.text
  const came = await reloader.reload(text)
  return came === step.gets ? null : { verdict: came === 'kept' ? 'otherwise' : 'through', problem: `the policy is ${came}` }
}
