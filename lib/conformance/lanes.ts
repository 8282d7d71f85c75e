/**
 * Lanes: names, an address and origins that one case has for itself while it runs, so that many cases share one proxy
 * and whatever reaches an origin is known to be theirs.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { bytesOf } from './cases.ts'
import type { Case, Misbehaviour } from './cases.ts'
import type { LaneNames } from './setup.ts'

/** A complete request, as an origin read it. */
export interface Seen {
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly body: string
}

/** The same, as a result has it. */
export interface Reached {
  readonly target: string
  /** Of every Host field. */
  readonly hosts: readonly string[]
}

export interface Lane extends LaneNames {
  /** What has reached this lane's origins. */
  readonly seen: Seen[]
  /** What the origins write in place of their answer; null: they answer. */
  misbehaves: Misbehaviour | null
  close(): Promise<void>
}

/** @throws when ports 80 and 443 may not be bound */
export async function openLane(names: LaneNames, contextFor: (name: string) => SecureContext): Promise<Lane> {
  // A proxy is not to be saved by a certificate of ours.
  const own = [names.allowed, names.denied, names.inside, names.asked]
  const seen: Seen[] = []
  const listener = (request: IncomingMessage, response: ServerResponse): void => answer(lane, request, response)
  const secure = createSecureServer({ SNICallback: (name, done) => done(null, contextFor(own.includes(name) ? name : names.allowed)) }, listener)
  const servers = [createServer(listener), secure]
  const lane: Lane = { ...names, seen, misbehaves: null, close: async () => void await Promise.all(servers.map(close)) }
  await Promise.all(servers.map((server, index) => listen(server, index === 0 ? 80 : 443, names.address)))
  return lane
}

/** Longest target that a result repeats, in characters. */
const MAX_TARGET = 200

export const reachedBy = ({ url, rawHeaders }: Seen): Reached => ({ target: url.slice(0, MAX_TARGET), hosts: rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === 'host') })

/** The case with this lane's names, the spellings of its address, and whatever else `{{…}}` may stand for. */
export function inLane(one: Case, { address }: LaneNames, more: Readonly<Record<string, string>>): Case {
  const digits = address.split('.')[3]!.padStart(2, '0')
  const spellings = { ...spellingsOf(address), ...more }
  const text = JSON.stringify(one)
    .replace(/allowed(?=\.test)/gi, name => name.slice(0, 5) + digits)
    .replace(/(?:denied|inside)(?=\.test)/gi, name => name.slice(0, 4) + digits)
    .replace(/asked(?=\.test)/gi, name => name.slice(0, 3) + digits)
    .replace(/\{\{(\w+)\}\}/g, (whole, kind: string) => spellings[kind] ?? whole)
  return JSON.parse(text) as Case
}

function spellingsOf(address: string): Readonly<Record<string, string>> {
  const parts = address.split('.').map(Number)
  const number = parts.reduce((sum, part) => sum * 256 + part, 0)
  return {
    dotted: address,
    decimal: String(number),
    hex: `0x${number.toString(16)}`,
    octal: parts.map(part => `0${part.toString(8)}`).join('.'),
    short: `${parts[0]}.${number % 2 ** 24}`,
  }
}

function answer({ seen, misbehaves }: Lane, request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('error', () => {})
  request.on('end', () => {
    seen.push({ url: request.url ?? '', rawHeaders: request.rawHeaders, body: Buffer.concat(chunks).toString('latin1') })
    if (misbehaves !== null && request.url !== '/alive') return misbehave(request.socket, misbehaves)
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 3 })
    response.end('ok\n')
  })
}

function misbehave(socket: Socket, { writes, then = 'ends' }: Misbehaviour): void {
  socket.write(Buffer.from(bytesOf({ bytes: writes }), 'latin1'), () => {
    if (then === 'ends') socket.end()
    else if (then === 'resets') socket.resetAndDestroy()
  })
}

const listen = (server: Server, port: number, host: string): Promise<void> => new Promise((resolve, reject) => {
  server.once('error', reject)
  server.listen(port, host, resolve)
})

const close = (server: Server): Promise<void> => new Promise(resolve => {
  server.closeAllConnections()
  server.close(() => resolve())
})
