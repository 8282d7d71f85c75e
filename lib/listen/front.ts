/**
 * The one HTTP server of the house. It listens nowhere: every connection that speaks HTTP/1.1, on the
 * proxy's port or inside a tunnel, is handed to it.
 *
 * Keeps: each request on a connection becomes one arrival, in order, and none is made of bytes on
 * which our own reader and Node's disagree.
 */
import { Server, ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createHeadWatch } from '../identify/head-watch.ts'
import type { HeadLimits, HeadVerdict } from '../identify/head-watch.ts'
import type { Clock } from '../model/clock.ts'
import type { RefusalCode } from '../model/errors.ts'
import type { Arrival, Normalized, Unread } from '../model/flow.ts'
import type { RawRequest, RequestFacts } from '../model/request.ts'
import { closeGently, headDeadline } from './connection.ts'
import type { Caller, Connection, ConnectionLimits, Tunnel } from './connection.ts'
import type { Identify } from './clients.ts'
import { HttpExchange, refuseConnection, saidIn } from './exchange.ts'
import { createHandshake } from './handshake.ts'
import { createIdleWatch } from './idle-watch.ts'
import { beginInOrder, beginNext } from './in-order.ts'
import { joinWrites } from './one-write.ts'
import { NOTHING_SAID } from './reply.ts'
import { createStream } from './stream.ts'

export interface FrontOptions {
  readonly clock: Clock
  readonly limits: ConnectionLimits & HeadLimits
  newFlow(): string
  readonly identify: Identify
  normalize(raw: RawRequest): Normalized<RequestFacts>
  arrive(arrival: Arrival): void
  /** A connection ended before any request. */
  ended(flow: string, unread: Unread, reason: string): void
  /** A well-formed CONNECT on the plain port, from a client that may use the proxy or not. Its socket is out of HTTP now. */
  connect(request: IncomingMessage, connection: Connection, head: Uint8Array): void
}

export interface Origin {
  readonly rawSocket: Duplex
  readonly tunnel: Tunnel | null
  readonly caller: Caller | null
}

export interface Front {
  /** Reads HTTP/1.1 from a socket. */
  attach(socket: Duplex, origin: Origin): void
  /** Tells every connection that idles to close, and every other to close after what it is doing. */
  drain(): void
  destroy(): void
}

/** What Node's parser reads of a head before it gives up; ours gives up first, and says so better. */
const PARSER_SLACK_BYTES = 2_048

