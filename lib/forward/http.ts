/**
 * One exchange with an upstream, over undici: the request as it was judged goes out, the answer streams
 * back through the client's window, and neither body is ever held as a whole.
 *
 *   queued --written--> sent --first byte--> answering --head--> begun --last byte--> done
 *   queued or sent fails on a connection that idled: again, on a fresh one
 *   until `begun` a failure is a refusal; after it, a cut
 *
 * undici's raw handler is used (`onHeaders` and its like, what its core speaks): it alone tells fields as they
 * stood on the wire. What undici cannot do and this file cannot mend: an upstream's 100, which nobody asked for,
 * fails the exchange; request trailers are not sent on. What nobody above libuv can see: a reset that comes in one
 * turn with the last bytes of a body without a length is its end. A codec of our own would mend the former.
 */
import type { Dispatcher } from 'undici'
import type { ByteMeter } from '../model/budget.ts'
import type { Permit } from '../model/decision.ts'
import type { RefusalCode } from '../model/errors.ts'
import type { Exchange, Outcome } from '../model/flow.ts'
import type { RawFields, RequestFacts } from '../model/request.ts'
import { lend } from './body.ts'
import { announcedLength, hostField, readFields, requestFields, responseFields, trailerFields } from './headers.ts'
import { ENDED } from './pool.ts'
import type { Entry } from './pool.ts'

/** `retry`: the connection had died while it idled, and the request may be sent again. */
export type Attempt = Outcome | { readonly kind: 'retry' }

/** What is to be carried. */
export interface Order {
  readonly permit: Permit
  /** Of the budgets that its bytes count against; null: none. */
  readonly meter: ByteMeter | null
  readonly facts: RequestFacts
  readonly window: Exchange
}

/** The same for every exchange. */
export interface Bounds {
  /** Interim responses that are borne. */
  readonly interim: number
  /** The answer sends its client somewhere else. */
  readonly onRedirect: ((facts: RequestFacts, location: string) => void) | undefined
}

/** May be sent twice (RFC 9110 §9.2.2). TRACE is never sent. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** @param settle is called once */
export function attempt(order: Order, entry: Entry, bounds: Bounds, settle: (result: Attempt) => void): void {
  if (order.window.isGone) settle({ kind: 'done', address: entry.address, status: null, bytesUp: 0, bytesDown: 0, error: 'client_left' })
  else new Upstreaming(order, entry, bounds, settle).dispatch()
}

/** What undici is handed. A class: one exchange is one object, where closures would be a dozen (a tenth of its CPU, measured). */
class Upstreaming {
  private readonly window: Exchange
  private readonly facts: RequestFacts
  private readonly permit: Permit
  private readonly meter: ByteMeter | null
  private readonly entry: Entry
  private readonly bounds: Bounds
  private readonly source: NodeJS.ReadableStream | null
  private readonly settle: (result: Attempt) => void
  private readonly stopWatching: () => void
  private state: 'queued' | 'sent' | 'answering' | 'begun' = 'queued'
  private isSettled = false
  private hasClientLeft = false
  private failure: { readonly code: RefusalCode, readonly reason: string } | null = null
  private bytesUp = 0
  private bytesDown = 0
  private interims = 0
  private status: number | null = null
  /** Of the answer. */
  private hasBody = true
  private abortSent: (() => void) | null = null
  private resume: () => void = () => {}

  constructor({ permit, meter, facts, window }: Order, entry: Entry, bounds: Bounds, settle: (result: Attempt) => void) {
    this.window = window
    this.facts = facts
    this.permit = permit
    this.meter = meter
    this.entry = entry
    this.bounds = bounds
    this.source = facts.hasContent ? window.body : null
    this.settle = settle
    this.stopWatching = window.onGone(() => this.left())
  }

  dispatch(): void {
    const facts = this.facts
    const { fields } = this.window
    const { maxRequestBytes } = this.permit.terms
    const body = this.source === null ? null : lend(this.source, maxRequestBytes, {
      over: () => this.fail('request_too_large', `more than the ${maxRequestBytes} bytes came that the policy allows`),
      spent: () => this.fail('budget_spent', SPENT),
      broken: () => this.left(),
    }, this.meter)
    const headers = requestFields(fields)
    headers.push('host', hostField(facts, fields))
    if (body !== null && facts.contentLength !== null) headers.push('content-length', String(facts.contentLength))
    // The name for TLS, which is none of undici's business here: without one it takes Host apart.
    const request: Dispatcher.DispatchOptions & { servername: string } = { path: facts.target, method: facts.method as Dispatcher.HttpMethod, headers, body, servername: facts.host }
    this.entry.client.dispatch(request, this as unknown as Dispatcher.DispatchHandler)
  }

  onConnect(abort: () => void): void {
    this.state = 'sent'
    this.abortSent = abort
    if (this.source !== null && this.window.expectsContinue) this.window.sendContinue()
  }

  onBodySent(chunk: Uint8Array): void {
    this.bytesUp += chunk.length
  }

