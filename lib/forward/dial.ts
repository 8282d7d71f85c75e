/**
 * From a permit to a connected socket: the name is resolved, every address judged, a judged one dialled,
 * and, for TLS, the name in the certificate verified. There is no other way to an upstream.
 */
import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { Clock } from '../model/clock.ts'
import type { Permit } from '../model/decision.ts'
import type { RefusalCode } from '../model/errors.ts'
import type { JudgeAddress } from '../model/policy.ts'
import type { Resolve } from './resolve.ts'

export interface DialOptions {
  readonly clock: Clock
  readonly judge: JudgeAddress
  readonly resolve: Resolve
  /** PEM roots. */
  readonly roots: readonly string[]
  /** For all addresses and the handshake together. */
  readonly connectMs: number
}

export type Dialled =
  | { readonly kind: 'socket', readonly socket: Socket | TLSSocket, readonly address: string }
  | { readonly kind: 'refused', readonly code: RefusalCode, readonly reason: string, readonly address: string | null }

/** @param isSecure TLS to the upstream; @param onGone how to learn that the client left while we dial */
export type Dial = (permit: Permit, isSecure: boolean, onGone: (call: () => void) => () => void) => Promise<Dialled>

/** Whatever it resolves to (docs/policy.md, Addresses). */
const METADATA_NAME = 'metadata.google.internal'

export function createDial(options: DialOptions): Dial {
  let context: SecureContext | null = null
  return async (permit, isSecure, onGone) => {
    const { host, port } = permit.facts
    if (host === METADATA_NAME) return refused('address_forbidden', 'the name is that of a metadata service')
    let addresses: readonly string[]
    try {
      addresses = await options.resolve(host, port)
    } catch (error) {
      return refused('upstream_dns_failed', `the name does not resolve (${codeOf(error)})`)
    }
    if (addresses.length === 0) return refused('upstream_dns_failed', 'the name has no address')
    const verdicts = addresses.map(address => ({ address, ...options.judge(address, port, permit.terms.scope) }))
    const open = verdicts.filter(verdict => verdict.kind === 'may-dial')
    const [shut] = verdicts
    if (open.length === 0) return refused('address_forbidden', `${shut!.address} is ${shut!.class}, which nothing opens`, shut!.address)

    const attempt = new AbortController()
    const timer = options.clock.after(options.connectMs, () => attempt.abort('late'))
    const stop = onGone(() => attempt.abort('left'))
    try {
      return await dialFirst(open.map(verdict => verdict.address), permit, attempt.signal, async (socket, address) => {
        if (!isSecure) return { kind: 'socket', socket, address }
        context ??= createSecureContext({ ca: [...options.roots] })
        return secured(socket, address, host, context, attempt.signal)
      })
    } finally {
      timer.cancel()
      stop()
    }
  }
}

async function dialFirst(addresses: readonly string[], permit: Permit, signal: AbortSignal, then: (socket: Socket, address: string) => Promise<Dialled>): Promise<Dialled> {
  let last: Dialled = refused('upstream_refused', 'no address accepted a connection')
  for (const address of addresses) {
    if (signal.aborted) break
    const socket = connectTcp({ host: address, port: permit.facts.port, noDelay: true, allowHalfOpen: true })
    const problem = await settled(socket, 'connect', signal)
    if (problem === null) return then(socket, address)
    socket.destroy()
    last = refused(signal.aborted ? 'upstream_timeout' : 'upstream_refused', `${address} could not be connected to (${problem})`, address)
  }
  return last
}

async function secured(socket: Socket, address: string, host: string, secureContext: SecureContext, signal: AbortSignal): Promise<Dialled> {
  const isName = isIP(host) === 0
  const secure = connectTls({ socket, secureContext, host, ALPNProtocols: ['http/1.1'], rejectUnauthorized: true, ...isName ? { servername: host } : {} })
  const problem = await settled(secure, 'secureConnect', signal)
  if (problem === null) return { kind: 'socket', socket: secure, address }
  secure.destroy()
  socket.destroy()
  return signal.aborted
    ? refused('upstream_timeout', `the TLS handshake with ${address} did not end in time`, address)
    : refused('upstream_tls_failed', `the TLS identity could not be verified (${problem})`, address)
}

/** @returns null when the event came, else a code of what came instead */
function settled(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<string | null> {
  return new Promise(resolve => {
    const end = (problem: string | null): void => {
      socket.off(event, onEvent)
      socket.off('close', onClose)
      signal.removeEventListener('abort', onAbort)
      resolve(problem)
    }
    let failure: string | null = null
    const onEvent = (): void => end(null)
    const onClose = (): void => end(failure ?? 'closed')
    const onAbort = (): void => end(String(signal.reason))
    // Stays on for the life of the socket: an error that nobody hears would end the process.
    socket.on('error', error => { failure = codeOf(error) })
    socket.once(event, onEvent)
    socket.once('close', onClose)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })
}

function refused(code: RefusalCode, reason: string, address: string | null = null): Extract<Dialled, { kind: 'refused' }> {
  return { kind: 'refused', code, reason, address }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? 'no code'
}
