/**
 * WebSockets, forwarded by http-proxy 1.18.1: its only home, behind one function that closes its gaps
 * (docs/decisions/0001). It normalises paths, joins fields, passes hop-by-hop fields of an answer on and
 * opens the channel on any 101: target and fields are set again here, and answers are ours to give.
 *
 * What would replace it: fifty lines on `http.request` and its 'upgrade' event.
 */
import { Agent } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type Server from 'http-proxy'
import type { Permit } from '../model/decision.ts'
import type { Handshake, Outcome } from '../model/flow.ts'
import type { RequestFacts } from '../model/request.ts'
import { hostField, requestFields, responseFields } from './headers.ts'

export interface UpgradeOptions {
  readonly permit: Permit
  readonly facts: RequestFacts
  readonly window: Handshake
  /** Dialled, judged and verified: the only socket this request can use. */
  readonly upstream: Socket
  readonly address: string
  readonly idleMs: number
  readonly signal: AbortSignal
}

/** Without a byte, once one side has closed. */
const CLOSING_MS = 1_000

let proxy: Server | null = null

async function theProxy(): Promise<Server> {
  if (proxy !== null) return proxy
  const { default: httpProxy } = await import('http-proxy')
  proxy = httpProxy.createProxyServer({})
  proxy.on('proxyReqWs', (request, incoming) => { preparing.get(incoming)?.(request) })
  // Each call gives a callback of its own; this is for what comes after it.
  proxy.on('error', () => {})
  return proxy
}

/** How to prepare the request that belongs to a client's. */
const preparing = new WeakMap<IncomingMessage, (request: ClientRequest) => void>()

export async function upgrade(options: UpgradeOptions): Promise<Outcome> {
  const { facts, window, upstream, address, signal } = options
  const server = await theProxy()
  const client = window.socket as Socket
  const incoming = window.request as IncomingMessage
  return new Promise(resolve => {
    let status: number | null = null
    let bytesUp = 0
    let bytesDown = 0
    let error: Extract<Outcome, { kind: 'done' }>['error'] = null
    let isSettled = false
    const settle = (outcome: Outcome): void => {
      if (isSettled) return
      isSettled = true
      signal.removeEventListener('abort', onAbort)
      stop()
      upstream.destroy()
      resolve(outcome)
    }
    const done = (): void => settle({ kind: 'done', address, status, bytesUp, bytesDown, error })
    const invalid = (reason: string): void => settle({ kind: 'refused', code: 'upstream_invalid', reason, address, bytesUp })
    const onAbort = (): void => { error = 'revoked'; window.cut(); done() }
    const stop = window.onGone(() => { if (status === null) error = 'client_left'; done() })
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) return onAbort()
    upstream.once('close', () => {
      if (status === null) settle({ kind: 'refused', code: 'upstream_incomplete', reason: 'the upstream ended the connection before its answer', address, bytesUp })
      else client.end()
    })

    preparing.set(incoming, request => {
      writeAgain(request, facts, window)
      guardUpgrade(request, {
        accepted(answer) {
          status = 101
          upstream.setTimeout(options.idleMs, () => { window.cut(); done() })
          // A WebSocket has no half-closed state of its own: what is still on its way gets a moment, then it is over.
          client.once('end', () => upstream.setTimeout(CLOSING_MS, () => { window.cut(); done() }))
          client.on('data', (chunk: Uint8Array) => { bytesUp += chunk.length })
          upstream.on('data', (chunk: Uint8Array) => { bytesDown += chunk.length })
          keepOnlyOurs(answer)
        },
        invalid,
      })
      request.prependListener('response', (answer: IncomingMessage & { upgrade?: boolean }) => {
        // Keeps http-proxy from writing the raw answer itself.
        answer.upgrade = true
        if ((answer.statusCode ?? 0) < 200 || (answer.statusCode ?? 600) > 599) return invalid(`the upstream sent status ${answer.statusCode}`)
        status = answer.statusCode ?? null
        answer.on('data', (chunk: Uint8Array) => { bytesDown += chunk.length })
        window.answer(answer.statusCode!, responseFields(answer.rawHeaders), answer)
      })
    })
    const agent = new Agent({ keepAlive: false })
    Object.assign(agent, { createConnection: () => upstream })
    try {
      server.ws(incoming, client, window.head, { target: { host: '127.0.0.1', port: facts.port } as never, agent }, () => {
        if (status === null) settle({ kind: 'refused', code: 'upstream_incomplete', reason: 'the upstream ended the connection before its answer', address, bytesUp })
        else done()
      })
    } catch (problem) {
      invalid(`the handshake could not be sent (${(problem as NodeJS.ErrnoException).code ?? 'no code'})`)
    }
  })
}

/** What http-proxy made of the request is thrown away: the judged target, the client's own fields. */
function writeAgain(request: ClientRequest, facts: RequestFacts, window: Handshake): void {
  request.path = facts.target
  for (const name of request.getHeaderNames()) request.removeHeader(name)
  request.setHeader('Host', hostField(facts, window.fields))
  const fields = requestFields(window.fields)
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const before = request.getHeader(fields[i]!)
    request.setHeader(fields[i]!, before === undefined ? fields[i + 1]! : [before, fields[i + 1]!].flat().map(String))
  }
  request.setHeader('Connection', 'Upgrade')
  request.setHeader('Upgrade', 'websocket')
}

/** http-proxy opens the channel in its own 'upgrade' listener: it gets to see only a 101 that is a WebSocket's. */
function guardUpgrade(request: ClientRequest, tell: { accepted(answer: IncomingMessage): void, invalid(reason: string): void }): void {
  const on = request.on.bind(request)
  request.on = (event: string, listener: (...args: any[]) => void) => on(event, event !== 'upgrade' ? listener : (answer: IncomingMessage, socket: Socket, head: Buffer) => {
    if (answer.headers.upgrade?.toLowerCase() !== 'websocket') {
      socket.destroy()
      return tell.invalid('the upstream changed to a protocol that nobody asked for')
    }
    tell.accepted(answer)
    listener(answer, socket, head)
  })
}

/** http-proxy writes `headers` to the client: they are made from the fields that may cross. */
function keepOnlyOurs(answer: IncomingMessage): void {
  const headers: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  const fields = [...responseFields(answer.rawHeaders), 'Upgrade', 'websocket', 'Connection', 'Upgrade']
  for (let i = 0; i + 1 < fields.length; i += 2) (headers[fields[i]!] ??= []).push(fields[i + 1]!)
  Object.defineProperty(answer, 'headers', { value: headers })
}
