/**
 * The upstream's door: it opens to a permit and to nothing else (I1).
 */
import type { ByteMeter } from '../model/budget.ts'
import type { Clock } from '../model/clock.ts'
import { Permit } from '../model/decision.ts'
import type { Exchange, Handshake, Outcome, Stream } from '../model/flow.ts'
import type { AddressScope, JudgeAddress } from '../model/policy.ts'
import type { RequestFacts, RequestScheme } from '../model/request.ts'
import { createDialler } from './dial.ts'
import type { Dialled, OnLeave } from './dial.ts'
import { attempt } from './http.ts'
import type { Order } from './http.ts'
import { createPool } from './pool.ts'
import type { Entry, Place, Slot } from './pool.ts'
import { createResolve } from './resolve.ts'
import type { Override } from './resolve.ts'
import { relay } from './tunnel.ts'
import { upgrade } from './upgrade.ts'

export interface ForwardOptions {
  readonly clock: Clock
  readonly judge: JudgeAddress
  /** Name → addresses; called only with a permit in hand. Default: the hosts file, then the system's resolver for the absolute name. */
  readonly resolve?: (host: string) => Promise<readonly string[]>
  /** The hosts file (hosts(5)) as it is now, for the default `resolve`. Without it only `localhost` is known beside DNS. */
  readonly hosts?: () => string
  /** curl's --resolve: host, port, addresses. Judged like any other address. */
  readonly overrides: readonly Override[]
  /** An answer sends its client somewhere else. Must not throw. */
  onRedirect?(facts: RequestFacts, location: string): void
  /** PEM roots for upstream TLS. */
  readonly roots: readonly string[]
  readonly limits: {
    readonly connectMs: number
    readonly idleMs: number
    /** Without a byte either way: an exchange, a WebSocket, a tunnel. */
    readonly streamIdleMs: number
    /** Names looked up at the same time. */
    readonly lookups: number
    /** To one upstream; who comes later waits. */
    readonly connectionsPerPool: number
    /** Idle connections in all. */
    readonly connections: number
    /** Interim responses of one exchange. */
    readonly interim: number
  }
}

export interface Forwarder {
  /** `meter`: of the budgets that its bytes count against. */
  exchange(permit: Permit, window: Exchange, context: { readonly generation: number, readonly meter?: ByteMeter | null }): Promise<Outcome>
  /** `signal`: the permit is revoked, the channel is closed at once. */
  upgrade(permit: Permit, window: Handshake, context: { readonly generation: number, readonly meter?: ByteMeter | null, readonly signal: AbortSignal }): Promise<Outcome>
  tunnel(permit: Permit, window: Stream, context: { readonly meter?: ByteMeter | null, readonly signal: AbortSignal }): Promise<Outcome>
  readonly counts: { readonly sockets: number, readonly idle: number }
  /** Breaks everything off. */
  close(): Promise<void>
}

/** One exchange, on whatever connection, and the key of those that may carry it. */
interface Job extends Order { readonly key: string }

