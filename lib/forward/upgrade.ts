/**
 * WebSockets, forwarded by http-proxy 1.18.1: its only home, behind one function that closes its gaps
 * (docs/decisions/0001-undici-forwards-http-proxy-upgrades.md). It rewrites paths, joins fields, passes an answer's
 * hop-by-hop fields on, opens the channel for any 101 and ends the client's connection at any error. So it is given
 * a request without any of that, writes ours, and gets to hear of one thing only: a 101 that is a WebSocket's.
 *
 * What would replace it: thirty lines on `http.request` and its 'upgrade' event.
 */
import { Agent } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type Server from 'http-proxy'
import type { ByteMeter } from '../model/budget.ts'
import type { Clock } from '../model/clock.ts'
import type { Permit } from '../model/decision.ts'
import type { RefusalCode } from '../model/errors.ts'
import type { Handshake, Outcome } from '../model/flow.ts'
import type { RequestFacts } from '../model/request.ts'
import { lend } from './body.ts'
import { announcedLength, hostField, requestFields, responseFields } from './headers.ts'
import { whenQuiet } from './quiet.ts'
import { untilClosed } from './tunnel.ts'

export interface UpgradeOptions {
  readonly clock: Clock
  readonly permit: Permit
  /** Of the budgets that its bytes count against; null: none. */
  readonly meter: ByteMeter | null
  readonly facts: RequestFacts
  readonly window: Handshake
  /** Dialled, judged and verified: the only socket that this request can use. */
  readonly upstream: Socket
  readonly address: string
  readonly idleMs: number
  /** Interim responses that are borne. None is passed on. */
  readonly interim: number
  readonly signal: AbortSignal
}

/** Without a byte, once one side has closed: a WebSocket has no half-closed state of its own. */
const CLOSING_MS = 1_000

/** What http-proxy takes for the client's request. */
interface StandIn {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  prepare(request: ClientRequest): void
}

let proxy: Promise<Server> | null = null

/** Loaded for the first WebSocket. */
async function loadProxy(): Promise<Server> {
  const { default: httpProxy } = await import('http-proxy')
  const server = httpProxy.createProxyServer({})
  server.on('proxyReqWs', (request, standIn) => { (standIn as unknown as StandIn).prepare(request) })
  server.on('error', () => {})
  return server
}

