/**
 * The window onto a connection that is relayed byte by byte, or not at all.
 */
import type { Duplex } from 'node:stream'
import type { Refusal, Stream } from '../model/flow.ts'
import { watchDeparture } from './handshake.ts'

/**
 * @param refuse  how the client is told. By default it is not: it speaks a protocol in which we have
 *   no words, so the connection closes and the audit record says why.
 */
export function createStream(socket: Duplex, head: Uint8Array, refuse: (refusal: Refusal) => void = () => socket.destroy()): Stream {
  const departure = watchDeparture(socket)
  return {
    kind: 'stream',
    peer: socket,
    socket,
    head,
    get isGone() { return departure.isGone },
    onGone: departure.onGone,
    refuse,
    cut() { socket.destroy() },
  }
}