export function createForwarder(options: ForwardOptions): Forwarder {
  const { clock, judge, limits } = options
  const bounds = { interim: limits.interim, onRedirect: options.onRedirect }
  const dialler = createDialler({ clock, judge, roots: options.roots, connectMs: limits.connectMs, resolve: createResolve({ ...options, lookups: limits.lookups }) })
  const pool = createPool({ clock, judge, idleMs: limits.idleMs, streamIdleMs: limits.streamIdleMs, perKey: limits.connectionsPerPool, idle: limits.connections })

  function exchange(permit: Permit, window: Exchange, generation: number, meter: ByteMeter | null): Promise<Outcome> {
    const facts = requestOf(demand(permit), 'http', 'https')
    const { scope, maxRequestBytes } = permit.terms
    if (maxRequestBytes !== null && (facts.contentLength ?? 0) > maxRequestBytes) {
      return Promise.resolve({ kind: 'refused', code: 'request_too_large', reason: `${facts.contentLength} bytes were announced, the policy allows ${maxRequestBytes}`, address: null, bytesUp: 0 })
    }
    if (window.isGone) return Promise.resolve(ended('client_left'))
    const job: Job = { permit, meter, facts, window, key: keyOf(facts, generation, scope) }
    const place = pool.take(job.key, scope, false, window)
    // A connection that idles is what most requests find: no promise but the one that is waited for.
    return !(place instanceof Promise) && place.kind === 'entry' ? attemptOn(job, place) : over(job, place)
  }

  function attemptOn(job: Job, entry: Entry): Promise<Outcome> {
    return new Promise(resolve => {
      attempt(job, entry, bounds, result => {
        // Not in this turn, in which undici still has the connection in hand.
        queueMicrotask(() => pool.giveBack(entry))
        resolve(result.kind === 'retry' ? again(job) : result)
      })
    })
  }

  async function over(job: Job, taken: Place | Promise<Place>): Promise<Outcome> {
    const place = await taken
    if (place.kind === 'left') return ended('client_left')
    const entry = place.kind === 'slot' ? await connect(job, place) : place
    return entry.kind === 'entry' ? attemptOn(job, entry) : undialled(entry)
  }

  /** The connection had died while it idled. */
  function again(job: Job): Outcome | Promise<Outcome> {
    const { permit, window, key } = job
    return window.isGone ? ended('client_left') : over(job, pool.take(key, permit.terms.scope, true, window))
  }

  /** Fills a place, or frees it, whatever happens. */
  async function connect({ permit, facts, window }: Job, slot: Slot): Promise<Entry | Undialled> {
    let isFilled = false
    try {
      const dialled = await dialler.dial(permit, facts.scheme === 'https', call => window.onGone(call))
      if (dialled.kind !== 'socket') return dialled
      isFilled = true
      return slot.open(dialled.socket, dialled.address)
    } finally {
      if (!isFilled) slot.free()
    }
  }

  return {
    exchange(permit, window, { generation, meter = null }) {
      try {
        return exchange(permit, window, generation, meter)
      } catch (error) {
        return Promise.reject(error)
      }
    },
    async upgrade(permit, window, { signal, meter = null }) {
      const facts = requestOf(demand(permit), 'ws', 'wss')
      if (signal.aborted) return revoked(window)
      const dialled = await dialler.dial(permit, facts.scheme === 'wss', whenever(window, signal))
      if (dialled.kind !== 'socket') return signal.aborted ? revoked(window) : undialled(dialled)
      return upgrade({ clock, permit, meter, facts, window, upstream: dialled.socket, address: dialled.address, idleMs: limits.streamIdleMs, interim: limits.interim, signal })
    },
    async tunnel(permit, window, { signal, meter = null }) {
      if (demand(permit).facts.kind !== 'stream') throw new TypeError('a request is no stream to relay')
      if (signal.aborted) return revoked(window)
      const dialled = await dialler.dial(permit, false, whenever(window, signal))
      if (dialled.kind !== 'socket') return signal.aborted ? revoked(window) : undialled(dialled)
      return relay({ clock, meter, window, upstream: dialled.socket, address: dialled.address, idleMs: limits.streamIdleMs, signal })
    },
    get counts() { return { sockets: dialler.sockets, idle: pool.idle } },
    async close() {
      pool.close()
      dialler.close()
    },
  }
}

/** @throws TypeError for anything that no judgement wrote */
function demand(permit: unknown): Permit {
  if (!Permit.is(permit)) throw new TypeError('forwarding needs a permit that a judgement wrote')
  return permit
}

function requestOf({ facts }: Permit, ...schemes: readonly RequestScheme[]): RequestFacts {
  if (facts.kind !== 'request' || !schemes.includes(facts.scheme)) throw new TypeError(`the permit is for ${facts.scheme}`)
  return facts
}

/** The client leaves, or the permit is revoked. */
function whenever(window: Handshake | Stream, signal: AbortSignal): OnLeave {
  return call => {
    const stop = window.onGone(call)
    signal.addEventListener('abort', call)
    return () => {
      stop()
      signal.removeEventListener('abort', call)
    }
  }
}

/** Two clients never share a connection: what one has proved on it (NTLM does that) the other has not. */
function keyOf({ scheme, host, port, client }: RequestFacts, generation: number, scope: AddressScope): string {
  if (last.host === host && last.client === client && last.port === port && last.scheme === scheme && last.generation === generation && last.scope === scope) return last.key
  const key = `${scheme} ${host} ${port} ${generation} ${client.length} ${client} ${scope.key}`
  last = { scheme, host, port, client, generation, scope, key }
  return key
}

/** Most requests go where the one before went. */
let last: Partial<Pick<RequestFacts, 'scheme' | 'host' | 'port' | 'client'>> & { readonly generation?: number, readonly scope?: AddressScope, readonly key: string } = { key: '' }

type Undialled = Exclude<Dialled, { kind: 'socket' }>

function undialled(dialled: Undialled): Outcome {
  return dialled.kind === 'left' ? ended('client_left') : { ...dialled, bytesUp: 0 }
}

function revoked(window: Handshake | Stream): Outcome {
  window.cut()
  return ended('revoked')
}

function ended(error: 'client_left' | 'revoked'): Outcome {
  return { kind: 'done', address: null, status: null, bytesUp: 0, bytesDown: 0, error }
}
