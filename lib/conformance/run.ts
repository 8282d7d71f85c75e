/**
 * `sallyport conformance`: every case of the corpus against a proxy, as a black box, with origins of our own on
 * loopback. Cases run side by side, each in a lane of its own; nothing leaves the machine.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../model/clock.ts'
import { canonicalHost } from '../normalize/host.ts'
import { createContexts } from '../tls/contexts.ts'
import type { Store } from '../tls/store.ts'
import { attack, catchUp, isAlive, servesSecurely } from './attack.ts'
import type { Address } from './attack.ts'
import { readCases } from './cases.ts'
import type { Case } from './cases.ts'
import { audited, clientOf, counted } from './books.ts'
import type { Done } from './books.ts'
import { startCommand } from './command.ts'
import { judge } from './judge.ts'
import type { Verdict } from './judge.ts'
import { inLane, openLane, reachedBy } from './lanes.ts'
import type { Lane, Reached } from './lanes.ts'
import { startOurselves } from './ourselves.ts'
import type { StartOptions, Started } from './ourselves.ts'
import { openResolver } from './resolver.ts'
import { LANES, prepare } from './setup.ts'
import type { Setup } from './setup.ts'
import { lacking, stirs, take } from './steps/step.ts'
import type { Doors } from './steps/step.ts'

/** `ca` is a PEM file of the roots that the proxy signs with; read once it listens. Without, any certificate of it will do. */
export type Subject =
  /** `program` is how we are called. */
  | { readonly kind: 'ourselves', readonly program: readonly [string, ...string[]] }
  /** Runs already, told what `Setup` says. */
  | { readonly kind: 'proxy', readonly address: Address, readonly ca?: string }
  /** Is started, and ended, by us. */
  | { readonly kind: 'command', readonly command: string, readonly ca?: string }

export interface ConformanceOptions {
  readonly subject: Subject
  /** Ids of cases; all when empty. */
  readonly only: readonly string[]
  readonly clock: Clock
  /** Folder of the setup, that of `describeSetup`. Default: one that is removed at the end. */
  readonly setupDir?: string
  readonly onSetup?: (setup: Setup) => Promise<void> | void
  readonly onProgress?: (done: number, all: number) => void
}

export interface CaseResult {
  readonly id: string
  readonly family: string
  readonly why: string
  readonly verdict: Verdict
  /** Empty when the line was held. */
  readonly problem: string
  /** Each request as an origin read it, where the line was not held: the evidence. */
  readonly reached?: readonly Reached[]
}

/** No case waits for anything longer. */
const CASE_MS = 60_000

/** What a proxy must be told, written into `dir` for it. @throws OperatorError when it cannot be written */
export const describeSetup = async (dir: string, clock: Clock): Promise<Setup> => (await prepare(dir, clock)).setup

/** @throws when ports 80 and 443 of loopback may not be bound, or the proxy does not serve plain requests at the start */
export async function runConformance({ subject, only, clock, setupDir, onSetup, onProgress }: ConformanceOptions): Promise<readonly CaseResult[]> {
  const cases = readCases().filter(({ id }) => only.length === 0 || only.includes(id))
  const dir = await mkdtemp(join(tmpdir(), 'sallyport-conformance-'))
  const closers: (() => unknown)[] = [() => rm(dir, { recursive: true, force: true })]
  try {
    const { setup, store } = await prepare(setupDir ?? dir, clock)
    const contextFor = originContexts(store, clock)
    const lanes: Lane[] = []
    for (const names of setup.lanes.slice(0, cases.length)) {
      const lane = await openLane(names, contextFor)
      closers.unshift(lane.close)
      lanes.push(lane)
    }
    await onSetup?.(setup)
    const resolver = subject.kind === 'ourselves' ? await openResolver(setup.net.replace(/0\/24$/, '')) : null
    if (resolver !== null) closers.unshift(resolver.close)
    const started = await start(subject, { dir, lanes, cases, originCa: setup.originCa, resolver, clock }, setup)
    closers.unshift(started.close)
    const { proxy, doors, audit } = started
    for (const { allowed } of lanes) if (await isAlive(proxy, allowed, clock) !== 'alive') throw new Error(`the proxy does not serve http://${allowed}/, so nothing could be said of it`)
    const noTls = lanes[0] === undefined ? null : await whyNoTls(proxy, lanes[0], subject, setup, clock)
    const deeds = new Map<string, Done>()
    const results = await runAll({ cases, lanes, proxy, doors, clock, noTls, deeds, onProgress: onProgress ?? (() => {}) })
    return audit === null ? results : withRecords(results, deeds, await audited(audit, [...deeds.values()], clock))
  } finally {
    for (const close of closers) await close()
  }
}

