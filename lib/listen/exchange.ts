/**
 * The window between one HTTP request and whatever answers it.
 *
 * Keeps: the client's framing is ours to write, never an upstream's; at most one final answer;
 * a client that hung up is told nothing and everybody who asked learns of it once.
 */
import { STATUS_CODES } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../model/clock.ts'
import type { RefusalCode } from '../model/errors.ts'
import type { Exchange, Normalized, Refusal } from '../model/flow.ts'
import type { RawFields, RequestFacts } from '../model/request.ts'
import { closeGently, cutOff } from './connection.ts'
import type { Connection, Underway } from './connection.ts'
import { endInOrder } from './in-order.ts'
import { renderRefusal, replyBytes } from './reply.ts'
import type { Reply, Said } from './reply.ts'

/** Payload of one TLS record, head included for sure. */
const MAX_JOINED = 8_192

/** RFC 9110 §9.2.1. TRACE is not served. */
const SAFE = ['GET', 'HEAD', 'OPTIONS']

const NOTHING = new Uint8Array(0)
const NOBODY: readonly (() => void)[] = []

/** Bytes of a refused body that are read for the sake of the next request. */
const MAX_UNREAD = 256 * 1024

/** Between the two interim responses that tell whether a client still reads. */
const PROBE_MS = 50

/** A class: one exchange is one object, where closures would be two dozen (a tenth of its CPU, measured). */
export class HttpExchange implements Exchange, Underway {
  readonly kind = 'request'
  readonly httpVersion: '1.0' | '1.1'
  readonly fields: RawFields
  readonly body: IncomingMessage | null
  readonly expectsContinue: boolean
  readonly isSafe: boolean
  isGone = false
  private readonly request: IncomingMessage
  private readonly response: ServerResponse
  private readonly connection: Connection
  private readonly flow: string
  private readonly facts: Normalized<RequestFacts>
  private readonly clock: Clock
  private gone = NOBODY
  private hasBegun = false
  /** What comes now is written at once. */
  private isFlowing = false
  /** The first of the body, until the end of the turn: where it is all of it, it leaves in one piece with the head and the end. */
  private first: string | null = null
  private isRefused = false
  private isOver = false

  constructor(request: IncomingMessage, response: ServerResponse, connection: Connection, flow: string, facts: Normalized<RequestFacts>, expectsContinue: boolean, clock: Clock) {
    this.request = request
    this.response = response
    this.connection = connection
    this.flow = flow
    this.facts = facts
    this.clock = clock
    this.httpVersion = request.httpVersionMinor === 0 ? '1.0' : '1.1'
    this.fields = request.rawHeaders
    this.body = facts.kind === 'facts' && facts.facts.hasContent ? request : null
    this.expectsContinue = expectsContinue
    this.isSafe = facts.kind === 'refused' || facts.facts.methods.every(method => SAFE.includes(method))
    connection.underway.push(this)
    response.on('close', () => this.closed())
    // Without a listener it would end the process; 'close' follows and says all there is to know.
    response.on('error', ignore)
  }

  get peer(): object { return this.connection.rawSocket }

  onGone(call: () => void): () => void {
    if (this.isGone) call()
    else if (!this.isOver) this.gone = this.gone === NOBODY ? [call] : [...this.gone, call]
    return () => { this.gone = this.gone.length === 1 && this.gone[0] === call ? NOBODY : this.gone.filter(other => other !== call) }
  }

  refuse(refusal: Refusal): void {
    const { response, connection } = this
    if (this.hasBegun || this.isOver) return
    this.hasBegun = true
    this.isRefused = true
    const reply = renderRefusal(refusal, saidIn(this.facts))
    const mayKeepAlive = !reply.close && !connection.isDraining && this.isBodyShort()
    if (!mayKeepAlive) connection.isClosing = true
    if (response.socket === null && connection.socket.destroyed) return this.finish()
    send(response, reply, mayKeepAlive)
  }

  cut(): void {
    this.isGone = true
    // What was said to the client is still to be read by it, and the connection ends with it.
    if (this.isRefused) return
    cutOff(this.connection)
    this.finish()
  }

  peek(max: number): Uint8Array {
    const { body } = this
    const bytes = body === null || body.readableLength === 0 || body.destroyed ? null : body.read(Math.min(max, body.readableLength)) as Buffer | null
    if (bytes === null) return NOTHING
    body!.unshift(bytes)
    return bytes
  }

  sendContinue(): void {
    if (this.expectsContinue && this.mayInterim()) this.response.writeContinue()
  }

  sendInterim(status: number, fields: RawFields): void {
    if (this.mayInterim()) this.response.socket?.write(interimBytes(status, fields), 'latin1')
  }

