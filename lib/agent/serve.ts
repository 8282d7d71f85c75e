/**
 * `http://sallyport.internal/`: what the firewall itself tells whoever is inside, and takes from it.
 *
 * The promise: it can be asked, and nothing here answers a question, changes a rule or shows what another client asked.
 * Everything is bounded: calls by time, bodies by size, open requests and waits by number.
 */
import type { Clock } from '../model/clock.ts'
import type { Exchange, Outcome } from '../model/flow.ts'
import type { AskedRule } from '../model/hold.ts'
import type { RequestFacts } from '../model/request.ts'
import type { Allowed } from './allowed.ts'
import { readJson } from './body.ts'
import type { Denial } from './denials.ts'
import { createRate } from './rate.ts'
import { failure } from './replies.ts'
import type { Reply } from './replies.ts'
import { renderTask } from './task.ts'
import type { TaskState } from './task.ts'

export interface AgentOptions {
  readonly clock: Clock
  allowed(): Allowed
  denials(client: string): readonly Denial[]
  /** Parses what a client sent, and asks. */
  ask(client: string, flow: string, value: unknown): Asked
  look(client: string, id: string): TaskState | null
  wait(client: string, id: string, ms: number): { readonly ended: Promise<TaskState>, leave(): void } | null
}

export type Asked =
  | { readonly kind: 'asked' | 'known', readonly task: TaskState, readonly rules: readonly Pick<AskedRule, 'rule' | 'says'>[] }
  | { readonly kind: 'refused', readonly problems: readonly string[] }
  /** The policy denies it, and lets nobody ask. */
  | { readonly kind: 'closed' }
  /** Too many are open. */
  | { readonly kind: 'full' }

export interface Served {
  readonly outcome: Outcome
  /** One sentence for the operator's log. */
  readonly says: string
}

export type ServeAgent = (flow: string, facts: RequestFacts, window: Exchange) => Promise<Served>

/** A call costs one token, a request for access six: ten at once, then one every six seconds. */
const RATE = { burst: 60, perSecond: 1, clients: 1_000 }
const ASKING_COSTS = 6
/** Waits of one client at once. */
const MAX_WAITS = 20
const MAX_WAIT_S = 60

