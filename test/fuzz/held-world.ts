/**
 * A desk and its corridor with clients, an approver and upstreams that do what a test says, in any order; and what must
 * be true of it after every step. The sockets are left out: all that decides is real.
 */
import { createRecent } from '../../lib/audit/recent.ts'
import { parseAnswer } from '../../lib/config/answers.ts'
import { checkPolicy } from '../../lib/config/check.ts'
import { openDesk } from '../../lib/desk.ts'
import type { OpenDesk } from '../../lib/desk.ts'
import { limitsWith } from '../../lib/limits.ts'
import type { Allow } from '../../lib/model/decision.ts'
import type { Arrival, Outcome, Refusal } from '../../lib/model/flow.ts'
import type { Answer, Held, Pending } from '../../lib/model/hold.ts'
import type { PolicyDocument } from '../../lib/model/policy.ts'
import type { RequestFacts } from '../../lib/model/request.ts'
import { handle } from '../../lib/pipeline.ts'
import type { Ending, Rooms } from '../../lib/pipeline.ts'
import { fakeClock } from '../helpers/fake-clock.ts'
import { naiveReading, naiveRuling } from './naive-policy.ts'

export const LIMITS = limitsWith({ holdMs: 10_000, rememberMs: 30_000, waiters: 12, waitersPerClient: 4, questionsPerHost: 5 })

/** One client request. */
interface Client {
  readonly facts: RequestFacts
  readonly since: number
  isGone: boolean
  leave: () => void
  refused: Refusal | null
  allowed: Allow | null
  closings: number
  isOver: boolean
}

/** What the approver said of a question, whatever became of it. */
interface Said {
  readonly held: Held
  readonly answer: Answer
  readonly wall: number
  readonly elapsed: number
  readonly uses: Use[]
}

/** One request let through: whether an answer opens the way for it. */
type Use = (said: Said) => boolean

interface Circumstances { readonly policy: PolicyDocument, readonly wall: number, readonly elapsed: number }

/** Allowed in this step, and what was true then. */
interface Let extends Circumstances { readonly client: Client, readonly allow: Allow, readonly wasGone: boolean }

export interface World {
  arrive(facts: RequestFacts): void
  leave(which: number): void
  /** By the library, or by the door that was asked. */
  answer(which: number, by: 'library' | 'door', make: (held: Held) => unknown): void
  failDoor(which: number): void
  reload(policy: unknown): void
  advance(ms: number): void
  jump(ms: number): void
  toggleStanding(): void
  close(): void
  /** Lets all happen that is to happen. @returns what is wrong, or null */
  settle(): Promise<string | null>
  /** After the last step. */
  finish(): Promise<string | null>
}

