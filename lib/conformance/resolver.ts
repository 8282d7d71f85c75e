/**
 * The hostile resolver: whoever owns a name may answer each question for it as he likes, and another one otherwise. It answers
 * from the plan of the case that is running, nothing else; and counts, since a question is itself a way out.
 */
import { createSocket } from 'node:dgram'
import type { Net } from './net.ts'

/** One answer of the resolver to both questions of a look-up, for IPv4 and for IPv6; each gets the addresses of its family. */
export interface Led {
  readonly addresses?: readonly string[]
  /** The name is another's: this one's, whose the addresses are. */
  readonly cname?: string
  /** Seconds. Default: 0. */
  readonly ttl?: number
  /** Of the answer. Default: 0, all is well. */
  readonly code?: number
  /** Nothing is answered at all. */
  readonly silent?: boolean
}

/** To the first look-up, to the next, and so on; the last goes for all that follow. */
export type Plan = readonly Led[]

export interface Resolver {
  readonly address: string
  /** For a name and what is below it, from now on. */
  lead(name: string, plan: Plan): void
  /** Look-ups of a name and of what is below it. */
  lookups(name: string): number
  close(): void
}

const PORT = 53
const A = 1
const AAAA = 28
const CNAME = 5

/** @returns null when its port may not be bound, or is taken */
export function openResolver(net: Net): Promise<Resolver | null> {
  const plans = new Map<string, Plan>()
  /** Of questions for IPv4, and for IPv6: both belong to a look-up. */
  const asked = new Map<string, number>()
  const socket = createSocket('udp4')
  const address = `${net}253`
  const count = (name: string, type: number): number => asked.get(`${type} ${name}`) ?? 0

  function answer(query: Buffer): Buffer | null {
    const question = questionIn(query)
    if (question === null) return null
    const name = [...plans.keys()].find(owned => question.name === owned || question.name.endsWith(`.${owned}`))
    if (name === undefined) return reply(query, question, { code: 3 })
    const before = count(name, question.type)
    asked.set(`${question.type} ${name}`, before + 1)
    const plan = plans.get(name)!
    const led = plan[Math.min(before, plan.length - 1)] ?? { code: 3 }
    return led.silent === true ? null : reply(query, question, led)
  }

  return new Promise(resolve => {
    socket.once('error', () => resolve(null))
    socket.on('message', (query, from) => {
      const bytes = answer(query)
      if (bytes !== null) socket.send(bytes, from.port, from.address)
    })
    socket.bind({ port: PORT, address, exclusive: true }, () => resolve({
      address,
      lead: (name, plan) => void plans.set(name.toLowerCase(), plan),
      lookups: name => Math.max(count(name.toLowerCase(), A), count(name.toLowerCase(), AAAA)),
      close: () => void socket.close(),
    }))
  })
}

interface Question { readonly name: string, readonly type: number, readonly end: number }

function questionIn(query: Buffer): Question | null {
  const labels: string[] = []
  let at = 12
  for (let length = query[at]; length !== undefined && length > 0; length = query[at]) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase())
    at += length + 1
  }
  return at + 5 > query.length ? null : { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function reply(query: Buffer, { type, end }: Question, { addresses = [], cname, ttl = 0, code = 0 }: Led): Buffer {
  const owner = Buffer.from([0xc0, 12])
  const records = [
    ...cname === undefined ? [] : [record(owner, CNAME, ttl, encoded(cname))],
    ...addresses.map(bytesOf).filter(({ length }) => length === (type === A ? 4 : type === AAAA ? 16 : 0)).map(bytes => record(cname === undefined ? owner : encoded(cname), type, ttl, bytes)),
  ]
  const head = Buffer.alloc(12)
  query.copy(head, 0, 0, 2)
  // An answer, recursion asked for and available.
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(records.length, 6)
  return Buffer.concat([head, query.subarray(12, end), ...records])
}

function record(owner: Buffer, type: number, ttl: number, data: Buffer): Buffer {
  const middle = Buffer.alloc(10)
  middle.writeUInt16BE(type, 0)
  middle.writeUInt16BE(1, 2)
  middle.writeUInt32BE(ttl, 4)
  middle.writeUInt16BE(data.length, 8)
  return Buffer.concat([owner, middle, data])
}

const encoded = (name: string): Buffer => Buffer.concat([...name.split('.').map(label => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')), Buffer.alloc(1)])

/** IPv6 is written here in full, or with one `::`. */
function bytesOf(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number))
  const [before = '', after = ''] = address.split('::')
  const words = (text: string): number[] => text.split(':').filter(Boolean).map(word => parseInt(word, 16))
  const [head, tail] = [words(before), words(after)]
  const bytes = Buffer.alloc(16)
  for (const [index, word] of [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail].entries()) bytes.writeUInt16BE(word, 2 * index)
  return bytes
}
