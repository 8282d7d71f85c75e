/**
 * The control socket's requests and their replies. Never throws: what goes wrong is a reply.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../model/clock.ts'
import type { Desk } from '../model/desk.ts'
import type { Answer } from '../model/hold.ts'
import { hasBody, readJson } from './body.ts'
import { HOSTS, isQuestionId, PATHS, type ControlError } from './protocol.ts'
import { streamEvents } from './stream.ts'

/** Turns what a client sent into an answer, or says what is wrong with it. `config/` has it. */
export type ParseAnswer = (value: unknown) =>
  | { readonly kind: 'answer', readonly answer: Answer }
  | { readonly kind: 'refused', readonly problems: readonly string[] }

export interface RouteOptions {
  readonly desk: Desk
  readonly clock: Clock
  readonly parseAnswer: ParseAnswer
}

export interface Reply {
  readonly status: number
  readonly body: object
  readonly fields?: Readonly<Record<string, string>>
}

/** Name of this door in answers and logs. */
const DOOR = 'control'

/** Event streams at once. An operator has a few; each costs memory when it stalls. */
export const MAX_STREAMS = 32

export interface Routes {
  /** Serves one request; settles when the reply is handed over, or the stream has begun. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Ends every event stream as one that is complete. */
  endStreams(): void
}

export function createRoutes(options: RouteOptions): Routes {
  const { desk } = options
  const streams = new Set<ServerResponse>()

  const openStream = (response: ServerResponse): Reply | null => {
    if (streams.size >= MAX_STREAMS) return refusal(503, `${MAX_STREAMS} event streams are open already.`)
    streamEvents({ ...options, response })
    streams.add(response)
    response.once('close', () => streams.delete(response))
    return null
  }

  const get: Readonly<Record<string, (response: ServerResponse) => Reply | null>> = {
    [PATHS.status]: () => ({ status: 200, body: desk.status() }),
    [PATHS.pending]: () => ({ status: 200, body: { pending: desk.pending() } }),
    [PATHS.policy]: () => ({ status: 200, body: desk.policy() }),
    [PATHS.events]: openStream,
  }

  const route = async (request: IncomingMessage, response: ServerResponse): Promise<Reply | null> => {
    const foreign = refuseForeign(request)
    if (foreign !== null) return foreign
    const path = request.url ?? ''
    const id = ANSWER_PATH.exec(path)?.[1]
    if (id !== undefined) return request.method === 'POST' ? takeAnswer(request, id, options) : notAllowed('POST')
    if (!Object.hasOwn(get, path)) return refusal(404, 'There is nothing at this path; docs/control-api.md lists what there is.')
    if (request.method !== 'GET') return notAllowed('GET')
    if (hasBody(request)) return refusal(400, 'A GET has no body here.')
    return get[path]!(response)
  }

  return {
    async serve(request, response) {
      request.on('error', ignore)
      response.on('error', ignore)
      let reply
      try {
        reply = await route(request, response)
      } catch {
        reply = refusal(500, 'The firewall could not serve this request.')
      }
      if (reply !== null) send(response, reply, request.complete)
    },
    endStreams() {
      for (const response of streams) response.end()
    },
  }
}

/** The body of a reply that is no success. */
export const errorBody = (message: string, problems: readonly string[] = [], code: ControlError['error']['code'] = 'E_CONTROL_REFUSED'): ControlError =>
  ({ error: { code, message, problems } })

const ANSWER_PATH = /^\/v1\/pending\/([^/?#]+)\/answer$/

async function takeAnswer(request: IncomingMessage, id: string, { desk, parseAnswer }: RouteOptions): Promise<Reply | null> {
  const body = await readJson(request)
  if (body.kind === 'gone') return null
  if (body.kind === 'refused') return refusal(body.status, body.problem)
  if (!isQuestionId(id)) return unknownQuestion()
  const parsed = parseAnswer(body.value)
  if (parsed.kind === 'refused') return notTaken(parsed.problems)
  const result = await desk.answer(id, parsed.answer, DOOR)
  switch (result.kind) {
    case 'accepted': return { status: 200, body: result }
    case 'unknown': return unknownQuestion()
    case 'refused': return notTaken(result.problems)
    default: return result satisfies never
  }
}

/**
 * A page in a browser sends `Origin`, or a `Host` of its own after DNS rebinding; a browser has no
 * business here, even if something bridges this socket to a port one day.
 */
function refuseForeign(request: IncomingMessage): Reply | null {
  if (request.headers.origin !== undefined) return refusal(403, 'Requests from web pages are refused.')
  const hosts = request.rawHeaders.filter((_, index, raw) => index % 2 === 1 && raw[index - 1]!.toLowerCase() === 'host')
  if (hosts.length !== 1 || !HOSTS.includes(hosts[0]!.toLowerCase())) return refusal(403, `The Host must be ${HOSTS.join(' or ')}.`)
  return null
}

function send(response: ServerResponse, { status, body, fields }: Reply, isRequestRead: boolean): void {
  if (response.destroyed || response.headersSent) {
    response.destroy()
    return
  }
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...fields,
    // Nobody will read what is left of the body.
    ...(isRequestRead ? {} : { connection: 'close' }),
  })
  response.end(text)
}

const refusal = (status: number, message: string, fields: Readonly<Record<string, string>> = {}): Reply =>
  ({ status, body: errorBody(message), fields })
const notAllowed = (allow: string): Reply => refusal(405, `Only ${allow} is served at this path.`, { allow })
const notTaken = (problems: readonly string[]): Reply =>
  ({ status: 422, body: errorBody('The answer may not stand; the question stays open.', problems) })
const unknownQuestion = (): Reply =>
  ({ status: 404, body: errorBody('There is no open question with this id.', [], 'E_UNKNOWN_QUESTION') })
const ignore = () => {}
