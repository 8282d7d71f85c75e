/**
 * The operator's door: HTTP and JSON on a unix socket that its owner alone can open.
 *
 * It hands requests to the desk and holds no state of the firewall. Whatever a client sends, the
 * server stays up, answers in JSON, and after `close()` no socket is left in the file system.
 */
import type { Clock } from '../model/clock.ts'
import type { Desk } from '../model/desk.ts'
import type { ParseAnswer } from './actions.ts'
import { createHttpDoor } from './http-door.ts'
import { createRoutes, refuseForeign } from './routes.ts'
import { listenPrivately } from './socket.ts'

export interface ControlServer {
  /** Absolute path of the socket. */
  readonly path: string
  /** Ends streams, lets answers that are being taken finish for up to a second, and removes the socket. */
  close(): Promise<void>
}

/** @throws OperatorError E_CONTROL_FAILED when the socket cannot be had safely */
export async function serveControl(options: {
  readonly path: string
  readonly desk: Desk
  readonly clock: Clock
  readonly parseAnswer: ParseAnswer
  /** A new link that signs in at the console; null where there is none. */
  consoleLink?(): string | null
}): Promise<ControlServer> {
  const routes = createRoutes({ ...options, door: 'control', refuse: refuseForeign })
  const { server, close } = createHttpDoor(options.clock, routes)
  const path = await listenPrivately(server, options.path)
  server.on('error', () => { /* accepting failed, for want of file descriptors: the next connection may do better */ })
  return { path, close }
}
