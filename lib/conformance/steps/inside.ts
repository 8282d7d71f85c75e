/** Something done inside of a sandbox, with nothing told of any proxy. */
import { misread } from '../answers.ts'
import type { Reads } from '../answers.ts'
import type { Inside } from '../inside.ts'
import type { Deed } from '../relay.ts'
import type { Outcome } from './step.ts'

export interface GoInside {
  readonly kind: 'inside'
  readonly deed: Deed
  /** `nothing`: whatever comes back is the attacker's gain; `failure`: it must not go well; `success`: it must. */
  readonly gets?: 'nothing' | 'failure' | 'success'
  readonly reads?: Reads
}

export async function goInside({ deed, gets, reads }: GoInside, inside: Inside): Promise<Outcome> {
  const { read, problem } = await inside.act(deed)
  if (gets === 'nothing' && read !== '') return { verdict: 'through', problem: `${JSON.stringify(read.slice(0, 100))} came back` }
  if (gets === 'failure' && problem === '') return { verdict: 'through', problem: `it went well: ${JSON.stringify(read.slice(0, 100))}` }
  if (gets === 'success' && problem !== '') return { verdict: 'otherwise', problem: `it failed: ${problem} ${read.slice(0, 100)}` }
  const wrong = reads === undefined ? '' : misread(read, '', reads)
  return wrong === '' ? null : { verdict: 'otherwise', problem: `${wrong} (${problem || 'no failure'})` }
}
