/**
 * A tunnel from its CONNECT to what runs in it: requests in the clear, requests inside TLS that we end
 * with a leaf for the CONNECT host, TLS passed through by its name, or an opaque stream.
 *
 * The CONNECT is answered at once; nothing is looked up, dialled or relayed before a ruling.
 */
import { TLSSocket } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { Duplex } from 'node:stream'
import { parseAuthority } from '../identify/authority.ts'
import { readClientHello } from '../identify/client-hello.ts'
import { sniff } from '../identify/sniff.ts'
import type { Clock } from '../model/clock.ts'
import type { Admission } from '../model/decision.ts'
import type { Arrival, Unread } from '../model/flow.ts'
import type { Authority, CanonicalHost, HostKind, StreamFacts } from '../model/request.ts'
import { canonicalHost } from '../normalize/host.ts'
import type { Caller } from './connection.ts'
import type { Front } from './front.ts'
import { createStream } from './stream.ts'

export interface InterceptOptions {
  readonly clock: Clock
  readonly limits: {
    /** From the CONNECT to bytes that say what the tunnel carries. */
    readonly silenceMs: number
    /** From the first byte of a ClientHello to the end of the handshake. */
    readonly handshakeMs: number
  }
  newFlow(): string
  admit(facts: StreamFacts): Admission
  contextFor(host: CanonicalHost, hostKind: HostKind): SecureContext
  arrive(arrival: Arrival): void
  ended(flow: string, unread: Unread, reason: string): void
  readonly front: Front
}

/** A CONNECT that was answered with 200. */
export interface Opened {
  readonly socket: Duplex
  readonly caller: Caller
  readonly authority: Authority
}

/** What is offered inside a tunnel until HTTP/2 is: a list as RFC 7301 §3.1 writes it, so that no connection has to write it. */
const PROTOCOLS = Buffer.from('\x08http/1.1', 'latin1')

export function createIntercept(options: InterceptOptions): (opened: Opened) => void {
  return function enter(opened) {
    const { socket, caller, authority } = opened
    const stream = (scheme: StreamFacts['scheme']): StreamFacts => ({ kind: 'stream', client: caller.label, scheme, ...authority })
    const relay = (scheme: StreamFacts['scheme'], head: Uint8Array): void => {
      options.arrive({ flow: options.newFlow(), facts: { kind: 'facts', facts: stream(scheme) }, window: createStream(socket, head) })
    }
    const give = (reason: string): void => {
      options.ended(options.newFlow(), unread(opened), reason)
      socket.destroy()
    }
    const admission = options.admit(stream('tcp'))
    if (admission.kind === 'tunnel') return relay('tcp', Buffer.alloc(0))

    const isPassthrough = admission.kind === 'passthrough'
    peek(socket, options.clock, options.limits.silenceMs, seen => {
      switch (seen.kind) {
        case 'left': return give('the client ended the tunnel before a request')
        case 'opaque': return relay('tcp', seen.head)
        case 'refused': return give(`the tunnel's first bytes are malformed: ${seen.reason}`)
        case 'http':
          socket.unshift(seen.head)
          options.front.attach(socket, { rawSocket: socket, caller, tunnel: { authority, isSecure: false, serverName: null } })
          return void socket.resume()
        case 'tls':
          if (!isPassthrough) return endTls(opened, seen.head, seen.serverName)
          if (!names(seen.serverName, authority)) return give('the SNI of a passed-through tunnel is not its CONNECT host')
          return relay('https', seen.head)
        default: return seen satisfies never
      }
    })
  }

  function endTls(opened: Opened, head: Uint8Array, serverName: string | null): void {
    const { socket, caller, authority } = opened
    // On a paused socket: on a flowing one the ClientHello would be lost (FACTS §2).
    socket.unshift(head)
    const secure = new TLSSocket(socket, {
      isServer: true,
      secureContext: options.contextFor(authority.host, authority.hostKind),
      ALPNProtocols: PROTOCOLS,
    })
    const timer = options.clock.after(options.limits.handshakeMs, () => fail('the TLS handshake took too long'))
    const settle = (): void => {
      timer.cancel()
      secure.off('close', onEnd)
      secure.off('end', onEnd)
      secure.off('error', onError)
      secure.off('secure', onSecure)
    }
    const fail = (reason: string): void => {
      settle()
      const flow = options.newFlow()
      if (serverName === null || names(serverName, authority)) options.ended(flow, unread(opened), reason)
      // A client that verifies us ends the handshake itself: our leaf is for the host that it connected to.
      else options.arrive({ flow, facts: { kind: 'refused', code: 'misdirected', reason: 'the SNI is not the host of the connection', unread: unread(opened) }, window: createStream(socket, Buffer.alloc(0)) })
      secure.destroy()
      socket.destroy()
    }
    const onEnd = (): void => fail('the client ended the TLS handshake; it may not trust the CA of this firewall (`sallyport env` has the variables)')
    const onError = (error: NodeJS.ErrnoException): void => fail(handshakeProblem(error))
    const onSecure = (): void => {
      settle()
      options.front.attach(secure, { rawSocket: socket, caller, tunnel: { authority, isSecure: true, serverName } })
    }
    secure.once('close', onEnd)
    secure.once('end', onEnd)
    secure.once('error', onError)
    secure.once('secure', onSecure)
    // An error that nobody hears would end the process.
    secure.on('error', () => {})
    socket.on('error', () => {})
  }
}

