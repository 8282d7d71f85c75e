/**
 * One client connection that speaks HTTP/1.1: what is known of it, what is under way on it, and
 * the deadlines that Node's server does not keep for a socket it never accepted itself (FACTS §2).
 *
 *   between --first byte of a head--> head --its last byte--> body / between
 *   any state --refusal that ends it--> closing: nothing further on it is read as a request
 */
import type { Duplex } from 'node:stream'
import type { HeadWatch } from '../identify/head-watch.ts'
import type { Clock, Timer } from '../model/clock.ts'
import type { RefusalCode } from '../model/errors.ts'
import type { Authority } from '../model/request.ts'
import { reset } from '../model/reset.ts'

/** The tunnel a connection runs in; null on the proxy's own port. */
export interface Tunnel {
  readonly authority: Authority
  readonly isSecure: boolean
  /** SNI as the client wrote it; null where it sent none. */
  readonly serverName: string | null
}

export interface Caller {
  readonly label: string
  /** Told apart from others by a token. */
  readonly isKnown: boolean
}

/** An exchange that has begun on a connection and is not over. */
export interface Underway {
  /** Its request changes nothing (RFC 9110 §9.2.1), in whatever way its method is read. */
  readonly isSafe: boolean
  /** The client's side is broken: tell it `code` if nothing was said yet, then end. */
  breakOff(code: RefusalCode | null): void
  /**
   * The client closed its half. One that has left for good answers the next byte with a reset, one that only
   * finished its request reads on: an interim response (RFC 9110 §15.2) tells which.
   */
  probe(): void
}

export interface Connection {
  /** Carries the HTTP: the TLS socket inside a tunnel, else the client's own. */
  readonly socket: Duplex
  /** What the kernel accepted, where there is such a thing. */
  readonly rawSocket: Duplex
  readonly tunnel: Tunnel | null
  /** The client that opened the tunnel; null on the plain port, where each request says who sends it. */
  readonly caller: Caller | null
  readonly watch: HeadWatch
  /** In the order of their requests. */
  readonly underway: Underway[]
  /** Those under way that have to wait for others before them. */
  readonly queue: { readonly exchange: Underway, readonly begin: () => void }[]
  /** Under way at a time; then nothing further is read. */
  readonly most: number
  /** Flows begun on it. A connection that ends with none is a flow by itself. */
  flows: number
  /** Nothing further on it is read as a request; answers to what came before are still sent, in order. */
  isClosing: boolean
  /** The client has closed its half. */
  hasEnded: boolean
  /** We are shutting down: the next answer is the last. */
  isDraining: boolean
  /** Seen on it by the idle watch, both ways, and when they last changed. */
  bytes: number
  movedAt: number
  /** Takes our ears off its socket: what follows is no request, or is read anew. */
  letGo(): void
}

export interface ConnectionLimits {
  /** Requests of one connection that are under way at a time. */
  readonly pipelined: number
  /** From the first byte of a head to its last. */
  readonly headerMs: number
  /** With no request under way, or one whose client has closed its half and can be told nothing. */
  readonly betweenMs: number
  /** With a request under way and no byte either way. */
  readonly streamIdleMs: number
}

/** Those that are being ended: each by one timer, however often somebody says so. */
const lingering = new WeakSet<Duplex>()

/** How long, and how much, a client that was refused may go on sending before its connection is destroyed. */
const LINGER_MS = 2_000
const LINGER_BYTES = 4 * 1024 * 1024

/** The deadline of a head. Costs nothing for one that arrives in one piece, and does not run while we are the ones who do not read. */
export interface HeadDeadline {
  /** After every chunk. */
  look(): void
  stop(): void
}

export function headDeadline(connection: Connection, clock: Clock, limits: ConnectionLimits, late: () => void): HeadDeadline {
  let timer: Timer | null = null
  const stop = (): void => {
    timer?.cancel()
    timer = null
  }
  return {
    stop,
    look() {
      if (connection.watch.phase !== 'head' || connection.isClosing) return stop()
      timer ??= clock.after(limits.headerMs, () => {
        timer = null
        if (!connection.socket.isPaused()) late()
      })
    },
  }
}

/**
 * Ends a connection so that the client can still read what we told it: our side is closed, what it
 * goes on sending is thrown away for a moment, then it is destroyed. Closing with unread bytes would
 * make the kernel send a reset, and the answer could be lost with it.
 */
export function closeGently(connection: Connection, clock: Clock): void {
  const { socket, rawSocket } = connection
  if (socket.destroyed || lingering.has(socket)) return
  lingering.add(socket)
  connection.isClosing = true
  const end = (): void => { rawSocket.destroy(); socket.destroy() }
  const timer = clock.after(LINGER_MS, end)
  let bytes = 0
  socket.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length
    if (bytes > LINGER_BYTES) end()
  })
  socket.once('end', end)
  socket.once('close', () => timer.cancel())
  socket.resume()
  socket.end()
}

/** Breaks a connection off with a reset, so that a body that ends with its connection is not taken for complete. */
export function cutOff(connection: Connection): void {
  connection.isClosing = true
  reset(connection.rawSocket, connection.socket)
  // Not in this turn: over TLS it would say that it is closed at once, and Node let go of the parser that may have called us.
  process.nextTick(() => connection.socket.destroy())
}
