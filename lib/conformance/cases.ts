/** The corpus, read from beside this code. A case is data: who would add one needs no TypeScript (docs/conformance.md). */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../config/package-root.ts'
import type { Plan } from './resolver.ts'
import type { Step } from './steps/step.ts'

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
  /** What the client must not read from any proxy. */
  readonly lacks?: readonly string[]
  /** How often a resolver is asked for each name of `leads`. */
  readonly lookups?: Readonly<Record<string, number>>
}

/** What the origin writes in place of its answer, and how it goes on. */
export interface Misbehaviour {
  readonly writes: Bytes
  /** Default: `ends`, the connection. */
  readonly then?: 'ends' | 'resets' | 'stays'
}

/** Each character is one byte. */
export type Bytes = string | readonly (string | { readonly repeat: string, readonly times: number })[]

interface Attempt {
  readonly id: string
  readonly family: string
  /** What the attacker tries. */
  readonly why: string
  /** Why it is asked of ourselves alone: it is no promise that another proxy makes. */
  readonly ours?: string
  /** Names of its own and where they lead, for ourselves alone: `*.shut.test` is allowed, `*.opened.test` with private addresses, `*.asked-shut.test` is asked about. */
  readonly names?: Readonly<Record<string, string>>
  /** Such names that are looked up, at a resolver which answers so. */
  readonly leads?: Readonly<Record<string, Plan>>
  readonly origin?: Misbehaviour
  readonly expect: Expectation | { readonly anyOf: readonly Expectation[] }
}

export interface BytesCase extends Attempt {
  /** In a tunnel, `connect` is asked for first and the bytes are written inside of TLS. */
  readonly via: 'absolute-form' | 'tunnel'
  readonly connect?: string
  /** The name in the ClientHello; that of `connect` when absent. */
  readonly sni?: string
  readonly bytes: Bytes
}

/** Several things one after another, each with what is sound for it; `expect` counts what all of them together may bring to the origin. */
export interface StepsCase extends Attempt {
  readonly via: 'steps'
  readonly steps: readonly Step[]
}

export type Case = BytesCase | StepsCase

/** @returns every case, in the order of the files' names */
export function readCases(): Case[] {
  const folder = join(packageRoot(), 'lib', 'conformance', 'cases')
  return readdirSync(folder).filter(name => name.endsWith('.json')).sort().flatMap(name => {
    const { family, cases } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { family: string, cases: Omit<Case, 'family'>[] }
    return cases.map(one => ({ ...one, family }) as Case)
  })
}

export const bytesOf = ({ bytes }: { readonly bytes: Bytes }): string => typeof bytes === 'string' ? bytes : bytes.map(part => typeof part === 'string' ? part : part.repeat.repeat(part.times)).join('')
