/** A client that writes bytes and reads bytes: on the proxy's port, in a tunnel, or in TLS inside a tunnel. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'

export interface Wire {
  readonly socket: Socket | TLSSocket
  write(bytes: string | Uint8Array): void
  /** All that has come so far, latin-1. */
  readonly text: string
  /** Waits until what has come holds the text. */
  until(part: string | RegExp): Promise<string>
  /** Waits until the connection has ended; returns all that came. */
  ended(): Promise<string>
  close(): void
}

/** @param port the proxy's */
export async function openWire(port: number): Promise<Wire> {
  const socket = connect(port, '127.0.0.1')
  await new Promise<void>((resolve, reject) => { socket.once('connect', resolve); socket.once('error', reject) })
  return wireOf(socket)
}

/** CONNECT, answered with 200. @throws with the answer when it was another */
export async function openTunnel(port: number, authority: string, fields = ''): Promise<Wire> {
  const wire = await openWire(port)
  wire.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${fields}\r\n`)
  const head = await wire.until('\r\n\r\n')
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`CONNECT was answered with: ${head}`)
  wire.socket.removeAllListeners('data')
  wire.socket.pause()
  return wireOf(wire.socket)
}

/** TLS inside a tunnel. `tls.servername` is the SNI; the tunnel's host by default. */
export async function openSecureTunnel(port: number, authority: string, tls: ConnectionOptions): Promise<Wire> {
  const { socket } = await openTunnel(port, authority)
  socket.removeAllListeners('data')
  const secure = connectTls({ servername: authority.replace(/:\d+$/, ''), ALPNProtocols: ['http/1.1'], ...tls, socket })
  await new Promise<void>((resolve, reject) => { secure.once('secureConnect', resolve); secure.once('error', reject) })
  return wireOf(secure)
}

export function wireOf(socket: Socket | TLSSocket): Wire {
  let text = ''
  let isEnded = false
  const waiting = new Set<() => void>()
  const tell = (): void => { for (const call of [...waiting]) call() }
  socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1'); tell() })
  socket.on('error', () => {})
  socket.resume()
  for (const event of ['end', 'close']) socket.on(event, () => { isEnded = true; tell() })
  const wait = (isDone: () => boolean, problem: () => string): Promise<string> => new Promise((resolve, reject) => {
    const look = (): void => {
      if (!isDone() && !isEnded) return
      waiting.delete(look)
      if (isDone()) resolve(text)
      else reject(new Error(problem()))
    }
    waiting.add(look)
    look()
  })
  return {
    socket,
    write(bytes) { socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes) },
    get text() { return text },
    until: part => wait(() => typeof part === 'string' ? text.includes(part) : part.test(text), () => `the connection ended before ${String(part)}; it said: ${text}`),
    ended: () => wait(() => isEnded, () => ''),
    close() { socket.destroy() },
  }
}
