/**
 * The upstream's door: it opens to a permit and to nothing else (I1).
 */
import type { Socket } from 'node:net'
import type { Clock } from '../model/clock.ts'
import { Permit } from '../model/decision.ts'
import type { Exchange, Handshake, Outcome, Stream } from '../model/flow.ts'
import type { JudgeAddress } from '../model/policy.ts'
import type { RequestFacts } from '../model/request.ts'
import { createDial } from './dial.ts'
import { attempt } from './http.ts'
import { createPool } from './pool.ts'
import type { Entry } from './pool.ts'
import { createResolve } from './resolve.ts'
import type { Override } from './resolve.ts'
import { relay } from './tunnel.ts'
import { upgrade } from './upgrade.ts'

export interface ForwardOptions {
  readonly clock: Clock
  readonly judge: JudgeAddress
  /** Name → addresses; asked only with a permit in hand. Default: the system's resolver. */
  readonly resolve?: (host: string) => Promise<readonly string[]>
  readonly overrides: readonly Override[]
  /** PEM roots for upstream TLS. */
  readonly roots: readonly string[]
  readonly limits: {
    readonly connectMs: number
    readonly idleMs: number
    readonly streamIdleMs: number
    readonly lookups: number
    readonly connectionsPerPool: number
    /** Idle connections in all. */
    readonly connections: number
    readonly interim: number
  }
}

export interface Forwarder {
  exchange(permit: Permit, window: Exchange, context: { readonly generation: number }): Promise<Outcome>
  upgrade(permit: Permit, window: Handshake, context: { readonly generation: number, readonly signal: AbortSignal }): Promise<Outcome>
  tunnel(permit: Permit, window: Stream, context: { readonly signal: AbortSignal }): Promise<Outcome>
  readonly counts: { readonly sockets: number, readonly idle: number }
  close(): Promise<void>
}

export function createForwarder(options: ForwardOptions): Forwarder {
  const { clock, limits } = options
  const resolve = createResolve({ overrides: options.overrides, lookups: limits.lookups, ...options.resolve === undefined ? {} : { resolve: options.resolve } })
  const dial = createDial({ clock, judge: options.judge, resolve, roots: options.roots, connectMs: limits.connectMs })
  const scopes = new WeakMap<Entry, Permit>()
  const pool = createPool({
    clock, idleMs: limits.idleMs, perKey: limits.connectionsPerPool, idle: limits.connections,
    mayReuse(entry) {
      const permit = scopes.get(entry)
      const { remoteAddress, remotePort } = entry.socket
      return permit !== undefined && remoteAddress !== undefined && options.judge(remoteAddress, remotePort ?? 0, permit.terms.scope).kind === 'may-dial'
    },
  })

  async function exchange(permit: Permit, window: Exchange, generation: number): Promise<Outcome> {
    const facts = requestOf(permit)
    const isSecure = facts.scheme === 'https'
    const key = `${facts.scheme} ${facts.host} ${facts.port} ${generation} ${permit.terms.scope.key}`
    for (let mayRetry = true; ; mayRetry = false) {
      let entry = mayRetry ? pool.take(key) : null
      if (entry === null) {
        for (let wait = pool.room(key); wait !== null && !window.isGone; wait = pool.room(key)) {
          await wait
          entry = pool.take(key)
          if (entry !== null) break
        }
      }
      if (entry === null) {
        if (window.isGone) return left(null)
        const dialled = await dial(permit, isSecure, window.onGone)
        if (dialled.kind === 'refused') return window.isGone ? left(dialled.address) : { ...dialled, bytesUp: 0 }
        entry = pool.open(key, `http://${facts.hostKind === 'ipv6' ? `[${facts.host}]` : facts.host}:${facts.port}`, dialled.socket, dialled.address)
        scopes.set(entry, permit)
      }
      const used = entry
      const result = await attempt({ permit, facts, window, entry, interim: limits.interim })
      // undici destroys a connection that cannot carry another exchange just after it told us of the end.
      process.nextTick(() => pool.release(used))
      if (result.kind !== 'retry') return result
    }
  }

  return {
    get counts() { return pool.counts },
    close: pool.close,
    async exchange(permit, window, { generation }) {
      demand(permit)
      return exchange(permit, window, generation)
    },
    async upgrade(permit, window, { signal }) {
      demand(permit)
      const facts = requestOf(permit)
      const dialled = await dial(permit, facts.scheme === 'wss', window.onGone)
      if (dialled.kind === 'refused') return window.isGone ? left(dialled.address) : { ...dialled, bytesUp: 0 }
      return upgrade({ permit, facts, window, upstream: dialled.socket, address: dialled.address, idleMs: limits.streamIdleMs, signal })
    },
    async tunnel(permit, window, { signal }) {
      demand(permit)
      const dialled = await dial(permit, false, window.onGone)
      if (dialled.kind === 'refused') return window.isGone ? left(dialled.address) : { ...dialled, bytesUp: 0 }
      return relay({ client: window.socket as Socket, head: window.head, upstream: dialled.socket, address: dialled.address, status: null, idleMs: limits.streamIdleMs, signal })
    },
  }
}

/** @throws TypeError for anything that no judgement wrote */
function demand(permit: unknown): asserts permit is Permit {
  if (!Permit.is(permit)) throw new TypeError('forwarding needs a permit that a judgement wrote')
}

function requestOf(permit: Permit): RequestFacts {
  if (permit.facts.kind !== 'request') throw new TypeError('a stream has no request to forward')
  return permit.facts
}

function left(address: string | null): Outcome {
  return { kind: 'done', address, status: null, bytesUp: 0, bytesDown: 0, error: 'client_left' }
}
