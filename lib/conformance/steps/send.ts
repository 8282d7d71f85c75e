/** Raw bytes, plain or in a tunnel, and what is read of them. */
import { misread } from '../answers.ts'
import type { Reads } from '../answers.ts'
import { attack } from '../attack.ts'
import { bytesOf } from '../cases.ts'
import type { Bytes } from '../cases.ts'
import type { Outcome, World } from './step.ts'

export interface Send {
  readonly kind: 'send'
  /** Default: absolute-form. */
  readonly via?: 'absolute-form' | 'tunnel'
  readonly connect?: string
  readonly sni?: string
  readonly bytes: Bytes
  /** Waits until the proxy has answered, however long that takes: for what is held. */
  readonly patient?: boolean
  readonly reads?: Reads
}

const PATIENCE_MS = 30_000

export async function send(step: Send, { proxy, clock, doors, caughtUp }: World): Promise<Outcome> {
  const answer = await attack(proxy, { ...step, via: step.via ?? 'absolute-form' }, clock, step.patient === true ? { quietMs: PATIENCE_MS } : { caughtUp })
  // How another proxy words it is its own matter.
  const problem = doors === null || step.reads === undefined ? '' : misread(answer, bytesOf(step), step.reads)
  return problem === '' ? null : { verdict: 'otherwise', problem }
}