export function createFront(options: FrontOptions): Front {
  const { clock, limits } = options
  const connections = new Map<Duplex, Connection>()
  const idleWatch = createIdleWatch(clock, limits, connections)
  const server = new Server({
    maxHeaderSize: limits.headBytes + PARSER_SLACK_BYTES,
    // What idles is closed by our own watch, which costs nothing per request.
    keepAliveTimeout: 0,
    requestTimeout: 0,
    headersTimeout: 0,
    requireHostHeader: false,
    insecureHTTPParser: false,
  })
  // Documented nowhere but in Node's source since 0.x: without it a client that half-closes loses its answer.
  Object.assign(server, { httpAllowHalfOpen: true })
  server.on('request', (request, response) => onRequest(request, response, false))
  server.on('checkContinue', (request, response) => onRequest(request, response, true))
  server.on('checkExpectation', (request, response) => onRequest(request, response, false))
  server.on('upgrade', onUpgrade)
  server.on('connect', onConnect)
  server.on('clientError', (_error, socket) => {
    const connection = connections.get(socket)
    if (connection === undefined) socket.destroy()
    // Its request was answered before it was there in full, and has its record.
    else if (connection.watch.phase === 'body' && connection.underway.length === 0) closeGently(connection, clock)
    else onFault(connection, codeOfFault(connection), 'the bytes are no HTTP/1.1 request')
  })

  function attach(socket: Duplex, origin: Origin): void {
    joinWrites(socket)
    socket.on('error', ignore)
    read(socket, origin)
  }

  /** Again for what was put back: whatever this adds to the socket is taken off by `letGo`. */
  function read(socket: Duplex, origin: Origin): void {
    const connection: Connection = { socket, ...origin, watch: createHeadWatch(limits), underway: [], queue: [], most: limits.pipelined, flows: 0, isClosing: false, hasEnded: false, isDraining: false, bytes: 0, movedAt: clock.elapsed(), letGo }
    const deadline = headDeadline(connection, clock, limits, () => onFault(connection, 'header_timeout', 'the head did not arrive in time'))
    connections.set(socket, connection)
    idleWatch.start()
    socket.on('close', onClose)
    server.emit('connection', socket)
    // Bytes come to Node's parser by way of us: what we find fault with, and what comes behind a request that ends the connection, never does.
    const parse = socket.listeners('data').at(-1) as (chunk: Uint8Array) => void
    socket.off('data', parse)
    socket.on('data', onData)
    socket.on('end', onEnd)

    function onData(chunk: Uint8Array): void {
      if (connection.isClosing) return
      connection.watch.push(chunk)
      deadline.look()
      const { fault, isFaultAhead } = connection.watch
      if (fault !== null) {
        if (!isFaultAhead) return onFault(connection, fault.code, fault.reason)
        // Requests before it in these bytes are served first; if Node's parser waits for more of it, nobody else will tell.
        process.nextTick(() => { if (connection.watch.isFaultAhead) onFault(connection, fault.code, fault.reason) })
      }
      parse(chunk)
    }

    function onEnd(): void {
      onHalfClose(connection)
    }

    function onClose(): void {
      deadline.stop()
      // What was read and not yet handed on would reach Node's parser, which is another connection's by then.
      socket.off('data', onData)
      connections.delete(socket)
      for (const exchange of [...connection.underway]) exchange.breakOff(null)
      connection.underway.length = 0
      beginNext(connection)
      if (connection.flows === 0) options.ended(options.newFlow(), unreadOf(connection, null), `the client ended the connection before a request${isMisnamed(connection.tunnel) ? '; its SNI named another host' : ''}`)
    }

    function letGo(): void {
      deadline.stop()
      connections.delete(socket)
      socket.off('data', onData)
      socket.off('end', onEnd)
      socket.off('close', onClose)
    }

    // Node would destroy the socket as soon as its answer is out, and unread bytes would turn that into a reset.
    if ('destroySoon' in socket) socket.destroySoon = () => closeGently(connection, clock)
  }

  function onRequest(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const connection = connections.get(request.socket)
    if (connection === undefined) return void request.socket.destroySoon()
    // Whoever said so ends the connection, behind the answers to what came before.
    if (connection.isClosing) return
    const verdict = connection.watch.take()
    const flow = options.newFlow()
    connection.flows++
    const facts = judgeable(request, connection, verdict, false)
    const window = new HttpExchange(request, response, connection, flow, facts, expectsContinue, clock)
    beginInOrder(connection, window, () => options.arrive({ flow, facts, window }))
  }

  function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = connections.get(socket)
    if (connection === undefined || connection.isClosing) return void socket.destroy()
    const facts = judgeable(request, connection, connection.watch.take(), true)
    if (connection.underway.length > 0) return onFault(connection, 'malformed_request', 'an upgrade was sent behind requests that are not answered yet')
    if (facts.kind === 'facts' && facts.facts.scheme.startsWith('http')) return readAgain(request, connection, head)
    connection.flows++
    const window = createHandshake({ request, connection, head, said: saidIn(facts), clock })
    options.arrive({ flow: options.newFlow(), facts, window })
  }

  /**
   * An offer to change to a protocol that we do not carry (h2c, TLS) may be ignored (RFC 9110 §7.8). Node has
   * stopped reading the connection as HTTP, so the same request is put back without the offer and read once more.
   */
  function readAgain(request: IncomingMessage, connection: Connection, head: Buffer): void {
    const { socket } = connection
    let text = `${request.method} ${request.url} HTTP/${request.httpVersion}\r\n`
    for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
      const name = request.rawHeaders[i]!
      if (!/^(upgrade|http2-settings|connection)$/i.test(name)) text += `${name}: ${request.rawHeaders[i + 1]}\r\n`
    }
    connection.flows++
    connection.letGo()
    if (head.length > 0) socket.unshift(head)
    socket.unshift(Buffer.from(`${text}\r\n`, 'latin1'))
    read(socket, connection)
  }

  function onConnect(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = connections.get(socket)
    if (connection === undefined || connection.isClosing) return void socket.destroy()
    const verdict = connection.watch.take()
    if (connection.underway.length > 0) return onFault(connection, 'malformed_request', 'a CONNECT was sent behind requests that are not answered yet')
    connection.flows++
    connection.isClosing = true
    if (connection.tunnel !== null || verdict === null || verdict.kind === 'refused') {
      const facts = judgeable(request, connection, verdict, true)
      return options.arrive({ flow: options.newFlow(), facts, window: createHandshake({ request, connection, head, said: saidIn(facts), clock }) })
    }
    connection.letGo()
    options.connect(request, connection, head)
  }

  /** Bytes that are no request, or a body that broke its own framing. */
  function onFault(connection: Connection, code: RefusalCode, reason: string): void {
    if (connection.isClosing) return
    connection.isClosing = true
    const [first] = connection.underway
    if (first !== undefined) return first.breakOff(code)
    connection.flows++
    arriveUnread(connection, code, reason)
  }

  function arriveUnread(connection: Connection, code: RefusalCode, reason: string): void {
    const window = createStream(connection.socket, Buffer.alloc(0), refusal => refuseConnection(connection, refusal, NOTHING_SAID, clock))
    options.arrive({ flow: options.newFlow(), facts: { kind: 'refused', code, reason, unread: unreadOf(connection, null) }, window })
  }

  function judgeable(request: IncomingMessage, connection: Connection, verdict: HeadVerdict | null, isUpgrade: boolean): Normalized<RequestFacts> {
    const refuse = (code: RefusalCode, reason: string): Normalized<RequestFacts> => ({ kind: 'refused', code, reason, unread: unreadOf(connection, request) })
    if (verdict === null) return refuse('malformed_request', 'two readings of the connection disagree on where a request begins')
    if (verdict.kind === 'refused') return refuse(verdict.code, verdict.reason)
    let caller = connection.caller
    if (caller === null) {
      const identified = options.identify(remoteAddress(connection.rawSocket), request.rawHeaders)
      if (identified.kind === 'refused') return refuse('client_refused', identified.reason)
      caller = identified
    }
    return options.normalize({
      client: caller.label,
      tunnel: connection.tunnel,
      method: request.method ?? '',
      target: request.url ?? '',
      httpVersion: request.httpVersion,
      fields: request.rawHeaders,
      isUpgrade,
    })
  }

  /** Over TLS the client has gone. In the clear it may only have said that its request is complete: the exchange finds out. */
  function onHalfClose(connection: Connection): void {
    connection.hasEnded = true
    for (const exchange of [...connection.underway]) {
      if (connection.tunnel?.isSecure === true) exchange.breakOff(null)
      else exchange.probe()
    }
  }

  return {
    attach,
    drain() {
      for (const connection of connections.values()) {
        connection.isDraining = true
        if (connection.underway.length === 0) closeGently(connection, clock)
      }
    },
    destroy() {
      for (const connection of connections.values()) connection.rawSocket.destroy()
    },
  }
}

function ignore(): void {}

function codeOfFault(connection: Connection): RefusalCode {
  return connection.watch.fault?.code ?? 'malformed_request'
}

/** To be told, and not to rule by: a client that verifies us leaves by itself then. */
function isMisnamed(tunnel: Tunnel | null): boolean {
  return tunnel !== null && tunnel.serverName !== null && tunnel.serverName.toLowerCase() !== tunnel.authority.host
}

function remoteAddress(socket: Duplex): string {
  return 'remoteAddress' in socket && typeof socket.remoteAddress === 'string' ? socket.remoteAddress : ''
}

/** What the client wrote, for the log, of a request that may never be judged. */
function unreadOf(connection: Connection, request: IncomingMessage | null): Unread {
  const { tunnel } = connection
  return {
    client: connection.caller?.label ?? remoteAddress(connection.rawSocket),
    scheme: tunnel === null ? null : tunnel.isSecure ? 'https' : 'http',
    host: tunnel?.authority.host ?? null,
    port: tunnel?.authority.port ?? null,
    method: request?.method ?? null,
    target: request?.url ?? null,
  }
}
