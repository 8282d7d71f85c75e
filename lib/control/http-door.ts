/**
 * The HTTP server behind an operator's door, wherever it listens: bounded in connections, size and time, up
 * whatever a client sends, and closed without waiting for anybody for long.
 */
import { createServer, STATUS_CODES } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Clock } from '../model/clock.ts'
import { errorBody, refusal, send } from './replies.ts'

export interface HttpDoor {
  /** To be bound by whoever made it. */
  readonly server: Server
  /** Ends streams, lets answers that are being taken finish for up to a second. */
  close(): Promise<void>
}

export interface Served {
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Ends every event stream as one that is complete. */
  endStreams(): void
}

/** One operator's tools need a few; a leak in one of them must not eat the firewall's file descriptors. */
const MAX_CONNECTIONS = 64
const MAX_HEAD_BYTES = 16 * 1024
/** A whole request, head and body, has to arrive within this. */
const REQUEST_TIMEOUT_MS = 10_000
const KEEP_ALIVE_MS = 5_000
const CLOSE_GRACE_MS = 1_000

export function createHttpDoor(clock: Clock, { serve, endStreams }: Served): HttpDoor {
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
    const served = serve(request, response).finally(() => serving.delete(served))
    serving.add(served)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // A response that is under way on this connection must not be mixed with ours.
    if (!socket.writable || (occupied.get(socket) ?? 0) > 0) socket.destroy()
    else endWith(socket, CLIENT_ERRORS[error.code ?? ''] ?? [400, 'The request is not well-formed HTTP.'])
  })
  server.on('checkExpectation', (request, response) => send(response, refusal(417, 'Nothing can be expected here but 100-continue.'), request.complete))
  server.on('connect', (_, socket) => endWith(socket, [405, 'This is not a proxy.']))

  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    const done = new Promise<void>(resolve => server.close(() => resolve()))
    const timer = clock.after(CLOSE_GRACE_MS, () => server.closeAllConnections())
    endStreams()
    await Promise.race([Promise.allSettled(serving), done])
    server.closeAllConnections()
    timer.cancel()
    await done
  }
  return { server, close: () => closed ??= close() }
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
