/**
 * `sallyport conformance`: every case of the corpus against a proxy, as a black box, with origins of our own on
 * loopback. Cases run side by side, each in a lane of its own; nothing leaves the machine.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../model/clock.ts'
import { canonicalHost } from '../normalize/host.ts'
import { createContexts } from '../tls/contexts.ts'
import { openStore } from '../tls/store.ts'
import { attack, isAlive } from './attack.ts'
import type { Address } from './attack.ts'
import { readCases } from './cases.ts'
import type { Case } from './cases.ts'
import { judge } from './judge.ts'
import type { Verdict } from './judge.ts'
import { inLane, openLane } from './lanes.ts'
import type { Lane } from './lanes.ts'
import { startOurselves } from './ourselves.ts'

export interface ConformanceOptions {
  /** `program` is how we are called; `proxy` runs already and is set up as `describeSetup` says. */
  readonly subject: { readonly kind: 'ourselves', readonly program: readonly [string, ...string[]] } | { readonly kind: 'proxy', readonly address: Address }
  /** Ids of cases; all when empty. */
  readonly only: readonly string[]
  readonly clock: Clock
  readonly onSetup?: (setup: Setup) => Promise<void> | void
  readonly onProgress?: (done: number, all: number) => void
}

/** What a proxy that somebody else runs must be told. */
export interface Setup {
  /** PEM file of the roots that the origins are signed by. */
  readonly originCa: string
  readonly lanes: readonly Pick<Lane, 'allowed' | 'denied' | 'inside' | 'address'>[]
}

export interface CaseResult {
  readonly id: string
  readonly family: string
  readonly why: string
  readonly verdict: Verdict
  /** Empty when the line was held. */
  readonly problem: string
}

const LANES = 24

/** @throws when ports 80 and 443 of loopback may not be bound, or the proxy does not serve a plain request at the start */
export async function runConformance({ subject, only, clock, onSetup, onProgress }: ConformanceOptions): Promise<readonly CaseResult[]> {
  const cases = readCases().filter(({ id }) => only.length === 0 || only.includes(id))
  const dir = await mkdtemp(join(tmpdir(), 'sallyport-conformance-'))
  const closers: (() => unknown)[] = [() => rm(dir, { recursive: true, force: true })]
  try {
    const store = await openStore(join(dir, 'origin'), { clock })
    const contexts = createContexts(store, { clock, max: LANES })
    const contextFor = (name: string): ReturnType<typeof contexts.contextFor> => {
      const host = canonicalHost(name)
      if (host.kind === 'refused') throw new Error(`${name} is no name of a lane`)
      return contexts.contextFor(host.host, host.hostKind)
    }
    const lanes: Lane[] = []
    for (let number = 1; number <= Math.min(LANES, cases.length); number++) {
      const lane = await openLane(number, contextFor)
      closers.unshift(lane.close)
      lanes.push(lane)
    }
    await onSetup?.({ originCa: store.certificatePath, lanes })
    let proxy: Address
    if (subject.kind === 'ourselves') {
      const started = await startOurselves(subject.program, dir, lanes, store.certificatePath)
      closers.unshift(started.close)
      proxy = started.proxy
    } else proxy = subject.address
    for (const { allowed } of lanes) if (await isAlive(proxy, allowed, clock) !== 'alive') throw new Error(`the proxy does not serve http://${allowed}/, so nothing could be said of it`)
    return await runAll({ cases, lanes, proxy, clock, strict: subject.kind === 'ourselves', onProgress: onProgress ?? (() => {}) })
  } finally {
    for (const close of closers) await close()
  }
}

interface Run {
  readonly cases: readonly Case[]
  readonly lanes: readonly Lane[]
  readonly proxy: Address
  readonly clock: Clock
  readonly strict: boolean
  readonly onProgress: (done: number, all: number) => void
}

async function runAll({ cases, lanes, proxy, clock, strict, onProgress }: Run): Promise<CaseResult[]> {
  const results: CaseResult[] = []
  const queue = [...cases]
  await Promise.all(lanes.map(async lane => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      lane.seen.length = 0
      const here = inLane(one, lane)
      const answer = await attack(proxy, here, clock)
      const life = await isAlive(proxy, lane.allowed, clock)
      // Looked at only now: what a busy proxy sends late is still this case's.
      const judged = judge(here, answer, lane.seen.filter(({ url }) => url !== '/alive'), strict)
      const { verdict, problem } = life === 'alive' ? judged : { verdict: life, problem: 'a plain request is not served afterwards' }
      results.push({ id: one.id, family: one.family, why: one.why, verdict, problem })
      onProgress(results.length, cases.length)
    }
  }))
  return results.sort((a, b) => a.family === b.family ? a.id.localeCompare(b.id) : a.family.localeCompare(b.family))
}