  begin(status: number, fields: RawFields, length: number | null): void {
    const { response } = this
    if (this.hasBegun) throw new Error('a final response has begun already')
    this.hasBegun = true
    if (this.connection.isDraining) response.shouldKeepAlive = false
    response.sendDate = false
    response.writeHead(status, STATUS_CODES[status] ?? '', length === null ? [...fields] : [...fields, 'Content-Length', String(length)])
    flushSoon(this)
  }

  write(chunk: Uint8Array): boolean {
    if (this.isFlowing || chunk.length > MAX_JOINED) {
      if (this.first !== null) this.flush()
      this.isFlowing = true
      return this.response.write(chunk)
    }
    this.isFlowing = true
    // As text it leaves in one write with the head (one-write.ts).
    this.first = (Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)).toString('latin1')
    return true
  }

  /** Whatever of the answer has not left. */
  flush(): void {
    const { response, first } = this
    this.isFlowing = true
    if (response.writableEnded || response.destroyed) return
    this.first = null
    if (first === null) response.flushHeaders()
    else response.write(first, 'latin1')
  }

  onDrain(call: () => void): void {
    this.response.once('drain', call)
  }

  end(trailers: RawFields): void {
    const { response, connection, first } = this
    this.first = null
    if (trailers.length > 0) response.addTrailers(pairs(trailers))
    // The answer came before the end of the body, which nobody reads now: what follows on the connection is no request.
    if (!this.request.complete) {
      connection.isClosing = true
      if (response.headersSent) response.once('finish', () => closeGently(connection, this.clock))
      else response.shouldKeepAlive = false
    }
    if (first === null) response.end()
    else response.end(first, 'latin1')
  }

  breakOff(code: RefusalCode | null): void {
    if (this.isOver) return
    if (code !== null && !this.hasBegun) {
      this.refuse({ code, flow: this.flow, rule: null, operatorReason: null })
      return this.leave()
    }
    this.leave()
    cutOff(this.connection)
  }

  probe(): void {
    this.sendInterim(100, [])
    // The first byte makes the kernel of a client that has gone answer with a reset, the second one meets it.
    this.clock.after(PROBE_MS, () => this.sendInterim(100, []))
  }

  private closed(): void {
    if (!this.response.writableFinished) this.leave()
    this.finish()
  }

  /** Whether what is left of a body that nobody wants is better read than the connection given up for it. */
  private isBodyShort(): boolean {
    if (this.request.complete || this.body === null) return true
    const length = this.facts.kind === 'facts' ? this.facts.facts.contentLength : null
    return !this.expectsContinue && length !== null && length <= MAX_UNREAD
  }

  private leave(): void {
    if (this.isGone || this.isOver) return
    this.isGone = true
    const calls = this.gone
    this.gone = NOBODY
    for (const call of calls) call()
  }

  private finish(): void {
    this.isOver = true
    this.gone = NOBODY
    endInOrder(this.connection, this)
  }

  /** Interim responses are for HTTP/1.1, before the final head, and only for the first request of a pipeline: Node gives no other one a socket. */
  private mayInterim(): boolean {
    return !this.hasBegun && !this.isGone && this.request.httpVersionMinor === 1 && this.response.socket !== null
  }
}

function ignore(): void {}

/** What the client itself said of its request. */
export function saidIn(facts: Normalized<RequestFacts>): Said {
  if (facts.kind === 'facts') return { method: facts.facts.method, host: facts.facts.host, port: facts.facts.port, path: facts.facts.path }
  const { method, host, port, target } = facts.unread
  return { method, host, port, path: target }
}

/** Ends a connection on which no `ServerResponse` stands with bytes of our own. */
export function refuseConnection(connection: Connection, refusal: Refusal, said: Said, clock: Clock): void {
  if (connection.socket.destroyed || connection.socket.writableEnded) return
  connection.socket.write(replyBytes(renderRefusal(refusal, said)))
  closeGently(connection, clock)
}

function send(response: ServerResponse, reply: Reply, mayKeepAlive: boolean): void {
  if (!mayKeepAlive) response.shouldKeepAlive = false
  response.sendDate = false
  response.writeHead(reply.status, [...reply.fields])
  response.end(reply.body)
}

/** What has come by the end of the turn is sent, be it a head alone: event streams begin with silence. */
function flushSoon(exchange: HttpExchange): void {
  if (unflushed.push(exchange) === 1) setImmediate(flushAll)
}

/** Of this turn of the event loop, whatever connection they are on. */
let unflushed: HttpExchange[] = []

function flushAll(): void {
  const exchanges = unflushed
  unflushed = []
  for (const exchange of exchanges) exchange.flush()
}

function interimBytes(status: number, fields: RawFields): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
  for (let i = 0; i + 1 < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`
  return `${text}\r\n`
}

function pairs(fields: RawFields): [string, string][] {
  const out: [string, string][] = []
  for (let i = 0; i + 1 < fields.length; i += 2) out.push([fields[i]!, fields[i + 1]!])
  return out
}

