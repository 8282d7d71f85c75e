/**
 * The body of a request for access: typed, bounded in size and time, UTF-8, or refused with the reason.
 */
import type { Clock } from '../model/clock.ts'
import type { Exchange } from '../model/flow.ts'
import type { RawFields, RequestFacts } from '../model/request.ts'

export const MAX_BODY_BYTES = 64 * 1_024
/** From the head to the last byte. */
const BODY_MS = 10_000

export type Body =
  | { readonly kind: 'json', readonly value: unknown, readonly bytes: number }
  | { readonly kind: 'refused', readonly code: 'bad_request' | 'too_large' | 'unsupported_type' | 'timeout', readonly problem: string, readonly bytes: number }
  | { readonly kind: 'gone', readonly bytes: number }

export async function readJson(window: Exchange, facts: RequestFacts, clock: Clock): Promise<Body> {
  // A page in a browser inside can't send this type to another origin without asking first, and is not answered then.
  if (!isJson(facts.fields)) return { kind: 'refused', code: 'unsupported_type', problem: 'The body must have the Content-Type application/json.', bytes: 0 }
  if ((facts.contentLength ?? 0) > MAX_BODY_BYTES) return TOO_LARGE
  window.sendContinue()
  const read = await readBytes(window, clock)
  return read.kind === 'bytes' ? parse(read.bytes) : read
}

const JSON_TYPE = /^application\/json(?: *; *charset="?utf-8"?)?$/i

const TOO_LARGE: Body = { kind: 'refused', code: 'too_large', problem: `The body has more than ${MAX_BODY_BYTES} bytes.`, bytes: 0 }

function isJson(fields: RawFields): boolean {
  const types = fields.filter((_, at) => at % 2 === 1 && fields[at - 1]!.toLowerCase() === 'content-type')
  return types.length === 1 && JSON_TYPE.test(types[0]!)
}

function readBytes(window: Exchange, clock: Clock): Promise<Body | { readonly kind: 'bytes', readonly bytes: Uint8Array }> {
  return new Promise(resolve => {
    const { body } = window
    if (body === null) return resolve({ kind: 'bytes', bytes: new Uint8Array(0) })
    const chunks: Buffer[] = []
    let size = 0
    const settle = (read: Body | { readonly kind: 'bytes', readonly bytes: Uint8Array }): void => {
      timer.cancel()
      stopWatching()
      body.off('data', onData).off('end', onEnd)
      resolve(read)
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > MAX_BODY_BYTES) settle({ ...TOO_LARGE, bytes: size })
      else chunks.push(chunk)
    }
    const onEnd = (): void => settle({ kind: 'bytes', bytes: Buffer.concat(chunks) })
    const timer = clock.after(BODY_MS, () => settle({ kind: 'refused', code: 'timeout', problem: 'The body did not arrive in time.', bytes: size }))
    let stopWatching = (): void => {}
    body.on('data', onData).on('end', onEnd)
    stopWatching = window.onGone(() => settle({ kind: 'gone', bytes: size }))
  })
}

function parse(bytes: Uint8Array): Body {
  try {
    return { kind: 'json', value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), bytes: bytes.length }
  } catch {
    // The decoder's TypeError and the parser's SyntaxError; neither message helps more than this one.
    return { kind: 'refused', code: 'bad_request', problem: 'The body is not JSON in UTF-8.', bytes: bytes.length }
  }
}
