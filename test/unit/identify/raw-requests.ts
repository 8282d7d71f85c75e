/** The vectors of raw requests, as bytes. */
import { readFileSync } from 'node:fs'

export interface Outcome {
  /** `any`: what `upstreamRequests` says has to arrive, whatever the upstream then answers. */
  readonly status: number | 'forwarded' | 'closed' | 'any'
  readonly upstreamRequests?: number
  readonly then?: readonly (number | 'forwarded')[]
}

export interface RawCase {
  readonly id: string
  readonly why: string
  readonly via: 'absolute-form' | 'tunnel'
  readonly connect?: string
  readonly sni?: string
  readonly bytes: Buffer
  /** All that are sound. */
  readonly outcomes: readonly Outcome[]
}

type Written = string | { readonly repeat: string, readonly times: number }

interface WrittenCase extends Omit<RawCase, 'bytes' | 'outcomes'> {
  readonly bytes: string | readonly Written[]
  readonly expect: Outcome | { readonly anyOf: readonly Outcome[] }
}

const file = new URL('../../../lib/conformance/cases/framing.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly WrittenCase[] }

export const rawCases: readonly RawCase[] = cases.map(({ bytes, expect, ...rest }) => {
  const text = [bytes].flat().map(part => typeof part === 'string' ? part : part.repeat.repeat(part.times)).join('')
  return { ...rest, bytes: Buffer.from(text, 'latin1'), outcomes: 'anyOf' in expect ? expect.anyOf : [expect] }
})
