/** What the tests of `forward/` share: permits, origins that write bytes, and windows over real streams. */
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer as createSecureServer } from 'node:tls'
import { PassThrough } from 'node:stream'
import { createForwarder } from '../../../lib/forward/forward.ts'
import type { ForwardOptions, Forwarder } from '../../../lib/forward/forward.ts'
import { Permit } from '../../../lib/model/decision.ts'
import type { Exchange } from '../../../lib/model/flow.ts'
import { PUBLIC_ONLY } from '../../../lib/model/policy.ts'
import type { AddressVerdict, Terms } from '../../../lib/model/policy.ts'
import type { RawFields, RequestFacts, StreamFacts } from '../../../lib/model/request.ts'
import { originCertificate } from '../../helpers/certificates.ts'
import type { TestCertificate } from '../../helpers/certificates.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import type { FakeClock } from '../../helpers/fake-clock.ts'

interface Teardown { teardown(call: () => unknown): void }

export const MAY: AddressVerdict = { kind: 'may-dial', class: 'public' }
export const MAY_NOT: AddressVerdict = { kind: 'forbidden', class: 'loopback' }

export function termsWith(terms: Partial<Terms> = {}): Terms {
  return { scope: PUBLIC_ONLY, maxRequestBytes: null, maxResponseBytes: null, ...terms }
}

export function requestPermit(port: number, request: Partial<Omit<RequestFacts, 'host'>> & { host?: string } = {}, terms: Partial<Terms> = {}): Permit {
  const method = request.method ?? 'GET'
  const facts: RequestFacts = {
    kind: 'request', client: '127.0.0.1', scheme: 'http', hostKind: 'name', port, method, methods: [method], target: '/', path: '/', query: null,
    readings: ['/'], fields: [], hasContent: false, contentLength: 0, ...request, host: (request.host ?? 'origin.test') as RequestFacts['host'],
  }
  return Permit.issue(facts, 'rule', termsWith(terms))
}

export function streamPermit(port: number): Permit {
  const facts: StreamFacts = { kind: 'stream', client: '127.0.0.1', scheme: 'tcp', host: 'origin.test' as StreamFacts['host'], hostKind: 'name', port }
  return Permit.issue(facts, 'rule', termsWith())
}

export interface Bench { readonly forwarder: Forwarder, readonly clock: FakeClock, readonly lookups: string[] }

/** A forwarder for which every name is 127.0.0.1 and everything may be dialled. */
export function bench(t: Teardown, options: Partial<Omit<ForwardOptions, 'limits'>> & { limits?: Partial<ForwardOptions['limits']> } = {}): Bench {
  const clock = fakeClock()
  const lookups: string[] = []
  const forwarder = createForwarder({
    clock, judge: () => MAY, overrides: [], roots: [originCertificate().cert],
    resolve: async host => { lookups.push(host); return ['127.0.0.1'] },
    ...options,
    limits: { connectMs: 10_000, idleMs: 30_000, streamIdleMs: 3_600_000, lookups: 8, connectionsPerPool: 256, connections: 1_000, interim: 16, ...options.limits },
  })
  t.teardown(() => forwarder.close())
  return { forwarder, clock, lookups }
}

/** Waits, turn by turn of the event loop. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate)
}

export interface RawOrigin {
  readonly port: number
  /** Open ones. */
  readonly sockets: Set<Socket>
  connections: number
  /** All that came, latin-1, connection by connection. */
  readonly said: string[]
}

export interface RawOriginOptions {
  readonly certificate?: TestCertificate
  /** Does not end when the other side does. */
  readonly isHalfOpen?: boolean
  /** Called for each chunk, with all that came on the connection so far. */
  answer?(socket: Socket, said: string, nth: number): void
  /** Called for each connection. */
  greet?(socket: Socket, nth: number): void
}

