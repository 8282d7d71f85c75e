/**
 * Which process is behind a held request: the client's connection, as its own end has it, looked up on this machine.
 */
import { Socket } from 'node:net'
import type { Clock } from './model/clock.ts'
import type { Arrival } from './model/flow.ts'
import type { Asker } from './model/hold.ts'
import { createAskers } from './sandbox/asker.ts'
import type { Place } from './sandbox/socket-table.ts'
import { isLoopback } from './setup.ts'

export interface WhoAsks {
  /** Of a connection that was redirected: the client's end has it going elsewhere. @param network  a process in the client's network */
  noteLine(socket: Socket, network: number, to: { readonly host: string, readonly port: number }): void
  /** null where the client is not on this machine. */
  asker(arrival: Arrival): Promise<Asker | null> | null
}

export function createWhoAsks(clock: Clock): WhoAsks {
  const ask = createAskers(clock)
  const redirected = new WeakMap<object, { readonly network: number, readonly remote: Place }>()
  return {
    noteLine(socket, network, { host, port }) { redirected.set(socket, { network, remote: { address: host, port } }) },
    asker({ window: { peer } }) {
      if (!(peer instanceof Socket)) return null
      const { remoteAddress: address, remotePort: port, localAddress, localPort } = peer
      if (address === undefined || port === undefined || localAddress === undefined || localPort === undefined) return null
      const line = redirected.get(peer)
      if (line !== undefined) return ask({ ...line, local: { address, port } })
      const isLocal = address === localAddress || isLoopback(address)
      return isLocal ? ask({ network: process.pid, local: { address, port }, remote: { address: localAddress, port: localPort } }) : null
    },
  }
}
