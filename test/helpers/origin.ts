/** A real HTTP(S) server on loopback that remembers what it was asked. */
import { createServer as createHttp } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { originCertificate } from './certificates.ts'
import type { TestCertificate } from './certificates.ts'

export interface Seen {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export interface Origin {
  readonly port: number
  /** Complete requests, in order. */
  readonly requests: Seen[]
  readonly sockets: Set<Socket>
  /** Connections accepted so far. */
  connections: number
  readonly server: Server
  close(): Promise<void>
}

export interface OriginOptions {
  readonly secure?: boolean
  readonly host?: string
  readonly port?: number
  readonly certificate?: TestCertificate
  /** Takes the answer over; the default reads the whole request and says "ok". */
  readonly answer?: (request: IncomingMessage, response: ServerResponse, body: string) => void
  /** Instead of reading the body first. */
  readonly handle?: (request: IncomingMessage, response: ServerResponse) => void
}

interface Teardown { teardown(call: () => unknown): void }

export async function startOrigin(t: Teardown, options: OriginOptions = {}): Promise<Origin> {
  const requests: Seen[] = []
  const sockets = new Set<Socket>()
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    if (options.handle !== undefined) return options.handle(request, response)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('latin1')
      requests.push({ method: request.method ?? '', url: request.url ?? '', rawHeaders: request.rawHeaders, body })
      if (options.answer !== undefined) return options.answer(request, response, body)
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 3 })
      response.end('ok\n')
    })
  }
  const certificate = options.certificate ?? originCertificate()
  const server: Server = options.secure === true ? createHttps({ cert: certificate.cert, key: certificate.key }, listener) : createHttp(listener)
  const origin = {
    port: 0, requests, sockets, connections: 0, server,
    close: () => new Promise<void>(resolve => {
      for (const socket of sockets) socket.destroy()
      server.close(() => resolve())
    }),
  }
  server.on('connection', (socket: Socket) => {
    origin.connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve)
  })
  origin.port = (server.address() as AddressInfo).port
  t.teardown(origin.close)
  return origin
}