  onResponseStarted(): void {
    if (this.state === 'sent') this.state = 'answering'
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    this.resume = resume
    if (status < 200) return this.onInterim(status, raw)
    const fields = readFields(raw)
    if (status > 599 || fields === null) return this.fail('upstream_invalid', fields === null ? 'the answer has a malformed field' : `the answer has status ${status}`)
    const length = announcedLength(fields)
    if (length === 'invalid') return this.fail('upstream_invalid', 'the answer is framed in two ways, or in one we did not offer to read')
    this.hasBody = this.facts.method !== 'HEAD' && status !== 204 && status !== 304
    const { maxResponseBytes } = this.permit.terms
    if (this.hasBody && length !== null && this.meter?.fits(length) === false) return this.fail('budget_spent', `${length} bytes were announced, and the budget of the rule has fewer left`)
    if (this.hasBody && this.isOver(length)) return this.fail('response_too_large', `${length} bytes were announced, the policy allows ${maxResponseBytes}`)
    this.status = status
    this.state = 'begun'
    if (status >= 301 && status <= 308 && this.bounds.onRedirect !== undefined) this.redirected(fields, this.bounds.onRedirect)
    this.window.begin(status, responseFields(fields), status === 204 ? null : length)
    return true
  }

  onData(chunk: Uint8Array): boolean {
    this.bytesDown += chunk.length
    if (this.isOver(this.bytesDown)) return this.fail('response_too_large', `more than the ${this.permit.terms.maxResponseBytes} bytes came that the policy allows`)
    if (this.meter?.take(chunk.length) === false) return this.fail('budget_spent', SPENT)
    if (this.window.write(chunk)) return true
    this.window.onDrain(this.resume)
    return false
  }

  onComplete(raw: Buffer[] | null): void {
    const trailers = readFields(raw ?? NONE)
    if (trailers === null) return void this.fail('upstream_invalid', 'the answer has a malformed trailer')
    this.window.end(trailerFields(trailers))
    this.done(null)
  }

  onError(error: NodeJS.ErrnoException): void {
    // undici counts the body of a 304 against the length that its 200 would have.
    if (this.state === 'begun' && !this.hasBody && error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') this.onComplete(null)
    else this.ended(error)
  }

  /** Told before the client is, which may follow at once. */
  private redirected(fields: RawFields, tell: NonNullable<Bounds['onRedirect']>): void {
    const at = fields.findIndex((field, index) => index % 2 === 0 && field.toLowerCase() === 'location')
    if (at !== -1) tell(this.facts, fields[at + 1]!)
  }

  private onInterim(status: number, raw: Buffer[]): boolean {
    if (status < 100 || status === 101) return this.fail('upstream_invalid', status === 101 ? 'the upstream changed to a protocol that nobody asked for' : `the answer has status ${status}`)
    if (++this.interims > this.bounds.interim) return this.fail('upstream_invalid', `more than ${this.bounds.interim} interim answers came`)
    const fields = readFields(raw)
    if (fields === null) return this.fail('upstream_invalid', 'an interim answer has a malformed field')
    if (status === 102 || status === 103) this.window.sendInterim(status, responseFields(fields))
    return true
  }

  private isOver(bytes: number | null): boolean {
    const { maxResponseBytes } = this.permit.terms
    return maxResponseBytes !== null && bytes !== null && bytes > maxResponseBytes
  }

  private left(): void {
    this.hasClientLeft = true
    this.abort()
    this.ended(null)
  }

  private fail(code: RefusalCode, reason: string): false {
    this.failure ??= { code, reason }
    this.abort()
    this.ended(null)
    return false
  }

  private abort(): void {
    if (this.abortSent === null) this.entry.socket.destroy(new Error('given up'))
    else this.abortSent()
  }

  /** Early, by any side's doing. */
  private ended(error: NodeJS.ErrnoException | null): void {
    if (this.isSettled) return
    if (this.hasClientLeft) {
      this.window.cut()
      return this.done('client_left')
    }
    const { code, reason } = this.failure ?? explained(error, this.state, this.entry)
    if (this.state === 'begun') {
      this.window.cut()
      return this.done(code)
    }
    const mayRepeat = this.state === 'queued' || (this.state === 'sent' && this.source === null && IDEMPOTENT.has(this.facts.method))
    const isStale = this.failure === null && this.entry.isReused && code === 'upstream_incomplete'
    this.end(mayRepeat && isStale ? { kind: 'retry' } : { kind: 'refused', code, reason, address: this.entry.address, bytesUp: this.bytesUp })
  }

  private done(error: Extract<Outcome, { kind: 'done' }>['error']): void {
    this.end({ kind: 'done', address: this.entry.address, status: this.status, bytesUp: this.bytesUp, bytesDown: this.bytesDown, error })
  }

  private end(result: Attempt): void {
    if (this.isSettled) return
    this.isSettled = true
    this.stopWatching()
    this.settle(result)
  }
}

const NONE: Buffer[] = []
const SPENT = 'more bytes came than the budget of the rule had left'

/** Names and codes of what undici throws at bytes that it cannot read. Nobody's words are read. */
const UNREADABLE = new Set(['HTTPParserError', 'UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_SOCKET', 'ERR_ASSERTION'])

/** Whose doing a failure is: undici breaks off at what it cannot read, and says nearly the same where the upstream ended. */
function explained(error: NodeJS.ErrnoException | null, state: string, { socket }: Entry): { readonly code: RefusalCode, readonly reason: string } {
  const code = error?.code ?? error?.name ?? 'no code'
  if (code === ENDED.silent) return { code: 'upstream_timeout', reason: 'no byte came or went for too long' }
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return { code: 'malformed_request', reason: `the request cannot be written (${code})` }
  return UNREADABLE.has(code) && !socket.readableEnded && (state === 'answering' || state === 'begun')
    ? { code: 'upstream_invalid', reason: `the answer is no HTTP/1.1 that was asked for (${code})` }
    : { code: 'upstream_incomplete', reason: `the upstream ended the connection before the end of its answer (${code})` }
}
