/**
 * The requests of the operator's door and their replies. Never throws: what goes wrong is a reply.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../model/clock.ts'
import { actionAt, perform } from './actions.ts'
import type { ActionOptions } from './actions.ts'
import { hasBody } from './body.ts'
import { HOSTS, PATHS } from './protocol.ts'
import { parseFlowQuery } from './query.ts'
import { done, notAllowed, refusal, send } from './replies.ts'
import type { Reply } from './replies.ts'
import { streamEvents } from './stream.ts'

export interface RouteOptions extends ActionOptions {
  readonly clock: Clock
  /** Why this one may not ask at all; null where it may. */
  refuse(request: IncomingMessage): Reply | null
}

/** Event streams at once. An operator has a few; each costs memory when it stalls. */
export const MAX_STREAMS = 32

/** null: the response is a stream, and under way. */
type Read = (response: ServerResponse) => Reply | null | Promise<Reply>

export interface Routes {
  /** Serves one request; settles when the reply is handed over, or the stream has begun. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Ends every event stream as one that is complete. */
  endStreams(): void
}

export function createRoutes(options: RouteOptions): Routes {
  const { desk, clock } = options
  const streams = new Set<ServerResponse>()

  const openStream = (response: ServerResponse, withFlows: boolean): Reply | null => {
    if (streams.size >= MAX_STREAMS) return refusal(503, `${MAX_STREAMS} event streams are open already.`)
    streamEvents({ desk, clock, response, withFlows })
    streams.add(response)
    response.once('close', () => streams.delete(response))
    return null
  }

  const flows = (query: string): Reply => {
    const parsed = parseFlowQuery(query)
    return parsed.kind === 'refused' ? refusal(400, parsed.problem) : done({ flows: desk.flows.find(parsed.query) })
  }

  const log = async (query: string): Promise<Reply> => {
    const parsed = parseFlowQuery(query, true)
    if (parsed.kind === 'refused') return refusal(400, parsed.problem)
    const part = await desk.searchLog(parsed.query, parsed.older)
    return part === null ? refusal(409, 'The audit log is written to no file (--audit FILE); /v1/flows has what is remembered.') : done(part)
  }

  const get: Readonly<Record<string, Read>> = {
    [PATHS.status]: () => done(desk.status()),
    [PATHS.pending]: () => done({ pending: desk.pending() }),
    [PATHS.policy]: () => done(desk.policy()),
    [PATHS.grants]: () => done({ grants: desk.grants() }),
    [PATHS.rules]: () => done(desk.rules()),
    [PATHS.flows]: () => flows(''),
    [PATHS.log]: () => log(''),
    [PATHS.events]: response => openStream(response, false),
    [PATHS.eventsWithFlows]: response => openStream(response, true),
  }

  const reader = (path: string): Read | null => {
    if (Object.hasOwn(get, path)) return get[path]!
    if (path.startsWith(`${PATHS.flows}?`)) return () => flows(path.slice(PATHS.flows.length + 1))
    return path.startsWith(`${PATHS.log}?`) ? () => log(path.slice(PATHS.log.length + 1)) : null
  }

  const route = async (request: IncomingMessage, response: ServerResponse): Promise<Reply | null> => {
    const refused = options.refuse(request)
    if (refused !== null) return refused
    const path = request.url ?? ''
    const act = actionAt(path, options)
    if (act !== null) return request.method === 'POST' ? perform(act, request) : notAllowed('POST')
    const read = reader(path)
    if (read === null) return refusal(404, 'There is nothing at this path; docs/control-api.md lists what there is.')
    if (request.method !== 'GET') return notAllowed('GET')
    return hasBody(request) ? refusal(400, 'A GET has no body here.') : read(response)
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

/**
 * A page in a browser sends `Origin`, or a `Host` of its own after DNS rebinding; a browser has no
 * business at the control socket, even if something bridges it to a port one day.
 */
export function refuseForeign(request: IncomingMessage): Reply | null {
  if (request.headers.origin !== undefined) return refusal(403, 'Requests from web pages are refused.')
  const hosts = request.rawHeaders.filter((_, index, raw) => index % 2 === 1 && raw[index - 1]!.toLowerCase() === 'host')
  if (hosts.length !== 1 || !HOSTS.includes(hosts[0]!.toLowerCase())) return refusal(403, `The Host must be ${HOSTS.join(' or ')}.`)
  return null
}

const ignore = () => {}
