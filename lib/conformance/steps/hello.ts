/** The first bytes of a TLS client, written by hand: what no TLS library would send. */
import { reach } from '../attack.ts'
import { bytesOf } from '../cases.ts'
import type { Bytes } from '../cases.ts'
import { exchange, isOpened, tunnel } from '../exchange.ts'
import type { Outcome, World } from './step.ts'

export interface SayHello {
  readonly kind: 'hello'
  readonly connect: string
  /** A ClientHello is made of these … */
  readonly hello?: Hello
  /** … or the bytes are given. */
  readonly bytes?: Bytes
  /** `served`: a ServerHello comes back; `refused`: an alert, or nothing. */
  readonly gets: 'served' | 'refused' | 'either'
}

interface Hello {
  /** Each a `server_name` extension with these names; characters are bytes. Default: none. */
  readonly names?: readonly (readonly string[])[]
  /** Of the names: 0 is a host name. */
  readonly nameType?: number
  /** Bytes of a padding extension, as a large key share would be. */
  readonly padding?: number
  /** Empty extensions of unknown types. */
  readonly strangers?: number
  /** Of the record and the hello, as 0x0303. */
  readonly version?: number
  /** Bytes in each record. Default: 16,384. */
  readonly recordSize?: number
  /** Bytes that the length of the handshake message says too much. */
  readonly excess?: number
}

export async function sayHello(step: SayHello, { proxy, clock, doors, caughtUp }: World): Promise<Outcome> {
  const socket = reach(proxy)
  const opened = isOpened(await tunnel(socket, step.connect, clock))
  const bytes = step.bytes === undefined ? clientHello(step.hello ?? {}).toString('latin1') : bytesOf({ bytes: step.bytes })
  const answer = opened ? await exchange(socket, { bytes, clock, caughtUp }) : ''
  socket.destroy()
  // What TLS answers is none; the connection has its record all the same.
  proxy.heard?.(0)
  if (doors === null || step.gets === 'either') return null
  const isServed = answer.startsWith('\x16\x03')
  if (isServed === (step.gets === 'served')) return null
  return { verdict: 'otherwise', problem: isServed ? 'a ServerHello came back' : `no ServerHello came back, but ${JSON.stringify(answer.slice(0, 20))}` }
}

/** RFC 5246 §7.4.1.2: one that a server of TLS 1.2 answers without more. */
function clientHello({ names = [], nameType = 0, padding = 0, strangers = 0, version = 0x0303, recordSize = 16_384, excess = 0 }: Hello): Buffer {
  const extensions = [
    ...names.map(list => extension(0, vector(2, Buffer.concat(list.map(name => Buffer.concat([Buffer.from([nameType]), vector(2, Buffer.from(name, 'latin1'))])))))),
    extension(10, vector(2, Buffer.from('001d00170018', 'hex'))),
    extension(11, vector(1, Buffer.from([0]))),
    extension(13, vector(2, Buffer.from('04030804040105030805050108060601', 'hex'))),
    extension(23, Buffer.alloc(0)),
    ...padding === 0 ? [] : [extension(21, Buffer.alloc(padding))],
    ...Array.from({ length: strangers }, (_, index) => extension(0x4a4a + index, Buffer.alloc(0))),
  ]
  const body = Buffer.concat([
    number(2, version), Buffer.alloc(32, 0x5a), vector(1, Buffer.alloc(0)),
    vector(2, Buffer.from('c02bc02fc02cc030cca9cca8', 'hex')), vector(1, Buffer.from([0])), vector(2, Buffer.concat(extensions)),
  ])
  const message = Buffer.concat([Buffer.from([1]), number(3, body.length + excess), body])
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += recordSize) {
    const part = message.subarray(at, at + recordSize)
    records.push(Buffer.concat([Buffer.from([22]), number(2, Math.min(version, 0x0301)), vector(2, part)]))
  }
  return Buffer.concat(records)
}

const extension = (type: number, data: Buffer): Buffer => Buffer.concat([number(2, type), vector(2, data)])

const vector = (lengthBytes: number, data: Buffer): Buffer => Buffer.concat([number(lengthBytes, data.length), data])

function number(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntBE(value, 0, bytes)
  return buffer
}