export function createWorld(first: unknown, hasDoor: boolean): World {
  const clock = fakeClock()
  const loaded = checkPolicy(first, { now: clock.now() })
  if (loaded.kind === 'invalid') throw new Error(loaded.problems[0]!.problem)
  let ids = 0
  let isStanding = true
  let isClosed = false
  const clients: Client[] = []
  const said: Said[] = []
  let letThrough: Let[] = []
  let looking: (() => void)[] = []
  /** What was true when a request was judged last. */
  const judged = new Map<object, Circumstances>()
  const asked = new Map<string, { resolve(value: unknown): void, reject(error: unknown): void, readonly held: Held }>()
  const desk: OpenDesk = openDesk({
    clock, limits: LIMITS, policy: loaded, flows: createRecent(10), log: null, newId: () => `i${++ids}`, hasStandingDoor: () => isStanding, isKnown: client => client === 'known',
    doors: hasDoor ? [{ name: 'door', ask: held => new Promise((resolve, reject) => { if (isRequest(held)) asked.set(held.id, { resolve: resolve as (value: unknown) => void, reject, held }) }) }] : [],
  })
  const rooms: Rooms = {
    decide(facts, once) {
      judged.set(facts, { policy: desk.inForce.loaded.document, wall: clock.now(), elapsed: clock.elapsed() })
      return desk.decide(facts, once)
    },
    take: desk.take, closed: () => isClosed ? 'shutting_down' : null, hold: desk.hold, holdMs: LIMITS.holdMs, elapsed: () => clock.elapsed(), keepAlive: () => () => {},
    // Looked up for some, as for clients on loopback; it takes a while.
    bodyShown: () => null,
    asker: arrival => Number(arrival.flow) % 3 === 0 ? new Promise(resolve => { looking.push(() => resolve(null)) }) : null,
    serve: () => null, mayAsk: false,
    async forward(allow, arrival): Promise<Outcome> {
      const client = clients[Number(arrival.flow)]!
      client.allowed = allow
      letThrough.push({ client, allow, wasGone: client.isGone, ...judged.get(allow.permit.facts)! })
      return { kind: 'done', address: null, status: 200, bytesUp: 0, bytesDown: 0, error: null }
    },
    record: arrival => ({ held() {}, answered() {}, ruled() {}, closed(_: Ending) { clients[Number(arrival.flow)]!.closings++ } }),
  }

  function arrive(facts: RequestFacts): void {
    const client: Client = { facts, since: clock.elapsed(), isGone: false, leave: () => {}, refused: null, allowed: null, closings: 0, isOver: false }
    const flow = String(clients.push(client) - 1)
    const window = {
      kind: 'request', get isGone() { return client.isGone }, onGone: (call: () => void) => { if (client.isGone) call(); client.leave = call; return () => { client.leave = () => {} } },
      refuse: (refusal: Refusal) => { client.refused = refusal }, cut() {},
    }
    const end = handle({ flow, facts: { kind: 'facts', facts }, window } as unknown as Arrival, rooms)
    if (end === undefined) client.isOver = true
    else void end.then(() => { client.isOver = true })
  }

  function say(held: Held, answer: unknown): void {
    const parsed = parseAnswer(answer)
    const one: Said = { held, answer: parsed.kind === 'answer' ? parsed.answer : { verdict: 'pass' }, wall: clock.now(), elapsed: clock.elapsed(), uses: [] }
    said.push(one)
  }

  /** @returns why this one should not have been let through */
  function wrongWith({ client, allow, policy, wall, elapsed, wasGone }: Let): string | null {
    if (wasGone) return 'for a client that had left'
    if (client.refused !== null) return 'and was refused too'
    if (allow.permit.facts !== client.facts) return 'by a permit for another request'
    if (naiveRuling(policy, client.facts, wall) === 'allow') return null
    const rulingOf = (path: string): string => naiveReading(policy, { ...client.facts, readings: [path] }, wall)
    // A grant outranks the absence of a rule, and no rule that denies.
    if (client.facts.readings.some(path => rulingOf(path) === 'deny')) return 'although a rule in force denies it'
    const asked = client.facts.readings.filter(path => rulingOf(path) === 'hold' || (rulingOf(path) === 'unmatched' && policy.unmatched !== 'observe'))
    const useFor = (readings: readonly string[]): Use => one => covers(one, { ...client.facts, readings }, allow, wall, elapsed)
      && (allow.isOnce || readings.every(path => (one.held.answers !== null) === (rulingOf(path) === 'hold')))
    // An answer for once is for the whole request; rules may have been granted for each reading by itself.
    const isCovered = place(useFor(asked), new Set()) || (!allow.isOnce && asked.every(path => place(useFor([path]), new Set())))
    return isCovered ? null : `by ${allow.grant}, and no answer that holds now gave that`
  }

  /** Which of several answers opened the way is not told: it is enough that each could have its uses. */
  function place(use: Use, tried: Set<Said>): boolean {
    for (const one of said) {
      if (tried.has(one) || !use(one)) continue
      tried.add(one)
      const at = one.uses.length < mostUses(one) ? one.uses.length : one.uses.findIndex(other => place(other, tried))
      if (at === -1) continue
      one.uses[at] = use
      return true
    }
    return false
  }

  async function settle(): Promise<string | null> {
    await new Promise(resolve => setImmediate(resolve))
    for (const found of looking) found()
    looking = []
    await new Promise(resolve => setImmediate(resolve))
    // What was to end at this moment, and was only asked about in it.
    clock.advance(0)
    await new Promise(resolve => setImmediate(resolve))
    const wrong = letThrough.map(one => [one, wrongWith(one)] as const).find(([, wrong]) => wrong !== null)
    letThrough = []
    if (wrong !== undefined) return `${wrong[0].client.facts.method} ${wrong[0].client.facts.target} was let through ${wrong[1]}`
    const open = clients.filter(({ isOver }) => !isOver)
    if (desk.queue.waiting !== open.length) return `${desk.queue.waiting} wait, and ${open.length} are not over`
    if (open.some(({ since }) => clock.elapsed() - since >= LIMITS.holdMs)) return 'a hold outlived its deadline'
    if (open.some(({ isGone }) => isGone)) return 'a client that left is waited for'
    if (clients.some(({ closings, isOver }) => closings !== (isOver ? 1 : 0))) return 'a flow has not one end'
    const shown = desk.pending()
    if (shown.reduce((sum, { waiting }) => sum + waiting, 0) !== open.length) return 'the approver is shown another number of waiters'
    return null
  }

  return {
    arrive, settle,
    leave(which) {
      const waiting = clients.filter(({ isOver }) => !isOver)
      const client = waiting[which % waiting.length]
      if (client === undefined) return
      client.isGone = true
      client.leave()
    },
    answer(which, by, make) {
      const open = by === 'door' ? [...asked.values()].map(({ held }) => held) : desk.pending().filter(isRequest)
      const held = open[which % open.length]
      if (held === undefined) return
      const answer = make(held)
      say(held, answer)
      if (by === 'door') asked.get(held.id)!.resolve(answer)
      else void desk.answer(held.id, answer as never, 'library')
    },
    failDoor(which) {
      const one = [...asked.values()][which % asked.size]
      one?.reject(new Error('the door fell off'))
    },
    reload: policy => { desk.reload(policy as PolicyDocument).catch(() => {}) },
    advance: clock.advance,
    jump: clock.jump,
    toggleStanding() { isStanding = !isStanding },
    close() {
      isClosed = true
      desk.close()
    },
    async finish() {
      const before = await settle()
      if (before !== null) return before
      isClosed = true
      desk.close()
      const after = await settle()
      if (after !== null) return after
      if (clients.some(({ isOver }) => !isOver)) return 'somebody still waits after the end'
      if (desk.queue.waiting !== 0 || desk.queue.questions !== 0) return 'a question is left'
      return clock.pending === 0 ? null : `${clock.pending} timers are left`
    },
  }
}

