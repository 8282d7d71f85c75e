/**
 * The operator's door: HTTP and JSON on a unix socket that its owner alone can open.
 *
 * It hands requests to the desk and holds no state of the firewall. Whatever a client sends, the
 * server stays up, answers in JSON, and after `close()` no socket is left in the file system.
 */
import { createServer, STATUS_CODES } from 'node:http'
import type { Clock } from '../model/clock.ts'
import type { Desk } from '../model/desk.ts'
import type { ParseAnswer } from './actions.ts'
import { errorBody } from './replies.ts'
import { createRoutes, refuseForeign } from './routes.ts'
import { listenPrivately } from './socket.ts'

export interface ControlServer {
  /** Absolute path of the socket. */
  readonly path: string
  /** Ends streams, lets answers that are being taken finish for up to a second, and removes the socket. */
  close(): Promise<void>
}

/** One operator's tools need a few; a leak in one of them must not eat the firewall's file descriptors. */
const MAX_CONNECTIONS = 64
const MAX_HEAD_BYTES = 16 * 1024
/** A whole request, head and body, has to arrive within this. */
const REQUEST_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 5_000
const CLOSE_GRACE_MS = 1_000

/** @throws OperatorError E_CONTROL_FAILED when the socket cannot be had safely */
export async function serveControl(options: {
  readonly path: string
  readonly desk: Desk
  readonly clock: Clock
  readonly parseAnswer: ParseAnswer
}): Promise<ControlServer> {
  const routes = createRoutes({ ...options, door: 'control', refuse: refuseForeign })
  const server = createServer({
    maxHeaderSize: MAX_HEAD_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: REQUEST_TIMEOUT_MS / 2,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Refused by the routes, which say why.
    requireHostHeader: false,
  })
  server.maxConnections = MAX_CONNECTIONS

  const serving = new Set<Promise<void>>()
  const occupied = new WeakMap<object, number>()
  server.on('request', (request, response) => {
    const { socket } = request
    occupied.set(socket, (occupied.get(socket) ?? 0) + 1)
    response.once('close', () => occupied.set(socket, (occupied.get(socket) ?? 1) - 1))
    const served = routes.serve(request, response).finally(() => serving.delete(served))
    serving.add(served)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // A response that is under way on this connection must not be mixed with ours.
    if (!socket.writable || (occupied.get(socket) ?? 0) > 0) socket.destroy()
    else endWith(socket, CLIENT_ERRORS[error.code ?? ''] ?? [400, 'The request is not well-formed HTTP.'])
  })
  server.on('connect', (_, socket) => endWith(socket, [405, 'This is not a proxy.']))

  const path = await listenPrivately(server, options.path)
  server.on('error', () => { /* accepting failed, for want of file descriptors: the next connection may do better */ })

  let closed: Promise<void> | undefined
  const close = async () => {
    const done = new Promise<void>(resolve => server.close(() => resolve()))
    const timer = options.clock.after(CLOSE_GRACE_MS, () => server.closeAllConnections())
    routes.endStreams()
    await Promise.race([Promise.allSettled(serving), done])
    server.closeAllConnections()
    timer.cancel()
    await done
  }
  return { path, close: () => closed ??= close() }
}

const CLIENT_ERRORS: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The request header is too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
}

function endWith(socket: NodeJS.WritableStream & { destroy(): unknown }, [status, message]: readonly [status: number, message: string]): void {
  const text = JSON.stringify(errorBody(message))
  socket.on('error', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
    () => socket.destroy(),
  )
}
