/**
 * One exchange with an upstream, over undici: the request as it was judged goes out, the answer streams
 * back through the client's window, neither body is ever held as a whole.
 *
 * undici's raw handler is used (`onHeaders` and its like, what its core speaks): it alone tells fields as
 * they stood on the wire.
 */
import { Transform } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Permit } from '../model/decision.ts'
import type { RefusalCode } from '../model/errors.ts'
import type { Exchange, Outcome } from '../model/flow.ts'
import type { RequestFacts } from '../model/request.ts'
import { hostField, requestFields, responseFields, trailerFields } from './headers.ts'
import type { Entry } from './pool.ts'

/** `retry`: the connection died before a byte of an answer, and the request may be sent again. */
export type Attempt = Outcome | { readonly kind: 'retry' }

export interface AttemptOptions {
  readonly permit: Permit
  readonly facts: RequestFacts
  readonly window: Exchange
  readonly entry: Entry
  /** Interim responses that are passed on. */
  readonly interim: number
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

export function attempt(options: AttemptOptions): Promise<Attempt> {
  const { permit, facts, window, entry } = options
  const { maxRequestBytes, maxResponseBytes } = permit.terms
  let bytesUp = 0
  let bytesDown = 0
  let status: number | null = null
  let hasBegun = false
  let interims = 0
  let abort: (() => void) | null = null
  let resumeReading = (): void => {}
  let failure: { readonly code: RefusalCode, readonly reason: string } | null = null

  return new Promise(resolve => {
    let isSettled = false
    const stop = window.onGone(() => fail('upstream_incomplete', 'the client left'))
    const settle = (result: Attempt): void => {
      if (isSettled) return
      isSettled = true
      stop()
      resolve(result)
    }
    const fail = (code: RefusalCode, reason: string): void => {
      failure ??= { code, reason }
      if (abort !== null) abort()
      entry.socket.destroy()
      ended()
    }
    /** After a failure of any side. */
    const ended = (): void => {
      if (isSettled) return
      const { code, reason } = failure ?? { code: 'upstream_incomplete', reason: 'the upstream ended the connection before its answer' } as const
      if (window.isGone) return settle({ kind: 'done', address: entry.address, status, bytesUp, bytesDown, error: 'client_left' })
      if (hasBegun) {
        window.cut()
        return settle({ kind: 'done', address: entry.address, status, bytesUp, bytesDown, error: code })
      }
      if (failure === null && entry.isReused && window.body === null && IDEMPOTENT.has(facts.method)) return settle({ kind: 'retry' })
      settle({ kind: 'refused', code, reason, address: entry.address, bytesUp })
    }

    const handler = {
      onConnect(abortNow: () => void) { abort = abortNow },
      onBodySent(chunk: Uint8Array) { bytesUp += chunk.length },
      onHeaders(code: number, raw: Buffer[], resume: () => void) {
        if (code < 200) return passInterim(code, raw)
        if (code > 599) return fail('upstream_invalid', `the upstream sent status ${code}`), false
        status = code
        const fields = texts(raw)
        const length = lengthOf(fields)
        if (length === 'invalid') return fail('upstream_invalid', 'the upstream framed its answer in two ways'), false
        if (length !== null && maxResponseBytes !== null && length > maxResponseBytes && facts.method !== 'HEAD') {
          return fail('response_too_large', `the upstream announced ${length} bytes, the policy allows ${maxResponseBytes}`), false
        }
        hasBegun = true
        window.begin(code, responseFields(fields), code === 204 ? null : length)
        resumeReading = resume
        return true
      },
      onData(chunk: Uint8Array) {
        bytesDown += chunk.length
        if (maxResponseBytes !== null && bytesDown > maxResponseBytes) return fail('response_too_large', `more than the ${maxResponseBytes} bytes came that the policy allows`), false
        if (window.write(chunk)) return true
        window.onDrain(resumeReading)
        return false
      },
      onComplete(trailers: Buffer[]) {
        if (entry.hasFailed) return ended()
        if (!hasBegun) return fail('upstream_invalid', 'the upstream sent no final answer')
        window.end(trailerFields(texts(trailers ?? [])))
        settle({ kind: 'done', address: entry.address, status, bytesUp, bytesDown, error: null })
      },
      onError(error: Error & { code?: string }) {
        if (failure === null && error.code?.startsWith('HPE_') === true) failure = { code: 'upstream_invalid', reason: `the upstream's answer is no HTTP/1.1 (${error.code})` }
        ended()
      },
    }

    function passInterim(code: number, raw: Buffer[]): boolean {
      if (code === 101) fail('upstream_invalid', 'the upstream changed to a protocol that nobody asked for')
      else if (++interims > options.interim) fail('upstream_invalid', `the upstream sent more than ${options.interim} interim responses`)
      else if (code === 102 || code === 103) window.sendInterim(code, responseFields(texts(raw)))
      return true
    }

    if (window.isGone) return ended()
    window.sendContinue()
    const body = window.body === null || maxRequestBytes === null ? window.body : window.body.pipe(capped(maxRequestBytes, () => fail('request_too_large', `more than the ${maxRequestBytes} bytes came that the policy allows`)))
    if (maxRequestBytes !== null && (facts.contentLength ?? 0) > maxRequestBytes) return fail('request_too_large', `${facts.contentLength} bytes were announced, the policy allows ${maxRequestBytes}`)
    const fields = requestFields(window.fields)
    fields.push('host', hostField(facts, window.fields))
    if (facts.contentLength !== null && (facts.contentLength > 0 || announcesLength(window.fields))) fields.push('content-length', String(facts.contentLength))
    try {
      entry.client.dispatch({ path: facts.target, method: facts.method as Dispatcher.HttpMethod, headers: fields, body: body as never }, handler as unknown as Dispatcher.DispatchHandler)
    } catch (error) {
      fail('upstream_invalid', `the request could not be sent (${(error as { code?: string }).code ?? 'no code'})`)
    }
  })
}

/** Ends a body that grows over its cap. */
function capped(max: number, over: () => void): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length
      if (bytes <= max) return done(null, chunk)
      over()
    },
  })
}

function texts(raw: readonly Buffer[]): string[] {
  return raw.map(part => part.toString('latin1'))
}

/** null: the body ends as it ends. */
function lengthOf(fields: readonly string[]): number | null | 'invalid' {
  let length: string | null = null
  let isChunked = false
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase()
    if (name === 'transfer-encoding') isChunked = true
    if (name !== 'content-length') continue
    if (length !== null && length !== fields[i + 1]) return 'invalid'
    length = fields[i + 1]!
  }
  if (length === null) return null
  return isChunked || !/^\d{1,15}$/.test(length) ? 'invalid' : Number(length)
}

function announcesLength(fields: readonly string[]): boolean {
  for (let i = 0; i < fields.length; i += 2) if (fields[i]!.length === 14 && fields[i]!.toLowerCase() === 'content-length') return true
  return false
}