const isRequest = (pending: Pending): pending is Held => pending.kind !== 'task'

function mostUses({ answer }: Said): number {
  return answer.verdict === 'approve' && answer.grant !== 'once' && 'rule' in answer.grant ? answer.grant.maxUses ?? Infinity : Infinity
}

/** Whether an answer covers a request, by what it says and by what was shown. */
function covers({ held, answer, wall: saidAt, elapsed: saidElapsed, uses }: Said, facts: RequestFacts, allow: Allow, wall: number, elapsed: number): boolean {
  if (answer.verdict !== 'approve') return false
  if (answer.grant === 'once') {
    const isTwin = held.target === facts.target && held.method === facts.method && held.host === facts.host && held.client === facts.client && held.contentLength === facts.contentLength
    // To all who wait for it at that moment; or, where nobody does, to the first who comes back in time.
    return allow.isOnce && held.answers === allow.rule && isTwin && (elapsed === saidElapsed || (uses.length === 0 && elapsed - saidElapsed < LIMITS.rememberMs))
  }
  if (!('rule' in answer.grant)) return false
  const { rule, ttlMs = Infinity } = answer.grant
  return !allow.isOnce && elapsed - saidElapsed < ttlMs && wall < saidAt + ttlMs
    && naiveRuling({ version: 1, rules: [{ ...rule, id: 'g', action: 'allow' }] }, facts, wall) === 'allow'
}

