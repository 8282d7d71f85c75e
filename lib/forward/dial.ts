/**
 * From a permit to a connected socket: the name is resolved, every address judged, a judged one dialled,
 * and, for TLS, the name in the certificate verified. There is no other way to an upstream.
 */
import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { Clock } from '../model/clock.ts'
import type { Permit } from '../model/decision.ts'
import type { RefusalCode } from '../model/errors.ts'
import type { JudgeAddress } from '../model/policy.ts'
import type { Resolve } from './resolve.ts'

export interface DialOptions {
  readonly clock: Clock
  readonly judge: JudgeAddress
  readonly resolve: Resolve
  /** PEM roots; none: no certificate is ever good enough. */
  readonly roots: readonly string[]
  /** For the look-up; and again for all addresses and the handshake together. */
  readonly connectMs: number
}

export type Refused = { readonly kind: 'refused', readonly code: RefusalCode, readonly reason: string, readonly address: string | null }
export type Dialled =
  | { readonly kind: 'socket', readonly socket: Socket, readonly address: string }
  | Refused
  /** Nobody wants the connection any more. */
  | { readonly kind: 'left' }

/** Calls when nobody wants the connection any more. Returns how to stop listening. */
export type OnLeave = (call: () => void) => () => void

export interface Dialler {
  /** @param isSecure TLS to the upstream */
  dial(permit: Permit, isSecure: boolean, onLeave: OnLeave): Promise<Dialled>
  /** Sockets that were dialled and have not closed. */
  readonly sockets: number
  /** Breaks them off; nothing is dialled afterwards. */
  close(): void
}

/** Metadata whatever it resolves to (POLICY, Addresses). */
const METADATA_NAME = 'metadata.google.internal'

