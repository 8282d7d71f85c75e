/**
 * The sockets at which names are asked for: datagrams, and streams for clients that fall back to them.
 *
 * Every message is answered from a zone, on the spot, or not at all. What is refused is told, at a bounded rate: a
 * client that asks without end fills no log.
 */
import type { Socket as Datagrams } from 'node:dgram'
import type { Server, Socket } from 'node:net'
import type { Clock } from '../model/clock.ts'
import { MAX_QUESTION, answerQuestion } from './dns.ts'
import type { Zone } from './dns.ts'

export interface ResolverOptions {
  readonly datagrams: readonly Datagrams[]
  readonly streams: readonly Server[]
  readonly zone: Zone
  readonly clock: Clock
  readonly limits: {
    /** A connection, from its first byte to its last. */
    readonly askMs: number
    /** Connections at once. */
    readonly asking: number
    /** Refusals that are told in a minute; the rest is counted. */
    readonly toldPerMinute: number
  }
  refused(question: RefusedQuestion): void
}

export interface RefusedQuestion {
  /** Null where it could not be read. */
  readonly name: string | null
  readonly type: string | null
  readonly reason: string
  /** Others that were refused and not told since the last one. */
  readonly untold: number
}

export interface Resolver {
  close(): Promise<void>
}

/** RFC 1035 §4.2.2: two bytes of length, then the message. */
const LENGTH = 2
/** Of answers that a client does not read, in bytes. */
const MAX_UNREAD = 16_384
const MINUTE = 60_000

export function serveNames({ datagrams, streams, zone, clock, limits, refused }: ResolverOptions): Resolver {
  const asking = new Set<Socket>()
  let minute = { from: clock.elapsed(), told: 0 }
  let untold = 0

  function answer(message: Uint8Array): Buffer | null {
    const answered = answerQuestion(message, zone)
    if (answered.kind === 'ignored') return null
    if (answered.kind === 'refused') tell(answered)
    return answered.reply
  }

  function tell({ name, type, reason }: Omit<RefusedQuestion, 'untold'>): void {
    if (clock.elapsed() - minute.from >= MINUTE) minute = { from: clock.elapsed(), told: 0 }
    if (minute.told >= limits.toldPerMinute) return void untold++
    minute.told++
    refused({ name, type, reason, untold })
    untold = 0
  }

  function converse(socket: Socket): void {
    socket.on('error', () => {})
    if (asking.size >= limits.asking) return void socket.destroy()
    asking.add(socket)
    const timer = clock.after(limits.askMs, () => socket.destroy())
    socket.once('close', () => { timer.cancel(); asking.delete(socket) })
    socket.once('end', () => socket.end())
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      while (rest.length >= LENGTH && !socket.destroyed) {
        const end = LENGTH + rest.readUInt16BE(0)
        if (end > LENGTH + MAX_QUESTION) return void socket.destroy()
        if (rest.length < end) return
        const reply = answer(rest.subarray(LENGTH, end))
        rest = rest.subarray(end)
        if (reply === null || socket.writableLength > MAX_UNREAD) return void socket.destroy()
        const length = Buffer.alloc(LENGTH)
        length.writeUInt16BE(reply.length)
        socket.write(Buffer.concat([length, reply]))
      }
    })
  }

  for (const socket of datagrams) {
    socket.on('error', () => {})
    socket.on('message', (message, from) => {
      const reply = answer(message)
      if (reply !== null) socket.send(reply, from.port, from.address, () => {})
    })
  }
  for (const server of streams) server.on('connection', converse)
  return {
    async close() {
      for (const socket of asking) socket.destroy()
      await Promise.all([...streams, ...datagrams].map(each => new Promise<void>(resolve => { each.close(() => resolve()) })))
    },
  }
}
