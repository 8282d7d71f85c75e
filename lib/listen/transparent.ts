/**
 * Connections that were redirected to us: the client believes that it talks to somebody else, and the kernel knows to
 * whom. From there on they are like a tunnel whose CONNECT named that host, with the same rulings.
 *
 * A connection whose destination is not known, never stood for a name of ours, or is ourselves, goes nowhere. Where
 * there is a name, the address that the client dialled is of no further use: the name is resolved after a ruling.
 */
import type { Socket } from 'node:net'
import type { RefusalCode } from '../model/errors.ts'
import type { Arrival } from '../model/flow.ts'
import type { Authority } from '../model/request.ts'
import { reset } from '../model/reset.ts'
import { canonicalHost } from '../normalize/host.ts'
import type { Opened } from './intercept.ts'
import type { Names } from './names.ts'
import { createStream } from './stream.ts'

export interface TransparentOptions {
  readonly names: Names
  /** Where a connection was going before it was redirected; null where it was not. */
  destinationOf(socket: Socket): { readonly address: string, readonly port: number } | null
  enter(opened: Opened): void
  newFlow(): string
  arrive(arrival: Arrival): void
  /** Who is said to call. */
  readonly label: string
  /** Connections at once; more are closed. */
  readonly max: number
}

export interface Transparent {
  accept(socket: Socket): void
  /** Connections that are open. */
  readonly count: number
  destroy(): void
}

type Aim =
  | { readonly kind: 'aim', readonly authority: Authority, readonly address: string }
  | { readonly kind: 'refused', readonly code: RefusalCode, readonly reason: string, readonly address: string | null, readonly port: number | null }

export function createTransparent(options: TransparentOptions): Transparent {
  const { names, label } = options
  const open = new Set<Socket>()
  const caller = { label, isKnown: false }

  function accept(socket: Socket): void {
    socket.on('error', () => {})
    const aim = aimOf(socket)
    if (aim.kind === 'refused') return refuse(socket, aim)
    open.add(socket)
    const release = names.retain(aim.address)
    socket.once('close', () => { open.delete(socket); release() })
    options.enter({ socket, caller, authority: aim.authority })
  }

  /** I3: a destination that cannot be read is no destination. */
  function aimOf(socket: Socket): Aim {
    try {
      const to = options.destinationOf(socket)
      if (to === null) return { kind: 'refused', code: 'address_forbidden', reason: 'the connection was not redirected: it was meant for this listener', address: null, port: null }
      const refused = (code: RefusalCode, reason: string): Aim => ({ kind: 'refused', code, reason, ...to })
      if (open.size >= options.max) return refused('proxy_full', `${open.size} connections are open`)
      const authority = placeOf(to.address, to.port)
      return authority === null ? refused('address_forbidden', `${to.address} stands for no name: none was asked for`) : { kind: 'aim', authority, address: to.address }
    } catch (error) {
      return { kind: 'refused', code: 'judgement_failed', reason: `its destination could not be read: ${String(error)}`, address: null, port: null }
    }
  }

  function placeOf(address: string, port: number): Authority | null {
    if (port === 0) return null
    const name = names.nameOf(address)
    if (name !== null) return { host: name, hostKind: 'name', port }
    if (names.isOurs(address)) return null
    const host = canonicalHost(address)
    return host.kind === 'refused' ? null : { host: host.host, hostKind: host.hostKind, port }
  }

  function refuse(socket: Socket, { code, reason, address, port }: Extract<Aim, { kind: 'refused' }>): void {
    const unread = { client: label, scheme: null, host: address, port, method: null, target: null }
    // A reset: what it speaks is not known, so nothing that it could read can be said.
    options.arrive({ flow: options.newFlow(), facts: { kind: 'refused', code, reason, unread }, window: createStream(socket, new Uint8Array(0), () => reset(socket)) })
  }

  return {
    accept,
    get count() { return open.size },
    destroy() { for (const socket of open) socket.destroy() },
  }
}