export function createDialler(options: DialOptions): Dialler {
  const { clock, judge, connectMs } = options
  const open = new Set<Socket>()
  let context: SecureContext | null = null
  let isClosed = false

  async function dial(permit: Permit, isSecure: boolean, onLeave: OnLeave): Promise<Dialled> {
    const left = new AbortController()
    const stop = onLeave(() => left.abort())
    try {
      const found = await addressesOf(permit, left.signal)
      if (found.kind !== 'addresses') return found
      const until = clock.elapsed() + connectMs
      const reached = await connectFirst(found.addresses, permit.facts.port, until, left.signal)
      return reached.kind === 'socket' && isSecure ? await secure(reached, permit.facts.host, until, left.signal) : reached
    } finally {
      stop()
    }
  }

  /** Those that may be dialled, in the resolver's order. */
  async function addressesOf(permit: Permit, left: AbortSignal): Promise<Refused | { kind: 'left' } | { kind: 'addresses', addresses: string[] }> {
    const { host, port } = permit.facts
    if (host === METADATA_NAME) return refused('address_forbidden', 'the name is that of a metadata service')
    const found = await inTime(signal => options.resolve(host, port, signal), left)
    if (found.kind === 'failed') return refused('upstream_dns_failed', `the name does not resolve (${found.code})`)
    if (found.kind === 'late') return refused('upstream_dns_failed', 'the name did not resolve in time')
    if (found.kind === 'left') return found
    if (found.value.length === 0) return refused('upstream_dns_failed', 'the name has no address')
    const addresses: string[] = []
    let shut = ''
    for (const address of found.value) {
      // What is no address would be resolved once more, by somebody who does not judge.
      const verdict = isIP(address) === 0 ? { kind: 'forbidden', class: 'no address' } as const : judge(address, port, permit.terms.scope)
      if (verdict.kind === 'may-dial') addresses.push(address)
      else shut ||= `${address} is ${verdict.class}`
    }
    return addresses.length === 0
      ? refused('address_forbidden', `${shut}, and the policy keeps that shut`, isIP(found.value[0]!) === 0 ? null : found.value[0]!)
      : { kind: 'addresses', addresses }
  }

  async function inTime<T>(start: (signal: AbortSignal) => Promise<T>, left: AbortSignal): Promise<{ kind: 'value', value: T } | { kind: 'failed', code: string } | { kind: 'late' } | { kind: 'left' }> {
    const over = new AbortController()
    let timer = null
    try {
      return await Promise.race([
        start(over.signal).then(value => ({ kind: 'value', value } as const), (error: unknown) => ({ kind: 'failed', code: codeOf(error) } as const)),
        new Promise<{ kind: 'late' } | { kind: 'left' }>(resolve => {
          timer = clock.after(connectMs, () => resolve({ kind: 'late' }))
          left.addEventListener('abort', () => resolve({ kind: 'left' }), { once: true })
          if (left.aborted) resolve({ kind: 'left' })
        }),
      ])
    } finally {
      (timer as { cancel(): void } | null)?.cancel()
      over.abort()
    }
  }

  /** Each address may take its share of the time that is left, so that one that says nothing does not stand for all. */
  async function connectFirst(addresses: readonly string[], port: number, until: number, left: AbortSignal): Promise<Dialled> {
    let last: Dialled = refused('upstream_refused', 'no address accepted a connection')
    for (const [index, address] of addresses.entries()) {
      if (isClosed) return refused('shutting_down', 'the firewall is shutting down')
      const socket = connectTcp({ host: address, port, noDelay: true, allowHalfOpen: true })
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      const came = await arrival(socket, 'connect', (until - clock.elapsed()) / (addresses.length - index), left)
      if (came === 'came') return { kind: 'socket', socket, address }
      socket.destroy()
      if (came === 'left') return { kind: 'left' }
      last = came === 'late'
        ? refused('upstream_timeout', `${address} did not answer in time`, address)
        : refused('upstream_refused', `${address} accepted no connection (${came.code})`, address)
    }
    return last
  }

  async function secure({ socket, address }: { socket: Socket, address: string }, host: string, until: number, left: AbortSignal): Promise<Dialled> {
    context ??= createSecureContext({ ca: [...options.roots] })
    // An address has no SNI (RFC 6066 §3), and is verified all the same. Explicit: NODE_TLS_REJECT_UNAUTHORIZED may say otherwise.
    const name = isIP(host) === 0 ? { servername: host } : {}
    const secured = connectTls({ socket, secureContext: context, host, ...name, ALPNProtocols: ['http/1.1'], rejectUnauthorized: true })
    const came = await arrival(secured, 'secureConnect', until - clock.elapsed(), left)
    if (came === 'came') return { kind: 'socket', socket: secured, address }
    secured.destroy()
    socket.destroy()
    if (came === 'left') return { kind: 'left' }
    if (came === 'late') return refused('upstream_timeout', `the TLS handshake with ${address} did not end in time`, address)
    return BROKEN_OFF.has(came.code)
      ? refused('upstream_incomplete', `${address} ended the connection in the TLS handshake (${came.code})`, address)
      : refused('upstream_tls_failed', `the TLS identity could not be verified (${came.code})`, address)
  }

  function arrival(socket: Socket, event: 'connect' | 'secureConnect', ms: number, left: AbortSignal): Promise<'came' | 'late' | 'left' | { readonly code: string }> {
    return new Promise(resolve => {
      let code = CLOSED
      const end = (result: 'came' | 'late' | 'left' | { readonly code: string }): void => {
        timer.cancel()
        socket.off(event, onEvent)
        socket.off('close', onClose)
        left.removeEventListener('abort', onLeft)
        resolve(result)
      }
      const onEvent = (): void => end('came')
      const onClose = (): void => end({ code })
      const onLeft = (): void => end('left')
      // Stays for the life of the socket: an error that nobody hears would end the process.
      socket.on('error', error => { code = codeOf(error) })
      socket.once(event, onEvent)
      socket.once('close', onClose)
      left.addEventListener('abort', onLeft)
      const timer = clock.after(Math.max(1, ms), () => end('late'))
      if (left.aborted) onLeft()
    })
  }

  return {
    dial,
    get sockets() { return open.size },
    close() {
      isClosed = true
      for (const socket of open) socket.destroy()
    },
  }
}

const CLOSED = 'closed'
/** Of a handshake that was not refused but broken off. */
const BROKEN_OFF = new Set([CLOSED, 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'])

function refused(code: RefusalCode, reason: string, address: string | null = null): Refused {
  return { kind: 'refused', code, reason, address }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? 'no code'
}
