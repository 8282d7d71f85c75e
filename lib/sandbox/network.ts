/**
 * Inside of a network namespace: closes its network but for the doors to the firewall, and opens those. Needs
 * NET_ADMIN over it. Nothing that is redirected arrives anywhere before the doors are open.
 */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import type { Handed } from './messages.ts'
import { SANDBOX_DNS, closedRules, packetsIn, sandboxRules } from './nft.ts'
import type { Packets } from './nft.ts'

export type Door = readonly [what: Handed, handle: Server | Socket]

export interface CloseOptions {
  /** Whether questions for names at loopback addresses are ours too: of a network whose `resolv.conf` somebody else wrote. */
  readonly takesLoopbackNames: boolean
}

/** @returns the doors, the listener for TCP first */
export async function closeNetwork(options: CloseOptions): Promise<readonly Door[]> {
  // With no address but loopback's own, clients that ask only for what they could use (AI_ADDRCONFIG) would ask for no IPv4.
  await tool('ip', ['-batch', '-'], `link set lo up\nroute replace local 0.0.0.0/0 dev lo\naddr replace ${SANDBOX_DNS.v4}/32 dev lo\n`)
  // A kernel without IPv6 has nothing to close there. An IPv6 socket binds to no address that is merely routed here.
  const hasIpv6 = await tool('ip', ['-6', '-batch', '-'], `route replace local ::/0 dev lo\naddr replace ${SANDBOX_DNS.v6}/128 dev lo nodad\n`).then(() => true, () => false)
  const doors = await openDoors(hasIpv6)
  const [[, listener] = []] = doors
  await tool('nft', ['-f', '-'], sandboxRules({ port: ((listener as Server).address() as AddressInfo).port, ...options }))
  return doors
}

/** @returns what was rejected so far; null where that cannot be told: it is for the log, and ends nothing */
export function rejectedPackets(): Promise<Packets | null> {
  return tool('nft', ['-j', 'list', 'counters', 'table', 'inet', 'sallyport'], '').then(packetsIn).catch(() => null)
}

/**
 * Takes all of it back. What has no way out but ours has none then; where one appeared meanwhile, a packet filter
 * that lets nothing through stays.
 */
export async function leaveClosed(): Promise<void> {
  await tool('nft', ['-f', '-'], closedRules({ isKept: (await waysOut()).length > 0 }))
  for (const [version, lines] of [
    ['-4', `route del local 0.0.0.0/0 dev lo\naddr del ${SANDBOX_DNS.v4}/32 dev lo\n`],
    ['-6', `route del local ::/0 dev lo\naddr del ${SANDBOX_DNS.v6}/128 dev lo\n`],
  ] as const) await tool('ip', [version, '-force', '-batch', '-'], lines).catch(() => {})
}

/** Names of the interfaces, other than loopback, that are up. */
export async function waysOut(): Promise<readonly string[]> {
  const links = JSON.parse(await tool('ip', ['-json', 'link', 'show', 'up'], '') || '[]') as readonly { readonly ifname?: string, readonly link_type?: string }[]
  return links.filter(link => link.link_type !== 'loopback').flatMap(({ ifname }) => ifname ?? [])
}

async function openDoors(hasIpv6: boolean): Promise<readonly Door[]> {
  const doors: Promise<Door>[] = [
    listen('tcp', {}),
    bind('dns-udp4', 'udp4', SANDBOX_DNS.v4),
    listen('dns-tcp4', { host: SANDBOX_DNS.v4, port: SANDBOX_DNS.port }),
  ]
  if (hasIpv6) doors.push(bind('dns-udp6', 'udp6', SANDBOX_DNS.v6), listen('dns-tcp6', { host: SANDBOX_DNS.v6, port: SANDBOX_DNS.port }))
  return Promise.all(doors)
}

async function listen(what: Handed, { host, port = 0 }: { readonly host?: string, readonly port?: number }): Promise<Door> {
  const server = createServer()
  // Without a host both versions arrive at one socket; an IPv6 socket that is named "::" would not be the same.
  server.listen(host === undefined ? { port, backlog: 1024 } : { host, port, ipv6Only: true })
  await once(server, 'listening')
  return [what, server]
}

async function bind(what: Handed, type: 'udp4' | 'udp6', address: string): Promise<Door> {
  const socket = createSocket({ type, ipv6Only: type === 'udp6' })
  socket.bind(SANDBOX_DNS.port, address)
  await once(socket, 'listening')
  return [what, socket]
}

/** @returns what it wrote. @throws Error with what it complained of */
async function tool(name: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let [writes, says] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => { writes += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { says += chunk.toString() })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code] = await once(child, 'close') as [number | null]
  if (code !== 0) throw new Error(`${name}: ${says.trim() || `ended with ${code}`}`)
  return writes
}
