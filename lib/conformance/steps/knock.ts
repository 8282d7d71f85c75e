/** Somebody without credentials at a door that is not the proxy's: the operator's page, the operator's socket, the listener of redirected connections. */
import { lstatSync } from 'node:fs'
import { dirname } from 'node:path'
import { connect } from 'node:net'
import { misread } from '../answers.ts'
import type { Reads } from '../answers.ts'
import { bytesOf } from '../cases.ts'
import type { Bytes } from '../cases.ts'
import { exchange } from '../exchange.ts'
import type { Doors, Outcome, World } from './step.ts'

export interface Knock {
  readonly kind: 'knock'
  /** `socket`: that nobody else may open its file, nor look into its folder. */
  readonly door: 'console' | 'transparent' | 'socket'
  readonly bytes?: Bytes
  readonly reads?: Reads
}

/** Bits of a file's mode that let others in. */
const OTHERS = 0o077

export async function knock({ door, bytes = '', reads = {} }: Knock, doors: Doors, { clock, caughtUp }: World): Promise<Outcome> {
  if (door === 'socket') {
    const modes = [doors.control, dirname(doors.control)].map(path => lstatSync(path).mode & OTHERS)
    return modes.every(mode => mode === 0) ? null : { verdict: 'through', problem: `others may open ${doors.control}` }
  }
  const { host, port } = doors[door]
  const written = bytesOf({ bytes })
  const problem = misread(await exchange(connect(port, host), { bytes: written, clock, caughtUp }), written, reads)
  return problem === '' ? null : { verdict: 'through', problem }
}
