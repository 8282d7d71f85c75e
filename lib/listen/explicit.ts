/**
 * The proxy's own port: absolute-form requests and CONNECT (RFC 9110 §9.3.6, RFC 9112 §3.2.2).
 *
 * A CONNECT is answered at once. Only one that is malformed, comes from a client that may not use the
 * proxy, or finds it full is refused here; every ruling is given inside the tunnel, where it is read.
 */
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../model/clock.ts'
import type { RefusalCode } from '../model/errors.ts'
import type { Arrival, Normalized, Unread } from '../model/flow.ts'
import type { RawFields, StreamFacts } from '../model/request.ts'
import type { Identify } from './clients.ts'
import { withoutMapping } from './clients.ts'
import type { Connection } from './connection.ts'
import { refuseConnection } from './exchange.ts'
import type { Front } from './front.ts'
import type { Opened } from './intercept.ts'
import { createStream } from './stream.ts'
import type { Said } from './reply.ts'

/** A CONNECT as it stood on the wire. */
export interface RawConnect {
  readonly client: string
  readonly target: string
  readonly httpVersion: string
  readonly fields: RawFields
}

export interface ExplicitOptions {
  readonly clock: Clock
  newFlow(): string
  readonly identify: Identify
  normalizeConnect(raw: RawConnect): Normalized<StreamFacts>
  arrive(arrival: Arrival): void
  enter(opened: Opened): void
}

export type HandleConnect = (request: IncomingMessage, connection: Connection, head: Uint8Array) => void

/** Answers a CONNECT that the front found well-formed as HTTP. */
export function createConnectHandler(options: ExplicitOptions): HandleConnect {
  return (request, connection, head) => {
    const { socket } = connection
    const address = 'remoteAddress' in connection.rawSocket ? String(connection.rawSocket.remoteAddress ?? '') : ''
    const target = request.url ?? ''
    const refuse = (code: RefusalCode, reason: string, unread: Unread): void => {
      const said: Said = { method: 'CONNECT', host: unread.host, port: unread.port, path: target }
      const window = createStream(socket, head, refusal => refuseConnection(connection, refusal, said, options.clock))
      options.arrive({ flow: options.newFlow(), facts: { kind: 'refused', code, reason, unread }, window })
    }
    const identified = options.identify(address, request.rawHeaders)
    if (identified.kind === 'refused') {
      return refuse('client_refused', identified.reason, { client: withoutMapping(address), scheme: null, host: null, port: null, method: 'CONNECT', target })
    }
    const normalized = options.normalizeConnect({ client: identified.label, target, httpVersion: request.httpVersion, fields: request.rawHeaders })
    if (normalized.kind === 'refused') return refuse(normalized.code, normalized.reason, normalized.unread)
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    if (head.length > 0) socket.unshift(head)
    const { host, hostKind, port } = normalized.facts
    options.enter({ socket, caller: identified, authority: { host, hostKind, port } })
  }
}

export interface AcceptOptions {
  readonly clock: Clock
  readonly front: Front
  newFlow(): string
  arrive(arrival: Arrival): void
  readonly limits: { readonly connections: number }
  /** Whether a client at the other end of this connection may use the proxy at all; null when it may. Asked once a connection. */
  inspect(socket: Duplex): Promise<string | null> | null
}

export interface Acceptor {
  accept(socket: Duplex): void
  /** Connections that are open. */
  readonly count: number
  destroy(): void
}

/** Takes connections, from a port or from an embedding runtime, and keeps count of them. */
export function createAcceptor(options: AcceptOptions): Acceptor {
  const open = new Set<Duplex>()
  const refuse = (socket: Duplex, code: RefusalCode, reason: string): void => {
    const connection = { socket, rawSocket: socket, isClosing: true } as Connection
    const unread: Unread = { client: '', scheme: null, host: null, port: null, method: null, target: null }
    const said: Said = { method: null, host: null, port: null, path: null }
    const window = createStream(socket, Buffer.alloc(0), refusal => refuseConnection(connection, refusal, said, options.clock))
    options.arrive({ flow: options.newFlow(), facts: { kind: 'refused', code, reason, unread }, window })
  }
  return {
    get count() { return open.size },
    destroy() { for (const socket of open) socket.destroy() },
    accept(socket) {
      socket.on('error', () => {})
      if (open.size >= options.limits.connections) return refuse(socket, 'proxy_full', `${open.size} connections are open`)
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      const attach = (): void => options.front.attach(socket, { rawSocket: socket, tunnel: null, caller: null })
      const inspection = options.inspect(socket)
      if (inspection === null) return attach()
      inspection.then(
        problem => problem === null ? attach() : refuse(socket, 'client_refused', problem),
        () => refuse(socket, 'client_refused', 'the client could not be told apart from the operator'),
      )
    },
  }
}

/** @throws what `listen` throws, for the caller to name the address in */
export async function listenOn(address: { readonly host: string, readonly port: number }, accept: (socket: Duplex) => void): Promise<{ readonly server: Server, readonly address: AddressInfo }> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address.host, port: address.port }, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
  return { server, address: server.address() as AddressInfo }
}