async function start(subject: Subject, options: Omit<StartOptions, 'program'>, setup: Setup): Promise<Started & { readonly doors: Doors | null, readonly audit: string | null }> {
  if (subject.kind === 'ourselves') return startOurselves({ ...options, program: subject.program })
  if (subject.kind === 'command') return { ...await startCommand(subject.command, setup, options.clock), doors: null, audit: null }
  return { proxy: subject.address, doors: null, audit: null, close() {} }
}

/** @throws when the proxy's certificates are not what we were told, or it is ourselves that serve none */
async function whyNoTls(proxy: Address, { allowed }: Lane, subject: Subject, { originCa }: Setup, clock: Clock): Promise<string | null> {
  const ca = subject.kind === 'ourselves' ? undefined : subject.ca
  // One that only relays shows the origin's own.
  const roots = ca === undefined ? undefined : `${await readFile(ca, 'utf8')}\n${await readFile(originCa, 'utf8')}`
  const problem = await servesSecurely(proxy, allowed, roots, clock)
  if (problem === null) return null
  if (subject.kind === 'ourselves' || ca !== undefined) throw new Error(`the proxy does not serve https://${allowed}/ (${problem}), so nothing could be said of it`)
  return `https://${allowed}/ is not served: ${problem}`
}

function originContexts(store: Store, clock: Clock): Parameters<typeof openLane>[1] {
  const contexts = createContexts(store, { clock, max: 3 * LANES })
  return name => {
    const host = canonicalHost(name)
    if (host.kind === 'refused') throw new Error(`${name} is no name of a lane`)
    return contexts.contextFor(host.host, host.hostKind)
  }
}

interface Run {
  readonly cases: readonly Case[]
  readonly lanes: readonly Lane[]
  readonly proxy: Address
  readonly clock: Clock
  /** Why no case that needs TLS can be tried; null: they can. */
  readonly noTls: string | null
  /** Null: somebody else's, which is not asked to answer as we do. */
  readonly doors: Doors | null
  /** By the id of the case; of ourselves alone, since nobody else has our log. */
  readonly deeds: Map<string, Done>
  readonly onProgress: (done: number, all: number) => void
}

async function runAll(run: Run): Promise<CaseResult[]> {
  const { cases, lanes, clock, onProgress } = run
  const results: CaseResult[] = []
  const work = async (queue: Case[], lane: Lane): Promise<void> => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      const late = new Promise<Pick<CaseResult, 'verdict' | 'problem'>>(resolve => { clock.after(CASE_MS, () => resolve({ verdict: 'hung', problem: `it did not end within ${CASE_MS / 1_000} s` })) })
      results.push({ id: one.id, family: one.family, why: one.why, ...await Promise.race([runOne(one, lane, run), late]) })
      onProgress(results.length, cases.length)
    }
  }
  const stirring = cases.filter(one => one.via === 'steps' && stirs(one.steps))
  const calm = cases.filter(one => !stirring.includes(one))
  await Promise.all(lanes.map(lane => work(calm, lane)))
  if (lanes[0] !== undefined) await work(stirring, lanes[0])
  return results.sort((a, b) => a.family === b.family ? a.id.localeCompare(b.id) : a.family.localeCompare(b.family))
}

