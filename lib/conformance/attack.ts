/** One case on the wire: its bytes written, its answer read. Knows nothing of what would be right. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../model/clock.ts'
import { asksHead, statusesOf } from './answers.ts'
import { bytesOf } from './cases.ts'
import type { BytesCase } from './cases.ts'
import { exchange, isOpened, reaches, tunnel } from './exchange.ts'
import type { Exchange } from './exchange.ts'

export interface Address { readonly host: string, readonly port: number }

/** An address, and how one gets there. */
export interface Door extends Address {
  /** Address that the client comes from. Default: the system's choice. */
  readonly from?: string
  /** Told of each connection on which something was asked how many answers were read there. */
  readonly heard?: (answers: number) => void
}

export const reach = ({ host, port, from }: Door): Socket => connect({ host, port, ...from === undefined ? {} : { localAddress: from } })

/** @returns all that came, latin-1; empty when there was no answer */
export async function attack(proxy: Door, one: Pick<BytesCase, 'via' | 'connect' | 'sni' | 'bytes'>, clock: Clock, quiet: Pick<Exchange, 'quietMs' | 'caughtUp'>): Promise<string> {
  const written = { bytes: bytesOf(one), clock, ...quiet }
  const socket = reach(proxy)
  const read = (answer: string): string => {
    if (written.bytes !== '' || one.via === 'tunnel') proxy.heard?.(statusesOf(answer, asksHead(written.bytes)).length)
    return answer
  }
  if (one.via === 'absolute-form') return read(await exchange(socket, written))
  const authority = one.connect ?? ''
  const answer = await tunnel(socket, authority, clock)
  if (!isOpened(answer)) return read(answer)
  // The certificate is the proxy's own matter here: the attacker does not care for it.
  const secure = connectTls({ socket, servername: one.sni ?? authority.replace(/:\d+$/, ''), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  if (await reaches(secure, 'secureConnect', clock)) return read(await exchange(secure, written))
  socket.destroy()
  return read('')
}

const SERVED = /^HTTP\/1\.[01] 200/

/**
 * A request over TLS of a client that means well.
 *
 * @param roots PEM; any certificate will do without
 * @returns why not
 */
export async function servesSecurely(proxy: Address, host: string, roots: string | undefined, clock: Clock): Promise<string | null> {
  const socket = connect(proxy.port, proxy.host)
  const answer = await tunnel(socket, `${host}:443`, clock)
  if (!isOpened(answer)) return `CONNECT is answered ${firstLineOf(answer) || 'with nothing'}`
  const secure = connectTls({ socket, servername: host, ALPNProtocols: ['http/1.1'], ...roots === undefined ? { rejectUnauthorized: false } : { ca: roots } })
  let problem = 'the connection was closed'
  secure.once('error', error => { problem = error.message })
  const got = await exchange(secure, { bytes: alive('/alive', host), clock, done: SERVED })
  socket.destroy()
  return SERVED.test(got) ? null : got === '' ? problem : `it answers ${firstLineOf(got)}`
}

/** A plain request of a client that means well, on a connection of its own. */
export async function isAlive(proxy: Address, host: string, clock: Clock): Promise<'alive' | 'crashed' | 'hung'> {
  const socket = connect(proxy.port, proxy.host)
  let isRefused = false
  socket.once('error', () => { isRefused = true })
  const answer = await exchange(socket, { bytes: alive(`http://${host}/alive`, host), clock, done: SERVED })
  socket.destroy()
  if (SERVED.test(answer)) return 'alive'
  return isRefused ? 'crashed' : 'hung'
}

/** Others are served, several times in a row: whatever came before them has had its turns. */
export async function catchUp(proxy: Address, host: string, clock: Clock): Promise<void> {
  for (let served = 0; served < TURNS; served++) if (await isAlive(proxy, host, clock) !== 'alive') return
}

/** An exchange over TLS takes as many turns as these requests together. */
const TURNS = 3

const alive = (target: string, host: string): string => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

const firstLineOf = (answer: string): string => answer.slice(0, 80).split('\r')[0] ?? ''
