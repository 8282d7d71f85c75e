/** The raw request vectors, run: bytes on the wire, and what becomes of them. Shared by the conformance test and the fuzzer. */
import type { Test } from 'tap'
import { readFileSync } from 'node:fs'
import { connect as connectTls } from 'node:tls'
import { bytesOf } from '../../lib/conformance/cases.ts'
import type { BytesCase } from '../../lib/conformance/cases.ts'
import { judge } from '../../lib/conformance/judge.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import type { Origin } from '../helpers/origin.ts'
import { openWire, wireOf } from '../helpers/wire.ts'
import type { Wire } from '../helpers/wire.ts'

const { fixture, cases: all } = JSON.parse(readFileSync(new URL('../../lib/conformance/cases/framing.json', import.meta.url), 'utf8')) as { fixture: { policy: never }, cases: BytesCase[] }
export const cases: readonly BytesCase[] = all

/** How a client sends what it sends. */
export type Write = (wire: Wire, bytes: string) => void | Promise<void>

const atOnce: Write = (wire, bytes) => wire.write(bytes)

/** A client that hears nothing for so many turns of the event loop is done. Turns: a process that was not run has not listened either. */
const QUIET_TURNS = 50
const TURN_MS = 10

/** An origin and a firewall of its own, so that counts are its own. */
export interface Lane { readonly house: House, readonly plain: Origin, readonly secure: Origin }

/** Needs ports 80 and 443 on a loopback address of its own, which no other process has. */
async function openLane(t: Test, number: number): Promise<Lane> {
  const host = `127.${64 + (process.pid >> 8) % 64}.${process.pid % 256}.${number + 1}`
  const plain = await startOrigin(t, { host, port: 80 })
  const secure = await startOrigin(t, { host, port: 443, secure: true })
  return { plain, secure, house: await openHouse(t, fixture.policy, { lookup: async () => [host] }) }
}

/** @returns null where a port below 1024 may not be bound, which in CI is a failure */
export async function openLanes(t: Test, count: number): Promise<Lane[] | null> {
  try {
    return await Promise.all(Array.from({ length: count }, (_, number) => openLane(t, number)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES' && process.env['CI'] === undefined) return null
    throw error
  }
}

export async function runCase(t: Test, { house, plain, secure }: Lane, one: BytesCase, write: Write = atOnce): Promise<void> {
  plain.requests.length = 0
  secure.requests.length = 0
  const answer = await send(house, one, write)
  const { verdict, problem } = judge(one, answer, [...plain.requests, ...secure.requests], true)
  t.equal(verdict, 'held', `${one.id}: ${one.why}`, { problem, answer: answer.slice(0, 600) })
  t.match(await exchange(house.port, 'GET http://allowed.test/alive HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200/, `${one.id}: alive afterwards`)
}

async function send(house: House, one: BytesCase, write: Write): Promise<string> {
  const bytes = bytesOf(one)
  const wire = await openWire(house.port)
  if (one.via === 'absolute-form') return quiet(wire, bytes, write)
  wire.write(`CONNECT ${one.connect} HTTP/1.1\r\nHost: ${one.connect}\r\n\r\n`)
  const head = await wire.until(/\r\n\r\n|$/).catch(() => wire.text)
  const answer = head === '' ? await wire.until('\r\n\r\n').catch(() => wire.text) : head
  if (!answer.startsWith('HTTP/1.1 200')) return quiet(wire, '', write)
  wire.socket.removeAllListeners('data')
  const servername = one.sni ?? one.connect!.replace(/:\d+$/, '')
  const secure = connectTls({ socket: wire.socket, servername, ca: house.ca, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  const isOpen = await new Promise<boolean>(resolve => {
    secure.once('secureConnect', () => resolve(true))
    secure.once('error', () => resolve(false))
    secure.once('close', () => resolve(false))
  })
  return isOpen ? quiet(wireOf(secure), bytes, write) : ''
}

/** Writes, then listens until the end or until nothing has come for a while. */
async function quiet(wire: Wire, bytes: string, write: Write): Promise<string> {
  await write(wire, bytes)
  let hasEnded = false
  void wire.ended().then(() => { hasEnded = true })
  for (let last = -1, turns = 0; !hasEnded && turns < QUIET_TURNS; turns++) {
    if (wire.text.length !== last) [last, turns] = [wire.text.length, 0]
    await new Promise(resolve => setTimeout(resolve, TURN_MS))
  }
  wire.close()
  return wire.text
}

async function exchange(port: number, bytes: string): Promise<string> {
  const wire = await openWire(port)
  wire.write(bytes)
  return wire.ended()
}