async function runOne(one: Case, lane: Lane, { proxy: front, doors, clock, noTls, deeds }: Run): Promise<Pick<CaseResult, 'verdict' | 'problem' | 'reached'>> {
  const missing = whyInapplicable(one, doors, noTls)
  if (missing !== null) return { verdict: 'inapplicable', problem: missing }
  const done: Done = { client: clientOf(deeds.size), connections: [], reached: null }
  const proxy = doors === null ? front : counted(front, done)
  if (doors !== null) deeds.set(one.id, done)
  lane.seen.length = 0
  const here = inLane(one, lane, doors === null ? {} : portsOf(doors, proxy))
  lane.misbehaves = here.origin ?? null
  for (const [name, plan] of Object.entries(here.leads ?? {})) doors?.resolver?.lead(name, plan)
  const caughtUp = (): Promise<void> => catchUp(front, lane.allowed, clock)
  const outcome = here.via === 'steps' ? await take(here.steps, { proxy, lane, doors, clock, caughtUp }) : null
  const answer = here.via === 'steps' ? '' : await attack(proxy, here, clock, { caughtUp })
  lane.misbehaves = null
  const life = await isAlive(front, lane.allowed, clock)
  if (life !== 'alive') return { verdict: life, problem: 'a plain request is not served afterwards' }
  // Looked at only now: what a busy proxy sends late is still this case's.
  const seen = lane.seen.filter(({ url }) => url !== '/alive')
  done.reached = goesInside(one) ? null : seen.length
  const judged = judge(here, answer, seen, doors !== null)
  if (judged.verdict === 'through') return { ...judged, reached: seen.map(reachedBy) }
  return outcome ?? (judged.verdict === 'held' ? misasked(here, doors) : null) ?? judged
}

/** A question is a way out by itself: none before a ruling, and one for each connection. */
function misasked({ expect }: Case, doors: Doors | null): Pick<CaseResult, 'verdict' | 'problem'> | null {
  const { lookups = {} } = 'anyOf' in expect ? {} : expect
  for (const [name, times] of Object.entries(lookups)) {
    const asked = doors?.resolver?.lookups(name) ?? times
    if (asked !== times) return { verdict: asked > times ? 'through' : 'otherwise', problem: `the resolver was asked ${asked} times for ${name}, not ${times}` }
  }
  return null
}

/** A line that was held without its record is none that anybody could look up. */
const withRecords = (results: readonly CaseResult[], deeds: ReadonlyMap<string, Done>, problems: ReadonlyMap<string, string>): CaseResult[] => results.map(one => {
  const problem = problems.get(deeds.get(one.id)?.client ?? '')
  return problem === undefined || one.verdict !== 'held' ? one : { ...one, verdict: 'otherwise', problem }
})

const goesInside = (one: Case): boolean => one.via === 'steps' && one.steps.some(({ kind }) => kind === 'inside')

function whyInapplicable(one: Case, doors: Doors | null, noTls: string | null): string | null {
  if (one.leads !== undefined && (doors?.resolver ?? null) === null) return 'it cannot be made to ask a resolver of ours'
  if (doors === null && one.ours !== undefined) return one.ours
  if (doors === null && one.names !== undefined) return 'its names lead to where no origin of ours can be'
  if (one.via !== 'steps') return one.via === 'tunnel' ? noTls : null
  return lacking(one.steps, { doors }) ?? (noTls !== null && one.steps.some(step => step.kind === 'tls' || step.kind === 'hello' || (step.kind === 'send' && step.via === 'tunnel')) ? noTls : null)
}

/** For cases that name our own doors. */
const portsOf = ({ dns, transparent, console, control, files }: Doors, proxy: Address): Readonly<Record<string, string>> => ({
  proxyPort: String(proxy.port), dnsPort: String(dns.port), transparentPort: String(transparent.port), consolePort: String(console.port), control, ...files,
})
