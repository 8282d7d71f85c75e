/**
 * How a connection is broken off, so that what was on its way is not taken for the whole.
 *
 * Not with a reset while its own end is on its way: libuv refuses that, and Node has let go of the handle by then, so that the
 * connection would stay open with nobody to close it, and never say that it is closed (run: Node 20.20, libuv 1.46).
 */

export interface Breakable {
  readonly destroyed: boolean
  readonly writableEnded: boolean
  readonly writableFinished: boolean
  destroy(): unknown
  /** Of a TCP socket; what has none is destroyed. */
  resetAndDestroy?(): unknown
}

/** @param carried  what runs on it, whose end is its end as well: its TLS */
export function reset(connection: Breakable, carried: Breakable = connection): void {
  if (connection.destroyed) return
  if (typeof connection.resetAndDestroy !== 'function' || isEnding(connection) || isEnding(carried)) connection.destroy()
  else connection.resetAndDestroy()
}

function isEnding({ writableEnded, writableFinished }: Breakable): boolean {
  return writableEnded && !writableFinished
}
