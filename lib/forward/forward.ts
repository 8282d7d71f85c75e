/**
 * The upstream's door: it opens to a permit and to nothing else (I1).
 */
import type { Clock } from '../model/clock.ts'
import { Permit } from '../model/decision.ts'
import type { Exchange, Handshake, Outcome, Stream } from '../model/flow.ts'
import type { JudgeAddress } from '../model/policy.ts'
import type { RequestFacts, RequestScheme } from '../model/request.ts'
import { createDialler } from './dial.ts'
import type { Dialled, OnLeave } from './dial.ts'
import { attempt } from './http.ts'
import { createPool } from './pool.ts'
import type { Entry, Slot } from './pool.ts'
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
  exchange(permit: Permit, window: Exchange, context: { readonly generation: number }): Promise<Outcome>
  /** `signal`: the permit is revoked, the channel is closed at once. */
  upgrade(permit: Permit, window: Handshake, context: { readonly generation: number, readonly signal: AbortSignal }): Promise<Outcome>
  tunnel(permit: Permit, window: Stream, context: { readonly signal: AbortSignal }): Promise<Outcome>
  readonly counts: { readonly sockets: number, readonly idle: number }
  /** Breaks everything off. */
  close(): Promise<void>
}

export function createForwarder(options: ForwardOptions): Forwarder {
  const { clock, judge, limits, onRedirect } = options
  const dialler = createDialler({ clock, judge, roots: options.roots, connectMs: limits.connectMs, resolve: createResolve({ ...options, lookups: limits.lookups }) })
  const pool = createPool({ clock, judge, idleMs: limits.idleMs, streamIdleMs: limits.streamIdleMs, perKey: limits.connectionsPerPool, idle: limits.connections })

  async function exchange(permit: Permit, window: Exchange, generation: number): Promise<Outcome> {
    const facts = requestOf(demand(permit), 'http', 'https')
    const { scope, maxRequestBytes } = permit.terms
    if (maxRequestBytes !== null && (facts.contentLength ?? 0) > maxRequestBytes) {
      return { kind: 'refused', code: 'request_too_large', reason: `${facts.contentLength} bytes were announced, the policy allows ${maxRequestBytes}`, address: null, bytesUp: 0 }
    }
    // Two clients never share a connection: what one has proved on it (NTLM does that) the other has not.
    const key = `${facts.scheme} ${facts.host} ${facts.port} ${generation} ${facts.client.length} ${facts.client} ${scope.key}`
    for (let fresh = false; ; fresh = true) {
      if (window.isGone) return ended('client_left')
      const taken = pool.take(key, scope, fresh, call => window.onGone(call))
      const place = taken instanceof Promise ? await taken : taken
      if (place.kind === 'left') return ended('client_left')
      const entry = place.kind === 'slot' ? await connect(permit, facts, window, place) : place
      if (entry.kind !== 'entry') return undialled(entry)
      const result = await attempt({ permit, facts, window, entry, interim: limits.interim, ...onRedirect === undefined ? {} : { onRedirect } })
      pool.giveBack(entry)
      if (result.kind !== 'retry') return result
    }
  }

  /** Fills a place, or frees it, whatever happens. */
  async function connect(permit: Permit, facts: RequestFacts, window: Exchange, slot: Slot): Promise<Entry | Undialled> {
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
    exchange: (permit, window, { generation }) => exchange(permit, window, generation),
    async upgrade(permit, window, { signal }) {
      const facts = requestOf(demand(permit), 'ws', 'wss')
      if (signal.aborted) return revoked(window)
      const dialled = await dialler.dial(permit, facts.scheme === 'wss', whenever(window, signal))
      if (dialled.kind !== 'socket') return signal.aborted ? revoked(window) : undialled(dialled)
      return upgrade({ clock, permit, facts, window, upstream: dialled.socket, address: dialled.address, idleMs: limits.streamIdleMs, interim: limits.interim, signal })
    },
    async tunnel(permit, window, { signal }) {
      if (demand(permit).facts.kind !== 'stream') throw new TypeError('a request is no stream to relay')
      if (signal.aborted) return revoked(window)
      const dialled = await dialler.dial(permit, false, whenever(window, signal))
      if (dialled.kind !== 'socket') return signal.aborted ? revoked(window) : undialled(dialled)
      return relay({ clock, window, upstream: dialled.socket, address: dialled.address, idleMs: limits.streamIdleMs, signal })
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
