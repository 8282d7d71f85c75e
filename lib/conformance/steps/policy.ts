/** A policy that somebody wrote wrong, or that was smuggled in: it must be refused, and say why. */
import type { Outcome } from './step.ts'

export interface CheckPolicy {
  readonly kind: 'policy'
  /** A string is the file's text as it stands, anything else is written as JSON. */
  readonly document: unknown
  readonly gets: 'refused' | 'valid'
  /** All of them are in what is said of it. */
  readonly mentions?: readonly string[]
}

export interface Checked { readonly isValid: boolean, readonly says: string }

export type Checker = (text: string) => Promise<Checked>

export const textOf = ({ document }: CheckPolicy): string => typeof document === 'string' ? document : JSON.stringify(document)

export async function checkPolicy(step: CheckPolicy, check: Checker): Promise<Outcome> {
  const { isValid, says } = await check(textOf(step))
  if (isValid !== (step.gets === 'valid')) return { verdict: isValid ? 'through' : 'otherwise', problem: isValid ? 'it would take effect' : says }
  const missing = step.mentions?.find(word => !says.toLowerCase().includes(word.toLowerCase()))
  return missing === undefined ? null : { verdict: 'otherwise', problem: `nothing is said of ${JSON.stringify(missing)}: ${says.slice(0, 300)}` }
}
