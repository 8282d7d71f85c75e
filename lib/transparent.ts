/**
 * The doors of a sandbox, served: its redirected connections walk down the corridor, its questions for names are
 * answered from a table. Each sandbox has a table of its own.
 */
import type { Socket as Datagrams } from 'node:dgram'
import type { Server, Socket } from 'node:net'
import type { Clock } from './model/clock.ts'
import { createNames } from './listen/names.ts'
import { createTransparent } from './listen/transparent.ts'
import type { TransparentOptions } from './listen/transparent.ts'
import { answerQuestion } from './sandbox/dns.ts'
import type { SandboxDoors } from './sandbox/link.ts'
import { originalDestination } from './sandbox/original-destination.ts'

/** Who is said to call; a sandbox has no name of its own. */
const LABEL = 'sandbox'
/** A connection for names that says nothing. */
const ASK_MS = 10_000
const MAX_ASKING = 64
/** RFC 1035 §4.2.2: two bytes of length, then the message. */
const LENGTH = 2

export interface ServedDoors {
  close(): Promise<void>
}

/** In the turn in which the doors arrive: who connects before somebody listens is lost. */
export function serveDoors({ server, dns, dnsTcp }: SandboxDoors, options: Pick<TransparentOptions, 'enter' | 'newFlow' | 'ended' | 'max'> & { readonly clock: Clock }): ServedDoors {
  const names = createNames()
  const transparent = createTransparent({ ...options, names, destinationOf: originalDestination, label: LABEL })
  // As it was made in another process, its sockets would end with their client's half.
  Object.assign(server, { allowHalfOpen: true, noDelay: true })
  server.on('connection', transparent.accept)
  for (const socket of dns) serveDatagrams(socket, names.addressFor)
  const asking = new Set<Socket>()
  for (const each of dnsTcp) serveStreams(each, asking, names.addressFor, options.clock)
  let closing: Promise<unknown> | null = null
  return {
    async close() {
      transparent.destroy()
      for (const socket of asking) socket.destroy()
      closing ??= Promise.all([server, ...dnsTcp, ...dns].map(each => new Promise<void>(resolve => { each.close(() => resolve()) })))
      await closing
    },
  }
}

function serveDatagrams(socket: Datagrams, addressFor: (name: string) => string | null): void {
  socket.on('error', () => {})
  socket.on('message', (message, from) => {
    const answer = answerQuestion(message, addressFor)
    if (answer !== null) socket.send(answer, from.port, from.address, () => {})
  })
}

function serveStreams(server: Server, asking: Set<Socket>, addressFor: (name: string) => string | null, clock: Clock): void {
  server.on('connection', socket => {
    socket.on('error', () => {})
    if (asking.size >= MAX_ASKING) return void socket.destroy()
    asking.add(socket)
    const timer = clock.after(ASK_MS, () => socket.destroy())
    socket.once('close', () => { timer.cancel(); asking.delete(socket) })
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      while (rest.length >= LENGTH && rest.length >= LENGTH + rest.readUInt16BE(0)) {
        const end = LENGTH + rest.readUInt16BE(0)
        const answer = answerQuestion(rest.subarray(LENGTH, end), addressFor)
        rest = rest.subarray(end)
        if (answer === null) return void socket.destroy()
        const length = Buffer.alloc(LENGTH)
        length.writeUInt16BE(answer.length)
        socket.write(Buffer.concat([length, answer]))
      }
    })
  })
}