type Seen =
  | { readonly kind: 'left' }
  | { readonly kind: 'refused', readonly reason: string }
  | { readonly kind: 'http' | 'opaque', readonly head: Buffer }
  | { readonly kind: 'tls', readonly head: Buffer, readonly serverName: string | null }

/** Reads until the bytes can only mean one thing, then leaves the socket paused. Silence counts as opaque: the other side may speak first. */
function peek(socket: Duplex, clock: Clock, silenceMs: number, tell: (seen: Seen) => void): void {
  let head: Buffer = Buffer.alloc(0)
  const settle = (seen: Seen): void => {
    timer.cancel()
    // 'data' and a pause, not 'readable': taking that listener off resumes the socket a tick later, and what is put back is lost.
    socket.pause()
    socket.off('data', onData)
    socket.off('close', onClose)
    socket.off('end', onClose)
    tell(seen)
  }
  const onClose = (): void => settle({ kind: 'left' })
  const onData = (chunk: Buffer): void => {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    const { kind } = sniff(head)
    switch (kind) {
      case 'need-more': return
      case 'http': case 'opaque': return settle({ kind, head })
      case 'tls': {
        const hello = readClientHello(head)
        if (hello.kind === 'need-more') return
        return settle(hello.kind === 'refused' ? hello : { kind, head, serverName: hello.serverName })
      }
      default: kind satisfies never
    }
  }
  const timer = clock.after(silenceMs, () => {
    settle(head.length === 0 ? { kind: 'opaque', head } : { kind: 'refused', reason: 'the first bytes stopped halfway' })
  })
  socket.once('close', onClose)
  socket.once('end', onClose)
  socket.on('data', onData)
  socket.resume()
}

/** Whether an SNI, as the client wrote it, names the host that the tunnel was opened for. */
function names(serverName: string | null, authority: Authority): boolean {
  if (serverName === null) return false
  // Its syntax first: the canonical form of bytes that are no host would be a host all the same.
  const parsed = parseAuthority('host', serverName)
  if (parsed.kind === 'refused' || parsed.port !== null) return false
  const named = canonicalHost(parsed.host)
  return named.kind === 'host' && named.host === authority.host
}

function handshakeProblem(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA': case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN': case 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE':
      return 'the client does not trust the CA of this firewall: give it the variables of `sallyport env`'
    case 'ERR_SSL_NO_APPLICATION_PROTOCOL': return 'the client speaks no HTTP/1.1'
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL': case 'ERR_SSL_VERSION_TOO_LOW': return 'the client speaks no TLS 1.2 or later'
    default: return `the TLS handshake failed (${error.code ?? 'no code'})`
  }
}

function unread({ caller, authority }: Opened): Unread {
  return { client: caller.label, scheme: null, host: authority.host, port: authority.port, method: 'CONNECT', target: null }
}
