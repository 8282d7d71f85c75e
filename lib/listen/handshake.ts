/**
 * The window between a WebSocket's opening handshake and whatever answers it.
 *
 * Node has taken its parser off the socket by now: what is written here is all the client gets.
 */
import { STATUS_CODES } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../model/clock.ts'
import type { Handshake } from '../model/flow.ts'
import { closeGently, cutOff } from './connection.ts'
import type { Connection } from './connection.ts'
import { refuseConnection } from './exchange.ts'
import type { Said } from './reply.ts'

export interface HandshakeParts {
  readonly request: IncomingMessage
  readonly connection: Connection
  readonly head: Uint8Array
  readonly said: Said
  readonly clock: Clock
}

export function createHandshake(parts: HandshakeParts): Handshake {
  const { request, connection, head } = parts
  const socket: Duplex = connection.socket
  const departure = watchDeparture(socket)
  connection.isClosing = true
  return {
    kind: 'upgrade',
    peer: connection.rawSocket,
    fields: request.rawHeaders,
    request,
    socket,
    head,
    get isGone() { return departure.isGone },
    onGone: departure.onGone,
    refuse(refusal) { refuseConnection(connection, refusal, parts.said, parts.clock) },
    cut() { cutOff(connection) },
    answer(status, fields, body) {
      let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
      for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`
      socket.write(`${text}Connection: close\r\n\r\n`, 'latin1')
      body.on('error', () => cutOff(connection))
      // The client may be in the middle of what it wanted to say in the channel, and somebody has to read that to see its end.
      body.once('end', () => closeGently(connection, parts.clock))
      body.pipe(socket, { end: false })
    },
  }
}

export interface Departure {
  readonly isGone: boolean
  onGone(call: () => void): () => void
}

/** Tells once when a socket has closed. */
export function watchDeparture(socket: Duplex): Departure {
  const calls = new Set<() => void>()
  let isGone = socket.destroyed
  socket.on('error', () => {})
  socket.once('close', () => {
    isGone = true
    for (const call of calls) call()
    calls.clear()
  })
  return {
    get isGone() { return isGone },
    onGone(call) {
      if (isGone) call()
      else calls.add(call)
      return () => calls.delete(call)
    },
  }
}
