/** A question to the DNS door, over datagrams or a stream, from its parts or byte by byte. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Clock } from '../../model/clock.ts'
import type { Address } from '../attack.ts'
import { bytesOf } from '../cases.ts'
import type { Bytes } from '../cases.ts'
import { exchange } from '../exchange.ts'
import type { Outcome, World } from './step.ts'

export interface AskName {
  readonly kind: 'dns'
  /** Labels, joined by dots. */
  readonly name?: string
  /** Default: 1, an address. */
  readonly type?: number
  /** Default: 1, IN. */
  readonly class?: number
  /** The whole message instead. */
  readonly bytes?: Bytes
  readonly over?: 'datagrams' | 'stream'
  /** `synthetic`: an address of ours, that says nothing of the name's; `empty`: no data; `silence`: no answer at all. */
  readonly gets: 'synthetic' | 'empty' | 'silence' | { readonly code: number }
  /** The longest answer, in bytes. */
  readonly atMost?: number
}

const WAIT_MS = 5_000
/** Where silence is right there is nothing that could be waited for. */
const SILENCE_MS = 300

export async function askName(step: AskName, door: Address, { lane, clock }: World): Promise<Outcome> {
  const query = step.bytes === undefined ? queryOf(step) : Buffer.from(bytesOf({ bytes: step.bytes }), 'latin1')
  const waitMs = step.gets === 'silence' ? SILENCE_MS : WAIT_MS
  const reply = step.over === 'stream' ? await overStream(query, door, clock, waitMs) : await overDatagrams(query, door, clock, waitMs)
  if (reply === null) return step.gets === 'silence' ? null : { verdict: 'otherwise', problem: 'no answer' }
  if (step.gets === 'silence') return { verdict: 'otherwise', problem: `answered with code ${(reply[3] ?? 0) & 15}` }
  const real = Buffer.from(lane.address.split('.').map(Number))
  if (reply.includes(real)) return { verdict: 'through', problem: `the name's own address, ${lane.address}, was told` }
  if (step.atMost !== undefined && reply.length > step.atMost) return { verdict: 'otherwise', problem: `the answer has ${reply.length} bytes` }
  const code = (reply[3] ?? 0) & 15
  const answers = reply.length < 8 ? 0 : reply.readUInt16BE(6)
  if (typeof step.gets === 'object') return code === step.gets.code && answers === 0 ? null : { verdict: 'otherwise', problem: `code ${code} and ${answers} answers` }
  if (code !== 0) return { verdict: 'otherwise', problem: `code ${code}` }
  if (step.gets === 'empty') return answers === 0 ? null : { verdict: 'otherwise', problem: `${answers} answers` }
  const [a = 0, b = 0] = reply.subarray(-4)
  // RFC 2544: addresses that belong to nobody.
  return answers === 1 && a === 198 && (b & 0xfe) === 18 ? null : { verdict: 'otherwise', problem: `${answers} answers, of which the last is ${[...reply.subarray(-4)].join('.')}` }
}

function queryOf({ name = '', type = 1, class: of = 1 }: AskName): Buffer {
  const labels = name === '' ? [] : name.split('.').map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]))
  const tail = Buffer.alloc(4)
  tail.writeUInt16BE(type, 0)
  tail.writeUInt16BE(of, 2)
  return Buffer.concat([Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...labels, Buffer.from([0]), tail])
}

function overDatagrams(query: Buffer, { host, port }: Address, clock: Clock, waitMs: number): Promise<Buffer | null> {
  return new Promise(resolve => {
    const socket = createSocket('udp4')
    const end = (reply: Buffer | null): void => {
      timer.cancel()
      socket.close()
      resolve(reply)
    }
    const timer = clock.after(waitMs, () => end(null))
    socket.once('message', end)
    socket.once('error', () => end(null))
    socket.send(query, port, host)
  })
}

async function overStream(query: Buffer, { host, port }: Address, clock: Clock, quietMs: number): Promise<Buffer | null> {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(query.length)
  const socket = connect(port, host)
  const text = await exchange(socket, { bytes: Buffer.concat([length, query]).toString('latin1'), clock, quietMs, done: /^[^]{2}[^]{12}/ })
  socket.destroy()
  return text.length < 14 ? null : Buffer.from(text.slice(2), 'latin1')
}