/** Never rejects; the upstream's socket is closed at its end. */
export async function upgrade(options: UpgradeOptions): Promise<Outcome> {
  const { clock, permit, meter, facts, window, upstream, address, signal } = options
  const server = await (proxy ??= loadProxy())
  if (window.isGone || signal.aborted) {
    window.cut()
    upstream.destroy()
    return { kind: 'done', address, status: null, bytesUp: 0, bytesDown: 0, error: signal.aborted ? 'revoked' : 'client_left' }
  }
  const outcome = await new Promise<Outcome>(resolve => {
    const client = window.socket as Socket
    const done = (status: number | null, bytesDown: number, error: Extract<Outcome, { kind: 'done' }>['error']): void => {
      settle({ kind: 'done', address, status, bytesUp: 0, bytesDown, error })
    }
    const refuse = (code: RefusalCode, reason: string): void => settle({ kind: 'refused', code, reason, address, bytesUp: 0 })
    const stop = window.onGone(() => done(null, 0, 'client_left'))
    const stopWatching = whenQuiet(clock, options.idleMs, () => upstream.bytesRead + upstream.bytesWritten, () => refuse('upstream_timeout', 'the upstream did not answer for too long'))
    const onAbort = (): void => { window.cut(); done(null, 0, 'revoked') }
    signal.addEventListener('abort', onAbort)
    let isSettled = false

    function answered(): void {
      stop()
      stopWatching()
      signal.removeEventListener('abort', onAbort)
    }

    function settle(outcome: Outcome): void {
      if (isSettled) return
      isSettled = true
      answered()
      resolve(outcome)
    }

    const events: UpstreamEvents = {
      failed(code) {
        if (code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE') refuse('upstream_invalid', `the answer is no HTTP/1.1 (${code})`)
        else refuse('upstream_incomplete', `the upstream ended the connection before its answer (${code})`)
      },
      interim(count) {
        if (count > options.interim) refuse('upstream_invalid', `more than ${options.interim} interim answers came`)
      },
      /** An answer that opens nothing: an ordinary response. */
      refused(answer) {
        if (isSettled) return
        const status = answer.statusCode ?? 0
        const max = permit.terms.maxResponseBytes
        const length = announcedLength(answer.rawHeaders)
        if (status < 200 || status > 599) return refuse('upstream_invalid', `the answer to the handshake has status ${status}`)
        if (length === 'invalid') return refuse('upstream_invalid', 'the answer is framed in two ways, or in one we did not offer to read')
        if (max !== null && length !== null && length > max) return refuse('response_too_large', `${length} bytes were announced, the policy allows ${max}`)
        answered()
        let bytesDown = 0
        let problem: Extract<Outcome, { kind: 'done' }>['error'] = null
        const body = lend(answer, max, {
          over() { problem = 'response_too_large'; body.destroy(new Error('more came than the policy allows')) },
          spent() { problem = 'budget_spent'; body.destroy(new Error('more came than the budget has left')) },
          broken() { problem = 'upstream_incomplete' },
        }, meter)
        window.onGone(() => { problem ??= body.readableEnded ? null : 'client_left'; body.destroy() })
        body.once('close', () => done(status, bytesDown, problem))
        window.answer(status, responseFields(answer.rawHeaders), body)
        body.on('data', (chunk: Uint8Array) => { bytesDown += chunk.length })
      },
      /** @returns whether the channel opens */
      upgraded(answer, head) {
        if (isSettled) return false
        if (answer.headers.upgrade?.toLowerCase() !== 'websocket') {
          refuse('upstream_invalid', 'the upstream changed to a protocol that nobody asked for')
          return false
        }
        answered()
        const before = { up: upstream.bytesWritten, down: upstream.bytesRead - head.length }
        // http-proxy writes what it reads in `headers`, as UTF-8 where nobody says otherwise.
        Object.defineProperty(answer, 'headers', { value: grouped([...responseFields(answer.rawHeaders), 'Connection', 'Upgrade', 'Upgrade', 'websocket']) })
        client.setDefaultEncoding('latin1')
        void untilClosed({ clock, client, upstream, cut: () => window.cut(), idleMs: options.idleMs, halfOpenMs: CLOSING_MS, meter, signal }).then(error => settle({
          kind: 'done', address, status: 101, bytesUp: upstream.bytesWritten - before.up, bytesDown: upstream.bytesRead - before.down, error,
        }))
        return true
      },
    }

    const standIn: StandIn = {
      method: 'GET', url: '/', headers: { connection: 'Upgrade', upgrade: 'websocket' },
      prepare(request) {
        writeOurs(request, facts, window)
        hear(request, events)
      },
    }
    const agent = new Agent({ keepAlive: false })
    Object.assign(agent, { createConnection: () => upstream })
    try {
      server.ws(standIn as unknown as IncomingMessage, client, window.head as Buffer, { target: { host: address, port: facts.port } as never, toProxy: true, agent }, () => {})
    } catch (problem) {
      refuse('malformed_request', `the handshake cannot be written (${(problem as NodeJS.ErrnoException).code ?? 'no code'})`)
    }
  })
  upstream.destroy()
  return outcome
}

interface UpstreamEvents {
  /** @param code of the error; nobody's words are read */
  failed(code: string): void
  interim(count: number): void
  refused(answer: IncomingMessage): void
  upgraded(answer: IncomingMessage, head: Uint8Array): boolean
}

/** Takes a request's events over: http-proxy's own listeners get those of a channel that opens. */
function hear(request: ClientRequest, events: UpstreamEvents): void {
  const emit = request.emit.bind(request) as (event: string, ...args: unknown[]) => boolean
  let interims = 0
  request.emit = (event: string, ...args: any[]): boolean => {
    switch (event) {
      case 'error': events.failed((args[0] as NodeJS.ErrnoException).code ?? 'no code'); return true
      case 'information': events.interim(++interims); return true
      case 'response': events.refused(args[0] as IncomingMessage); return true
      case 'upgrade': return events.upgraded(args[0] as IncomingMessage, args[2] as Uint8Array) ? emit(event, ...args) : true
      default: return emit(event, ...args)
    }
  }
}

/** The judged target and the client's own fields, in place of what http-proxy made of them. */
function writeOurs(request: ClientRequest, facts: RequestFacts, window: Handshake): void {
  if (!/^\/[\x21-\xff]*$/.test(facts.target)) throw Object.assign(new Error('not an origin-form'), { code: 'ERR_UNESCAPED_CHARACTERS' })
  request.path = facts.target
  for (const name of request.getHeaderNames()) request.removeHeader(name)
  const fields = ['Host', hostField(facts, window.fields), ...requestFields(window.fields), 'Connection', 'Upgrade', 'Upgrade', 'websocket']
  for (const [name, values] of Object.entries(grouped(fields))) request.setHeader(name, values.length === 1 ? values[0]! : values)
}

/** Fields under their first spelling, in the order of their first line. */
function grouped(fields: readonly string[]): Record<string, string[]> {
  const spelled = new Map<string, string[]>()
  const out: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const key = fields[i]!.toLowerCase()
    const values = spelled.get(key)
    if (values !== undefined) values.push(fields[i + 1]!)
    else spelled.set(key, out[fields[i]!] = [fields[i + 1]!])
  }
  return out
}
