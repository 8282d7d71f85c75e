/**
 * The doors of a network that we share with what we guard: a listener for redirected connections and a resolver, at
 * addresses that its packet filter leads to (`sidecarRules`).
 */
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { OperatorError } from '../model/errors.ts'
import type { SandboxDoors } from './link.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface OpenedDoors extends SandboxDoors {
  /** Where they are, with the ports that were taken. */
  readonly at: { readonly transparent: Address, readonly dns: readonly Address[] }
}

/**
 * @param dns  each for datagrams and streams; port 0 takes one that is free for both
 * @throws OperatorError E_LISTEN_FAILED; none is left open then
 */
export async function openDoors(addresses: { readonly transparent: Address, readonly dns: readonly Address[] }): Promise<OpenedDoors> {
  const opened: (Server | Socket)[] = []
  try {
    const server = await listen(addresses.transparent)
    opened.push(server)
    const dnsTcp: Server[] = []
    const dns: Socket[] = []
    for (const address of addresses.dns) {
      const stream = await listen(address)
      opened.push(stream)
      dnsTcp.push(stream)
      const datagrams = await bind({ host: address.host, port: placeOf(stream).port })
      opened.push(datagrams)
      dns.push(datagrams)
    }
    return { network: process.pid, server, dns, dnsTcp, hasIpv6: addresses.transparent.host.includes(':'), at: { transparent: placeOf(server), dns: dnsTcp.map(placeOf) } }
  } catch (error) {
    for (const each of opened) each.close()
    throw error
  }
}

async function listen({ host, port }: Address): Promise<Server> {
  const server = createServer()
  server.listen({ host, port })
  await opening(server, `${host}:${port}`)
  return server
}

async function bind({ host, port }: Address): Promise<Socket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.bind(port, host)
  await opening(socket, `${host}:${port}`)
  return socket
}

async function opening(door: Server | Socket, address: string): Promise<void> {
  try {
    await once(door, 'listening')
  } catch (error) {
    throw new OperatorError('E_LISTEN_FAILED', { address, problem: (error as NodeJS.ErrnoException).code ?? String(error) }, error)
  }
  door.on('error', () => {})
}

function placeOf(server: Server): Address {
  const { address, port } = server.address() as AddressInfo
  return { host: address, port }
}
