/**
 * What Sallyport is compared with: the plain Node way of intercepting HTTPS (`node:http`, `https.request`
 * and `pipe`), and the same with http-proxy in the place of the last two. Neither judges, holds or logs.
 *
 * Both mint their leaves with the same CA code as we do, cache contexts per host and reuse upstream
 * connections, so that only the way of forwarding differs.
 */
import { Server, createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import httpProxy from 'http-proxy'
import { systemClock } from '../lib/model/clock.ts'
import { canonicalHost } from '../lib/normalize/host.ts'
import { createContexts } from '../lib/tls/contexts.ts'
import { openStore } from '../lib/tls/store.ts'

export interface PlainOptions {
  readonly design: 'plain' | 'http-proxy' | 'sallyport'
  readonly dir: string
  readonly originPort: number
  /** PEM. */
  readonly originCa: string
}

export async function createPlainProxy(options: PlainOptions): Promise<{ readonly port: number, readonly caFile: string }> {
  const store = await openStore(options.dir, { clock: systemClock })
  const contexts = createContexts(store, { clock: systemClock, max: 1_000 })
  const agent = new Agent({ keepAlive: true, ca: options.originCa, maxFreeSockets: 256, scheduling: 'lifo' })
  const inner = new Server(options.design === 'plain' ? forwardPlainly(agent, options) : forwardByHttpProxy(agent, options))

  const outer = createServer()
  outer.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    if (head.length > 0) socket.unshift(head)
    const host = canonicalHost(request.url?.replace(/:\d+$/, '') ?? '')
    if (host.kind === 'refused') return void socket.destroy()
    const secure = new TLSSocket(socket, { isServer: true, secureContext: contexts.contextFor(host.host, host.hostKind) })
    secure.on('error', () => secure.destroy())
    secure.once('secure', () => inner.emit('connection', secure))
  })
  await new Promise<void>(resolve => outer.listen(0, '127.0.0.1', resolve))
  return { port: (outer.address() as AddressInfo).port, caFile: store.certificatePath }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

function forwardPlainly(agent: Agent, { originPort }: PlainOptions): Handler {
  return (request, response) => {
    const servername = request.headers.host?.replace(/:\d+$/, '')
    const upstream = httpsRequest({ host: '127.0.0.1', port: originPort, servername, method: request.method, path: request.url, headers: request.headers, agent }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    upstream.on('error', () => response.destroy())
    request.pipe(upstream)
  }
}

function forwardByHttpProxy(agent: Agent, { originPort }: PlainOptions): Handler {
  const proxy = httpProxy.createProxyServer({ agent })
  proxy.on('error', (_error, _request, response) => response.destroy())
  return (request, response) => {
    const servername = request.headers.host?.replace(/:\d+$/, '') ?? ''
    // Its types know strings only; the servername has to go along for the certificate to be verified.
    const target = { protocol: 'https:', host: '127.0.0.1', port: originPort, servername } as unknown as string
    proxy.web(request, response, { target })
  }
}
