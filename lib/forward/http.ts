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
import type { Permit } from '../model/decision.ts'
import type { RefusalCode } from '../model/errors.ts'
import type { Exchange, Outcome } from '../model/flow.ts'
import type { RequestFacts } from '../model/request.ts'
import { lend } from './body.ts'
import { announcedLength, hostField, readFields, requestFields, responseFields, trailerFields } from './headers.ts'
import { ENDED } from './pool.ts'
import type { Entry } from './pool.ts'

/** `retry`: the connection had died while it idled, and the request may be sent again. */
export type Attempt = Outcome | { readonly kind: 'retry' }

export interface AttemptOptions {
  readonly permit: Permit
  readonly facts: RequestFacts
  readonly window: Exchange
  readonly entry: Entry
  /** Interim responses that are borne. */
  readonly interim: number
}

/** May be sent twice (RFC 9110 §9.2.2). TRACE is never sent. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** Never rejects. */
export function attempt({ permit, facts, window, entry, interim }: AttemptOptions): Promise<Attempt> {
  const { maxRequestBytes, maxResponseBytes } = permit.terms
  const source = facts.hasContent ? window.body : null
  let bytesUp = 0
  let bytesDown = 0
  let interims = 0
  let status: number | null = null
  let state: 'queued' | 'sent' | 'answering' | 'begun' = 'queued'
  let abort = (): void => { entry.socket.destroy(new Error('given up')) }
  let resume = (): void => {}
  let failure: { readonly code: RefusalCode, readonly reason: string } | null = null
  let hasClientLeft = false
  /** Of the answer. */
  let hasBody = true

  return new Promise(resolve => {
    let isSettled = false
    if (window.isGone) return resolve({ kind: 'done', address: entry.address, status, bytesUp, bytesDown, error: 'client_left' })
    const stop = window.onGone(left)

    function settle(result: Attempt): void {
      if (isSettled) return
      isSettled = true
      stop()
      resolve(result)
    }

    function done(error: Extract<Outcome, { kind: 'done' }>['error']): void {
      settle({ kind: 'done', address: entry.address, status, bytesUp, bytesDown, error })
    }

    function fail(code: RefusalCode, reason: string): false {
      failure ??= { code, reason }
      abort()
      ended()
      return false
    }

    function left(): void {
      hasClientLeft = true
      abort()
      ended()
    }

    /** Early, by any side's doing. */
    function ended(error: NodeJS.ErrnoException | null = null): void {
      if (isSettled) return
      if (hasClientLeft) {
        window.cut()
        return done('client_left')
      }
      const { code, reason } = failure ?? explained(error, state, entry)
      if (state === 'begun') {
        window.cut()
        return done(code)
      }
      const mayRepeat = state === 'queued' || (state === 'sent' && source === null && IDEMPOTENT.has(facts.method))
      if (failure === null && entry.isReused && mayRepeat && code === 'upstream_incomplete') return settle({ kind: 'retry' })
      settle({ kind: 'refused', code, reason, address: entry.address, bytesUp })
    }

    function onHead(code: number, raw: Buffer[]): boolean {
      if (code < 200) return onInterim(code, raw)
      const fields = readFields(raw)
      if (code > 599 || fields === null) return fail('upstream_invalid', fields === null ? 'the answer has a malformed field' : `the answer has status ${code}`)
      const length = announcedLength(fields)
      if (length === 'invalid') return fail('upstream_invalid', 'the answer is framed in two ways, or in one we did not offer to read')
      hasBody = facts.method !== 'HEAD' && code !== 204 && code !== 304
      if (hasBody && isOver(length)) return fail('response_too_large', `${length} bytes were announced, the policy allows ${maxResponseBytes}`)
      status = code
      state = 'begun'
      window.begin(code, responseFields(fields), code === 204 ? null : length)
      return true
    }

    function onInterim(code: number, raw: Buffer[]): boolean {
      if (code < 100 || code === 101) return fail('upstream_invalid', code === 101 ? 'the upstream changed to a protocol that nobody asked for' : `the answer has status ${code}`)
      if (++interims > interim) return fail('upstream_invalid', `more than ${interim} interim answers came`)
      const fields = readFields(raw)
      if (fields === null) return fail('upstream_invalid', 'an interim answer has a malformed field')
      if (code === 102 || code === 103) window.sendInterim(code, responseFields(fields))
      return true
    }

    function isOver(bytes: number | null): boolean {
      return maxResponseBytes !== null && bytes !== null && bytes > maxResponseBytes
    }

    const handler = {
      onConnect(abortSent: () => void) {
        state = 'sent'
        abort = abortSent
        if (source !== null && window.expectsContinue) window.sendContinue()
      },
      onBodySent(chunk: Uint8Array) { bytesUp += chunk.length },
      onResponseStarted() { if (state === 'sent') state = 'answering' },
      onHeaders(code: number, raw: Buffer[], resumeReading: () => void) {
        resume = resumeReading
        return onHead(code, raw)
      },
      onData(chunk: Uint8Array) {
        bytesDown += chunk.length
        if (isOver(bytesDown)) return fail('response_too_large', `more than the ${maxResponseBytes} bytes came that the policy allows`)
        if (window.write(chunk)) return true
        window.onDrain(resume)
        return false
      },
      onComplete(raw: Buffer[] | null) {
        const trailers = readFields(raw ?? [])
        if (trailers === null) return void fail('upstream_invalid', 'the answer has a malformed trailer')
        window.end(trailerFields(trailers))
        done(null)
      },
      onError(error: NodeJS.ErrnoException) {
        // undici counts the body of a 304 against the length that its 200 would have.
        if (state === 'begun' && !hasBody && error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') handler.onComplete(null)
        else ended(error)
      },
    }

    const body = source === null ? null : lend(source, maxRequestBytes, {
      over: () => fail('request_too_large', `more than the ${maxRequestBytes} bytes came that the policy allows`),
      broken: left,
    })
    const headers = requestFields(window.fields)
    headers.push('host', hostField(facts, window.fields))
    if (source !== null && facts.contentLength !== null) headers.push('content-length', String(facts.contentLength))
    entry.client.dispatch({ path: facts.target, method: facts.method as Dispatcher.HttpMethod, headers, body }, handler as unknown as Dispatcher.DispatchHandler)
  })
}

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
