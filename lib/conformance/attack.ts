/** One case on the wire: its bytes written, its answer read. Knows nothing of what would be right. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../model/clock.ts'
import { bytesOf } from './cases.ts'
import type { Case } from './cases.ts'

export interface Address { readonly host: string, readonly port: number }

/** A client that hears nothing for so long is done. */
const QUIET_MS = 500
/** A proxy that is this late with the answer to a plain request hangs. */
const ALIVE_MS = 10_000
/** An answer longer than this is none that a case could ask for, in bytes. */
const MAX_ANSWER = 2 ** 20

/** @returns all that came, latin-1; empty when there was no answer */
export async function attack(proxy: Address, one: Case, clock: Clock): Promise<string> {
  const socket = connect(proxy.port, proxy.host)
  if (one.via === 'absolute-form') return exchange(socket, bytesOf(one), clock)
  const authority = one.connect ?? ''
  const answer = await exchange(socket, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`, clock, /\r\n\r\n/)
  if (!/^HTTP\/1\.[01] 200/.test(answer)) return answer
  // The certificate is the proxy's own matter here: the attacker does not care for it.
  const secure = connectTls({ socket, servername: one.sni ?? authority.replace(/:\d+$/, ''), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  const isOpen = await new Promise<boolean>(resolve => {
    const timer = clock.after(ALIVE_MS, () => resolve(false))
    secure.once('secureConnect', () => { timer.cancel(); resolve(true) })
    for (const event of ['error', 'close']) secure.once(event, () => { timer.cancel(); resolve(false) })
  })
  if (isOpen) return exchange(secure, bytesOf(one), clock)
  socket.destroy()
  return ''
}

/**
 * A request over TLS of a client that means well.
 *
 * @param roots PEM; any certificate will do without
 * @returns why not
 */
export async function servesSecurely(proxy: Address, host: string, roots: string | undefined, clock: Clock): Promise<string | null> {
  const socket = connect(proxy.port, proxy.host)
  const answer = await exchange(socket, `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`, clock, /\r\n\r\n/)
  if (!/^HTTP\/1\.[01] 200/.test(answer)) return `CONNECT is answered ${answer.slice(0, 80).split('\r')[0] || 'with nothing'}`
  const secure = connectTls({ socket, servername: host, ALPNProtocols: ['http/1.1'], ...roots === undefined ? { rejectUnauthorized: false } : { ca: roots } })
  let problem = 'the connection was closed'
  secure.once('error', error => { problem = error.message })
  const got = await exchange(secure, `GET /alive HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, clock, /^HTTP\/1\.[01] 200/, ALIVE_MS)
  socket.destroy()
  return /^HTTP\/1\.[01] 200/.test(got) ? null : got === '' ? problem : `it answers ${got.slice(0, 80).split('\r')[0]}`
}

/** A plain request of a client that means well, on a connection of its own. */
export async function isAlive(proxy: Address, host: string, clock: Clock): Promise<'alive' | 'crashed' | 'hung'> {
  const socket = connect(proxy.port, proxy.host)
  let isRefused = false
  socket.once('error', () => { isRefused = true })
  const answer = await exchange(socket, `GET http://${host}/alive HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, clock, /^HTTP\/1\.[01] 200/, ALIVE_MS)
  socket.destroy()
  if (/^HTTP\/1\.[01] 200/.test(answer)) return 'alive'
  return isRefused ? 'crashed' : 'hung'
}

/** Writes, then listens until the end, until `done`, or until nothing has come for a while. The socket stays open only after `done`. */
function exchange(socket: Socket, bytes: string, clock: Clock, done?: RegExp, quietMs = done === undefined ? QUIET_MS : ALIVE_MS): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    const hear = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      timer.cancel()
      if (text.length > MAX_ANSWER) return finish()
      if (done?.test(text) === true) return settle()
      timer = clock.after(quietMs, finish)
    }
    const settle = (): void => {
      timer.cancel()
      socket.off('data', hear)
      socket.pause()
      resolve(text)
    }
    const finish = (): void => {
      settle()
      socket.destroy()
    }
    let timer = clock.after(quietMs, finish)
    socket.on('error', () => {})
    socket.on('data', hear)
    for (const event of ['end', 'close']) socket.once(event, () => { if (done === undefined || !done.test(text)) finish() })
    socket.write(Buffer.from(bytes, 'latin1'))
  })
}
