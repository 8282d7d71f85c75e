/**
 * Connections that were redirected to us: the client believes that it talks to somebody else, and the kernel knows to
 * whom. From there on they are like a tunnel whose CONNECT named that host, with the same rulings.
 *
 * A connection whose destination is not known, was never a name of ours, or is ourselves, goes nowhere.
 */
import type { Socket } from 'node:net'
import type { Unread } from '../model/flow.ts'
import type { Authority } from '../model/request.ts'
import { canonicalHost } from '../normalize/host.ts'
import type { Opened } from './intercept.ts'
import type { Names } from './names.ts'

export interface Destination {
  /** IPv4 or IPv6, in text. */
  readonly address: string
  readonly port: number
}

export interface TransparentOptions {
  readonly names: Names
  /** Where a connection was going before it was redirected; null where it was not. */
  destinationOf(socket: Socket): Destination | null
  enter(opened: Opened): void
  newFlow(): string
  ended(flow: string, unread: Unread, reason: string): void
  /** Who is said to call. */
  readonly label: string
  /** Connections at once; more are closed. */
  readonly max: number
}

export interface Transparent {
  accept(socket: Socket): void
  destroy(): void
}

export function createTransparent({ names, destinationOf, enter, newFlow, ended, label, max }: TransparentOptions): Transparent {
  const open = new Set<Socket>()
  const caller = { label, isKnown: false }
  return {
    accept(socket) {
      socket.on('error', () => {})
      const to = destinationOf(socket)
      const authority = to === null ? null : authorityOf(to, names)
      if (authority === null || open.size >= max) {
        const reason = to === null ? 'the connection was not redirected' : authority === null ? `${to.address} was never given out for a name` : `${open.size} connections are open`
        ended(newFlow(), { client: label, scheme: null, host: to?.address ?? null, port: to?.port ?? null, method: null, target: null }, reason)
        return void socket.resetAndDestroy()
      }
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      enter({ socket, caller, authority })
    },
    destroy() { for (const socket of open) socket.destroy() },
  }
}

function authorityOf({ address, port }: Destination, names: Names): Authority | null {
  const name = names.nameOf(address)
  if (name !== null) return { host: name, hostKind: 'name', port }
  if (names.isOurs(address)) return null
  const host = canonicalHost(address)
  return host.kind === 'refused' ? null : { host: host.host, hostKind: host.hostKind, port }
}
