/** The clients of the benchmark: tunnels through a proxy, TLS in them, requests one after the other. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import type { SecureContext, TLSSocket } from 'node:tls'

export interface Target {
  /** Of the proxy. */
  readonly proxyPort: number
  /** Trusts the proxy's CA. */
  readonly context: SecureContext
  readonly originPort: number
}

/** Bytes of body in every answer of the origin. */
export const BODY_BYTES = 1_024

/** @param ca PEM */
export function targetOf(proxyPort: number, ca: string, originPort: number): Target {
  return { proxyPort, originPort, context: createSecureContext({ ca }) }
}

/** What goes through a tunnel: connections that stay open, and carry one request after the other. */
export interface Load {
  /** Sends so many requests over all connections together. */
  run(requests: number): Promise<void>
  close(): void
}

export async function openLoad(target: Target, host: string, connections: number): Promise<Load> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => openTunnel(target, host)))
  const requesters = sockets.map(socket => createRequester(socket, requestText(host, target.originPort)))
  return {
    async run(requests) {
      let left = requests
      await Promise.all(requesters.map(async send => { while (left-- > 0) await send() }))
    },
    close() { for (const socket of sockets) socket.destroy() },
  }
}

/** A connection of its own for one request. */
export async function oneRequest(target: Target, host: string): Promise<void> {
  const load = await openLoad(target, host, 1)
  await load.run(1)
  load.close()
}

export async function openTunnel({ proxyPort, context, originPort }: Target, host: string): Promise<TLSSocket> {
  const socket = connect({ port: proxyPort, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  socket.write(`CONNECT ${host}:${originPort} HTTP/1.1\r\nHost: ${host}:${originPort}\r\n\r\n`)
  const answer = await once(socket, 'data')
  if (!String(answer).startsWith('HTTP/1.1 200')) throw new Error(`the proxy answered ${String(answer)}`)
  const secure = connectTls({ socket, servername: host, secureContext: context })
  await once(secure, 'secureConnect')
  return secure
}

export function requestText(host: string, port: number, path = '/data'): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUser-Agent: bench/1\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n\r\n`
}

/** @returns sends the request and waits for the whole of its answer, which must be a 200 */
function createRequester(socket: TLSSocket, text: string): () => Promise<void> {
  let left = -1
  let done: (() => void) | null = null
  let fail: ((error: Error) => void) | null = null
  socket.on('data', (chunk: Buffer) => {
    if (left < 0) {
      const end = chunk.indexOf('\r\n\r\n')
      if (chunk.toString('latin1', 0, 12) !== 'HTTP/1.1 200' || end < 0) return fail?.(new Error(`an answer began with ${chunk.toString('latin1', 0, 200)}`))
      left = BODY_BYTES - (chunk.length - end - 4)
    } else left -= chunk.length
    if (left > 0) return
    left = -1
    done?.()
  })
  socket.on('error', error => fail?.(error))
  socket.on('close', () => fail?.(new Error('the connection closed')))
  return () => new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new Error('the connection was closed while it idled'))
    done = resolve
    fail = reject
    socket.write(text)
  })
}

function once(socket: Socket | TLSSocket, event: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    socket.once(event, (value: unknown) => {
      socket.off('error', reject)
      resolve(value)
    })
    socket.once('error', reject)
  })
}
