/**
 * Reads the JSON body of a request: typed, bounded, UTF-8, or refused with the reason.
 */
import type { IncomingMessage } from 'node:http'
import { MAX_BODY_BYTES } from './protocol.ts'

export type Body =
  | { readonly kind: 'json', readonly value: unknown }
  | { readonly kind: 'refused', readonly status: 400 | 413 | 415, readonly problem: string }
  /** The client went away before its body was complete. */
  | { readonly kind: 'gone' }

export async function readJson(request: IncomingMessage): Promise<Body> {
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) {
    return { kind: 'refused', status: 415, problem: 'The body must have the Content-Type application/json.' }
  }
  const read = await readBytes(request)
  return read.kind === 'bytes' ? parse(read.bytes) : read
}

/** True where a request brings a body, or announces one. */
export const hasBody = (request: IncomingMessage): boolean =>
  request.headers['transfer-encoding'] !== undefined || (request.headers['content-length'] ?? '0') !== '0'

const JSON_TYPE = /^application\/json(?: *; *charset="?utf-8"?)?$/i

const TOO_LARGE: Body = { kind: 'refused', status: 413, problem: `The body has more than ${MAX_BODY_BYTES} bytes.` }

function readBytes(request: IncomingMessage): Promise<Body | { readonly kind: 'bytes', readonly bytes: Uint8Array }> {
  return new Promise(done => {
    // Refused before a byte is read: the client need not send what nobody will take.
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return done(TOO_LARGE)
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_BODY_BYTES) return chunks.push(chunk)
      // Later chunks are thrown away as they come, until the refusal has been sent and the connection ends.
      chunks.length = 0
      done(TOO_LARGE)
    })
    request.on('end', () => done({ kind: 'bytes', bytes: Buffer.concat(chunks) }))
    request.on('close', () => done({ kind: 'gone' }))
  })
}

function parse(bytes: Uint8Array): Body {
  try {
    return { kind: 'json', value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) }
  } catch {
    // The decoder's TypeError and the parser's SyntaxError; neither message helps more than this one.
    return { kind: 'refused', status: 400, problem: 'The body is not JSON in UTF-8.' }
  }
}
