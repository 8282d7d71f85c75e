/**
 * Closes client connections on which nothing moves: soon between requests, late while one is under way, unless its client has
 * closed its half: it may have gone for good, which the kernel tells whoever writes to it and nobody else.
 *
 * One timer looks at all of them. A timer for each connection would be set anew at every request.
 */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock, Timer } from '../model/clock.ts'
import type { Connection, ConnectionLimits } from './connection.ts'

/** How late a connection may be closed, at most. */
const SWEEP_MS = 1_000

export interface IdleWatch {
  /** To be called with each new connection. Stops by itself when none is left. */
  start(): void
}

/** @param connections as they are now, by the socket that carries the HTTP */
export function createIdleWatch(clock: Clock, limits: ConnectionLimits, connections: ReadonlyMap<Duplex, Connection>): IdleWatch {
  let timer: Timer | null = null

  function sweep(): void {
    if (connections.size === 0) {
      timer?.cancel()
      timer = null
    }
    const now = clock.elapsed()
    for (const connection of connections.values()) {
      const bytes = bytesOn(connection.socket)
      if (bytes !== connection.bytes) {
        connection.bytes = bytes
        connection.movedAt = now
      } else if (now - connection.movedAt >= limitOf(connection)) {
        connection.socket.destroy()
        connection.rawSocket.destroy()
      } else if (connection.hasEnded && now - connection.movedAt >= limits.betweenMs / 2) {
        for (const exchange of connection.underway) exchange.probe()
      }
    }
  }

  /** One that closes, or became a WebSocket, is somebody else's. */
  function limitOf({ underway, hasEnded, isClosing }: Connection): number {
    if (underway.length > 0) return hasEnded ? limits.betweenMs : limits.streamIdleMs
    return isClosing ? Infinity : limits.betweenMs
  }

  return {
    start() { timer ??= clock.every(Math.min(SWEEP_MS, limits.betweenMs / 2, limits.streamIdleMs / 2), sweep) },
  }
}

/** Either way. A stream of the embedding runtime may not count: it then idles as long as its other end likes. */
function bytesOn(socket: Duplex): number {
  const { bytesRead, bytesWritten } = socket as Partial<Socket>
  return bytesRead === undefined || bytesWritten === undefined ? NaN : bytesRead + bytesWritten
}
