/** The corpus, read from beside this code. A case is data: who would add one needs no TypeScript (docs/conformance.md). */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../config/package-root.ts'

/** One sound outcome. `any` is an answer that does not matter, `forwarded` the origin's 200, `closed` none. */
export interface Expectation {
  readonly status: number | 'forwarded' | 'closed' | 'any'
  /** Statuses of the responses behind the first. */
  readonly then?: readonly (number | 'forwarded')[]
  /** Complete requests that reach the origin, which no proxy may exceed. */
  readonly upstreamRequests: number
  readonly upstream?: {
    readonly targets?: readonly string[]
    readonly bodies?: readonly string[]
    readonly headers?: Readonly<Record<string, string>>
    readonly absent?: readonly string[]
  }
}

export interface Case {
  readonly id: string
  readonly family: string
  /** What the attacker tries. */
  readonly why: string
  /** In a tunnel, `connect` is asked for first and the bytes are written inside of TLS. */
  readonly via: 'absolute-form' | 'tunnel'
  readonly connect?: string
  /** The name in the ClientHello; that of `connect` when absent. */
  readonly sni?: string
  /** Each character is one byte. */
  readonly bytes: string | readonly (string | { readonly repeat: string, readonly times: number })[]
  readonly expect: Expectation | { readonly anyOf: readonly Expectation[] }
}

/** @returns every case, in the order of the files' names */
export function readCases(): Case[] {
  const folder = join(packageRoot(), 'lib', 'conformance', 'cases')
  return readdirSync(folder).filter(name => name.endsWith('.json')).sort().flatMap(name => {
    const { family, cases } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { family: string, cases: Omit<Case, 'family'>[] }
    return cases.map(one => ({ ...one, family }))
  })
}

export const bytesOf = ({ bytes }: Case): string => typeof bytes === 'string' ? bytes : bytes.map(part => typeof part === 'string' ? part : part.repeat.repeat(part.times)).join('')
