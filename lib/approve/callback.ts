/**
 * Where answers come in that were not given at once: an HTTP server on an address that the operator named, with one path for each
 * question that waits for its answer.
 *
 * The promise: whoever was not given a path cannot find one (256 random bits), a message without the signature opens nothing
 * even there, and the first answer spends the path. It asks and shows nothing.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseAnswer } from '../config/answers.ts'
import { systemClock } from '../model/clock.ts'
import type { Clock } from '../model/clock.ts'
import { OperatorError } from '../model/errors.ts'
import type { Answer } from '../model/hold.ts'
import { MAX_ANSWER_BYTES } from './post.ts'
import { SIGNATURE, TIMESTAMP, isSigned } from './signature.ts'

export interface CallbackOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Of the webhook. */
  readonly secret: string
  /** How the other side reaches it, where that is not `http://host:port`: a reverse proxy's. */
  readonly publicUrl?: string
  readonly clock?: Clock
}

export interface Callbacks {
  /** Without the paths. */
  readonly url: string
  /** A path for one answer, until it has come or nobody wants it any more. */
  expect(signal: AbortSignal): { readonly url: string, readonly answer: Promise<Answer>, forget(): void }
  close(): Promise<void>
}

const HEAD_MS = 10_000
const WHOLE_MS = 20_000
const MAX_CONNECTIONS = 100

/** @throws OperatorError E_LISTEN_FAILED */
export async function openCallbacks(options: CallbackOptions): Promise<Callbacks> {
  const { secret, clock = systemClock } = options
  /** By the digest of its token, so that looking one up tells nothing by the time it takes. */
  const expected = new Map<string, (answer: Answer) => void>()
  const server = createServer({ headersTimeout: HEAD_MS, requestTimeout: WHOLE_MS, keepAlive: false }, (request, response) => {
    take(request).then(status => reply(response, status), () => reply(response, { status: 400, says: 'The request cannot be read.' }))
  })
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new OperatorError('E_LISTEN_FAILED', { address: `${options.host}:${options.port}`, problem: error.code ?? error.message }, error)))
    server.listen(options.port, options.host, resolve)
  })
  const { address, port } = server.address() as AddressInfo
  const url = (options.publicUrl ?? `http://${address.includes(':') ? `[${address}]` : address}:${port}`).replace(/\/+$/, '')

  async function take(request: IncomingMessage): Promise<Status> {
    const token = /^\/v1\/answers\/([\w-]{43})$/.exec(request.url ?? '')?.[1]
    const answer = token === undefined ? undefined : expected.get(digestOf(token))
    const body = await bodyOf(request)
    if (body === null) return { status: 413, says: `An answer has at most ${MAX_ANSWER_BYTES} bytes.` }
    const { [TIMESTAMP.toLowerCase()]: time, [SIGNATURE.toLowerCase()]: signature } = request.headers
    if (!isSigned(secret, body, { time: one(time), signature: one(signature) }, clock.now())) return { status: 401, says: 'The signature is missing, wrong or old.' }
    if (token === undefined || answer === undefined) return { status: 404, says: 'Nobody waits for this answer any more.' }
    if (request.method !== 'POST') return { status: 405, says: 'Answers are posted.' }
    const parsed = parseAnswer(jsonIn(body))
    if (parsed.kind === 'refused') return { status: 422, says: parsed.problems.map(({ problem, fix }) => `${problem} ${fix}`).join(' ') }
    if (!expected.delete(digestOf(token))) return { status: 404, says: 'Nobody waits for this answer any more.' }
    answer(parsed.answer)
    return { status: 202, says: 'The answer was handed on.' }
  }

  return {
    url,
    expect(signal) {
      const token = randomBytes(32).toString('base64url')
      const digest = digestOf(token)
      const answer = new Promise<Answer>((resolve, reject) => {
        expected.set(digest, resolve)
        signal.addEventListener('abort', () => {
          expected.delete(digest)
          reject(signal.reason)
        }, { once: true })
      })
      // Where it was answered at once nobody listens.
      answer.catch(() => {})
      return { url: `${url}/v1/answers/${token}`, answer, forget: () => { expected.delete(digest) } }
    },
    close: () => new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

interface Status {
  readonly status: number
  readonly says: string
}

function reply(response: ServerResponse, { status, says }: Status): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', Connection: 'close' })
  response.end(`${JSON.stringify(status < 300 ? { says } : { error: says })}\n`)
}

/** @returns null for what is too long */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function jsonIn(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // No JSON is no answer: it is refused like any other value that is none.
    return undefined
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