export function createAgentApi(options: AgentOptions): ServeAgent {
  const { clock } = options
  const rate = createRate({ clock, ...RATE })
  const waits = new Map<string, number>()

  async function route(flow: string, facts: RequestFacts, window: Exchange): Promise<{ readonly reply: Reply | 'gone' | 'closing', readonly bytesUp: number }> {
    const { method, path, query, client } = facts
    const of = (reply: Reply | 'gone' | 'closing', bytesUp = 0) => ({ reply, bytesUp })
    const place = placeOf(path)
    const late = rate.take(client, place?.kind === 'requests' && method === 'POST' ? ASKING_COSTS : 1)
    if (late !== null) return of(failure('too_many_calls', 'You call too often.', { fields: ['Retry-After', String(Math.ceil(late / 1_000))] }))
    if (place === null) return of(failure('not_found', 'There is nothing at this path.'))
    const allow = place.kind === 'requests' ? 'POST' : 'GET'
    if (method !== allow) return of(failure('method_not_allowed', `Only ${allow} is served at this path.`, { fields: ['Allow', allow] }))
    if (query !== null && place.kind !== 'request') return of(failure('bad_request', 'This path takes no query.'))
    switch (place.kind) {
      case 'policy': return of({ status: 200, body: options.allowed(), says: 'said what is allowed' })
      case 'denials': return of({ status: 200, body: { denials: options.denials(client) }, says: 'said what it was refused' })
      case 'requests': {
        const body = await readJson(window, facts, clock)
        return of(body.kind === 'gone' ? 'gone' : body.kind === 'refused' ? failure(body.code, body.problem) : ask(client, flow, body.value), body.bytes)
      }
      case 'request': return of(await follow(client, place.id, query, window))
      default: return place satisfies never
    }
  }

  function ask(client: string, flow: string, value: unknown): Reply {
    const asked = options.ask(client, flow, value)
    switch (asked.kind) {
      case 'refused': return failure('rules_refused', 'This cannot be asked for.', { problems: asked.problems })
      case 'closed': return failure('cannot_be_asked', 'The policy denies what no rule matches, and nobody is asked about it.')
      case 'full': return failure('too_many_open', 'Too many of your requests are open.', { fields: ['Retry-After', '60'] })
      case 'asked': case 'known': {
        const { task, rules } = asked
        const isNew = asked.kind === 'asked'
        return {
          status: isNew ? 201 : 200,
          fields: ['Location', `/v1/requests/${task.id}`],
          body: { ...renderTask(task), asked: rules },
          says: `${isNew ? 'asked' : 'asked again'} beforehand: question ${task.id}, ${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}`,
        }
      }
      default: return asked satisfies never
    }
  }

  async function follow(client: string, id: string, query: string | null, window: Exchange): Promise<Reply | 'gone' | 'closing'> {
    const seconds = secondsIn(query)
    if (seconds === null) return failure('bad_request', `The query is wait=N, with N from 0 to ${MAX_WAIT_S} seconds.`)
    const task = seconds === 0 ? options.look(client, id) : await waitFor(client, id, seconds, window)
    if (task === 'full') return failure('too_many_calls', `You wait ${MAX_WAITS} times already.`, { fields: ['Retry-After', '60'] })
    if (task === null) return failure('not_found', 'You have no request of this id.')
    if (task.state === 'shutdown') return 'closing'
    return window.isGone ? 'gone' : { status: 200, body: renderTask(task), says: `looked at question ${task.id}: ${task.state}` }
  }

  async function waitFor(client: string, id: string, seconds: number, window: Exchange): Promise<TaskState | null | 'full'> {
    const waiting = waits.get(client) ?? 0
    if (waiting >= MAX_WAITS) return 'full'
    const wait = options.wait(client, id, seconds * 1_000)
    if (wait === null) return null
    waits.set(client, waiting + 1)
    const stopWatching = window.onGone(() => wait.leave())
    const task = await wait.ended
    stopWatching()
    const left = (waits.get(client) ?? 1) - 1
    if (left > 0) waits.set(client, left)
    else waits.delete(client)
    return task
  }

  return async (flow, facts, window) => {
    const { reply, bytesUp } = await route(flow, facts, window)
    if (reply === 'closing') return { outcome: { kind: 'refused', code: 'shutting_down', reason: 'the firewall is shutting down', address: null, bytesUp }, says: 'the firewall is shutting down' }
    const done = { kind: 'done', address: null, bytesUp } as const
    if (reply === 'gone' || window.isGone) return { outcome: { ...done, status: null, bytesDown: 0, error: 'client_left' }, says: 'the client left before its answer' }
    return { outcome: { ...done, status: reply.status, bytesDown: send(window, flow, reply), error: null }, says: reply.says }
  }
}

type Place = { readonly kind: 'policy' | 'denials' | 'requests' } | { readonly kind: 'request', readonly id: string }

function placeOf(path: string): Place | null {
  switch (path) {
    case '/v1/policy': return { kind: 'policy' }
    case '/v1/denials': return { kind: 'denials' }
    case '/v1/requests': return { kind: 'requests' }
  }
  const id = /^\/v1\/requests\/(\w[\w.~-]{0,127})$/.exec(path)?.[1]
  return id === undefined ? null : { kind: 'request', id }
}

/** @returns null for what is no `wait`; more than the most is the most */
function secondsIn(query: string | null): number | null {
  if (query === null) return 0
  const digits = /^wait=(\d{1,4})$/.exec(query)?.[1]
  return digits === undefined ? null : Math.min(Number(digits), MAX_WAIT_S)
}

/** @returns bytes of the body */
function send(window: Exchange, flow: string, { status, body, fields = [] }: Reply): number {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`)
  window.begin(status, ['Content-Type', 'application/json', 'Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff', 'Sallyport-Flow', flow, ...fields], bytes.length)
  window.write(bytes)
  window.end([])
  return bytes.length
}