export async function rawOrigin(t: Teardown, { certificate, isHalfOpen: allowHalfOpen = false, answer, greet }: RawOriginOptions): Promise<RawOrigin> {
  const origin: RawOrigin = { port: 0, sockets: new Set(), connections: 0, said: [] }
  const onSocket = (socket: Socket): void => {
    const nth = origin.connections++
    origin.said[nth] = ''
    origin.sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => origin.sockets.delete(socket))
    if (answer !== undefined) {
      socket.on('data', (chunk: Buffer) => {
        origin.said[nth] += chunk.toString('latin1')
        answer(socket, origin.said[nth]!, nth)
      })
    }
    greet?.(socket, nth)
  }
  const server: Server = certificate === undefined
    ? createServer({ allowHalfOpen }, onSocket)
    : createSecureServer({ cert: certificate.cert, key: certificate.key, allowHalfOpen }, onSocket).on('tlsClientError', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of origin.sockets) socket.destroy()
    return new Promise(resolve => server.close(resolve))
  })
  return Object.assign(origin, { port: (server.address() as AddressInfo).port })
}

/** Says the same to each request, once its head is there. */
export function saying(t: Teardown, bytes: string, then: (socket: Socket) => void = () => {}): Promise<RawOrigin> {
  return rawOrigin(t, {
    answer(socket, said) {
      if (said.endsWith('\r\n\r\n')) socket.write(Buffer.from(bytes, 'latin1'), () => then(socket))
    },
  })
}

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

export interface FakeExchange extends Exchange {
  readonly begun: { readonly status: number, readonly fields: RawFields, readonly length: number | null } | null
  readonly text: string
  readonly bytes: number
  readonly trailers: RawFields | null
  readonly interims: readonly (readonly [number, RawFields])[]
  readonly continues: number
  readonly isCut: boolean
  /** Of the answer; null while it is not over. */
  readonly hasEnded: boolean
  /** Those who wait to hear that the client left. */
  readonly listeners: number
  /** The client hangs up. */
  leave(): void
  /** The client reads. */
  readonly reader: PassThrough
}

export interface FakeExchangeOptions {
  readonly fields?: RawFields
  readonly body?: NodeJS.ReadableStream | null
  readonly expectsContinue?: boolean
  /** The client reads nothing until somebody reads `reader`. */
  readonly isSlow?: boolean
}

/** @param options what the client sent */
export function fakeExchange(options: FakeExchangeOptions = {}): FakeExchange {
  const reader = new PassThrough()
  const gone = new Set<() => void>()
  const state = { begun: null as FakeExchange['begun'], text: '', bytes: 0, trailers: null as RawFields | null, interims: [] as [number, RawFields][], continues: 0, isCut: false, hasEnded: false, isGone: false }
  if (options.isSlow !== true) reader.resume()
  const leave = (): void => {
    state.isGone = true
    for (const call of [...gone]) call()
    gone.clear()
  }
  return {
    kind: 'request', peer: {}, httpVersion: '1.1', fields: options.fields ?? ['Host', 'origin.test'], body: options.body ?? null, expectsContinue: options.expectsContinue ?? false,
    get isGone() { return state.isGone },
    onGone(call) { gone.add(call); return () => gone.delete(call) },
    refuse() { throw new Error('refusing is the pipeline\'s') },
    cut() { state.isCut = true; state.isGone = true },
    peek: () => new Uint8Array(0),
    sendContinue() { state.continues++ },
    sendInterim(status, fields) { state.interims.push([status, fields]) },
    begin(status, fields, length) {
      if (state.begun !== null) throw new Error('begun twice')
      state.begun = { status, fields, length }
    },
    write(chunk) {
      if (state.begun === null || state.hasEnded) throw new Error('written outside of an answer')
      state.bytes += chunk.length
      if (state.bytes < 1_000_000) state.text += Buffer.from(chunk).toString('latin1')
      // undici's chunks are views of memory that it uses again only after they were read out of a socket: no copy is needed.
      return reader.write(chunk)
    },
    onDrain(call) { reader.once('drain', call) },
    end(trailers) {
      if (state.begun === null || state.hasEnded) throw new Error('ended outside of an answer')
      state.hasEnded = true
      state.trailers = trailers
      reader.end()
    },
    get begun() { return state.begun },
    get text() { return state.text },
    get bytes() { return state.bytes },
    get trailers() { return state.trailers },
    get interims() { return state.interims },
    get continues() { return state.continues },
    get isCut() { return state.isCut },
    get hasEnded() { return state.hasEnded },
    get listeners() { return gone.size },
    leave,
    reader,
  }
}
