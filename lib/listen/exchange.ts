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
import type { Exchange, Refusal } from '../model/flow.ts'
import type { RawFields } from '../model/request.ts'
import { closeGently, cutOff } from './connection.ts'
import type { Connection, Underway } from './connection.ts'
import { renderRefusal, replyBytes } from './reply.ts'
import type { Reply, Said } from './reply.ts'

export interface ExchangeParts {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly connection: Connection
  readonly flow: string
  readonly said: Said
  readonly hasBody: boolean
  readonly expectsContinue: boolean
  readonly clock: Clock
}

/** Payload of one TLS record, head included for sure. */
const MAX_JOINED = 8_192

const NOBODY: (() => void)[] = []

/** Between the two interim responses that tell whether a client still reads. */
const PROBE_MS = 50

export function createExchange(parts: ExchangeParts): Exchange {
  const { request, response, connection } = parts
  let gone: (() => void)[] = NOBODY
  let hasBegun = false
  let hasWritten = false
  let isOver = false

  const underway: Underway = {
    breakOff(code) {
      if (isOver) return
      leave()
      if (code !== null && !hasBegun) refuse({ code, flow: parts.flow, rule: null, operatorReason: null })
      else cutOff(connection)
    },
    probe() {
      interim(100, [])
      // The first byte makes the kernel of a client that has gone answer with a reset, the second one meets it.
      parts.clock.after(PROBE_MS, () => interim(100, []))
    },
  }
  connection.underway.add(underway)
  response.on('close', () => { if (!response.writableFinished) leave(); finish() })
  response.on('error', () => { leave(); finish() })
  request.on('error', () => {})

  function leave(): void {
    if (exchange.isGone || isOver) return
    exchange.isGone = true
    const calls = gone
    gone = NOBODY
    for (const call of calls) call()
  }

  function finish(): void {
    if (isOver) return
    isOver = true
    gone = NOBODY
    connection.underway.delete(underway)
  }

  function interim(status: number, fields: RawFields): void {
    if (mayInterim()) response.socket?.write(interimBytes(status, fields), 'latin1')
  }

  function refuse(refusal: Refusal): void {
    if (hasBegun || isOver) return
    hasBegun = true
    const reply = renderRefusal(refusal, parts.said)
    const mayKeepAlive = !reply.close && !connection.isDraining && !(parts.expectsContinue && !request.complete)
    if (!mayKeepAlive) connection.isClosing = true
    if (response.socket === null && connection.socket.destroyed) return finish()
    send(response, reply, mayKeepAlive)
  }

  // No getter: V8 makes a hidden class of its own for each literal with one, which keeps the request alive until
  // the next full collection (docs/performance.md).
  const exchange: Exchange & { isGone: boolean } = {
    kind: 'request',
    httpVersion: request.httpVersionMinor === 0 ? '1.0' : '1.1',
    fields: request.rawHeaders,
    body: parts.hasBody ? request : null,
    expectsContinue: parts.expectsContinue,
    isGone: false,
    onGone(call) {
      if (exchange.isGone) call()
      else if (!isOver) gone = [...gone, call]
      return () => { gone = gone.length === 1 && gone[0] === call ? NOBODY : gone.filter(other => other !== call) }
    },
    refuse,
    cut() {
      exchange.isGone = true
      cutOff(connection)
      finish()
    },
    sendContinue() {
      if (parts.expectsContinue && mayInterim()) response.writeContinue()
    },
    sendInterim: interim,
    begin(status, fields, length) {
      if (hasBegun) throw new Error('a final response has begun already')
      hasBegun = true
      if (connection.isDraining) response.shouldKeepAlive = false
      response.sendDate = false
      response.writeHead(status, STATUS_CODES[status] ?? '', length === null ? [...fields] : [...fields, 'Content-Length', String(length)])
      process.nextTick(flushHead, response)
    },
    write(chunk) {
      if (hasWritten || chunk.length > MAX_JOINED) return response.write(chunk)
      hasWritten = true
      // As text a small first piece leaves with the head, in one write and one TLS record; as bytes in two.
      return response.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1'), 'latin1')
    },
    onDrain(call) { response.once('drain', call) },
    end(trailers) {
      if (trailers.length > 0) response.addTrailers(pairs(trailers))
      response.end()
    },
  }
  return exchange

  /** Interim responses are for HTTP/1.1, before the final head, and only for the first request of a pipeline: Node gives no other one a socket. */
  function mayInterim(): boolean {
    return !hasBegun && !exchange.isGone && request.httpVersionMinor === 1 && response.socket !== null
  }
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

/** A head whose body has not come by the end of the turn is sent by itself: event streams begin with silence. */
function flushHead(response: ServerResponse): void {
  if (!response.writableEnded && !response.destroyed) response.flushHeaders()
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

