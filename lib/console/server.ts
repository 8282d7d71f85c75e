/**
 * The operator's desk as a web page: `sallyport serve --console 127.0.0.1:8900`.
 *
 * The page is the control API's own client, under the same paths. What it serves without a session is the
 * page itself, which holds nothing; everything else asks for both halves of one.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ParseAnswer } from '../control/actions.ts'
import { readJson } from '../control/body.ts'
import { createHttpDoor } from '../control/http-door.ts'
import { done, notAllowed, refusal, send } from '../control/replies.ts'
import type { Reply } from '../control/replies.ts'
import { createRoutes } from '../control/routes.ts'
import type { Clock } from '../model/clock.ts'
import type { Desk } from '../model/desk.ts'
import { OperatorError } from '../model/errors.ts'
import { createAssets } from './assets.ts'
import { createGate, hostsOf } from './gate.ts'
import { createSessions, SESSION_MS } from './sessions.ts'

export interface Console {
  readonly url: string
  readonly host: string
  readonly port: number
  /** Signs in whoever opens it first. */
  readonly link: string
  /** Another such link; the one before is void. */
  newLink(): string
  close(): Promise<void>
}

export interface ConsoleOptions {
  /** Port 0 takes a free one. */
  readonly host: string
  readonly port: number
  /** Further names that it is reached by. */
  readonly hosts: readonly string[]
  readonly desk: Desk
  readonly clock: Clock
  readonly parseAnswer: ParseAnswer
  /** Who decides, if the page is not told another name. */
  readonly user: string | null
  /** So many random bytes. */
  random(bytes: number): Buffer
}

/** For every response. */
const SECURITY: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** @throws OperatorError E_LISTEN_FAILED */
export async function serveConsole(options: ConsoleOptions): Promise<Console> {
  const { clock, random, user } = options
  const sessions = createSessions({ clock, random })
  const assetAt = createAssets(() => random(18).toString('hex'))
  let gate = createGate(options.port, [])
  let url = ''

  const routes = createRoutes({ ...options, door: 'console', refuse: request => isSignedIn(request) ? null : refusal(401, 'Nobody is signed in here: open the link that the firewall printed when it started, or that `sallyport console` prints.') })

  function isSignedIn(request: IncomingMessage): boolean {
    return sessions.admits(gate.credentials(request))
  }

  const newLink = (): string => `${url}/#sign-in=${sessions.newLink()}`

  /** What only the console has. */
  const own: Readonly<Record<string, (request: IncomingMessage) => Promise<Reply | null>>> = {
    '/sign-in': signIn,
    '/sign-in/link': async request => isSignedIn(request) ? done({ link: newLink() }) : refusal(401, 'Nobody is signed in here.'),
    async '/sign-out'(request) {
      sessions.end(gate.credentials(request))
      return { ...done({}), fields: { 'set-cookie': gate.cookie('', 0) } }
    },
  }

  async function signIn(request: IncomingMessage): Promise<Reply | null> {
    const body = await readJson(request)
    if (body.kind === 'gone') return null
    if (body.kind === 'refused') return refusal(body.status, body.problem)
    const { token } = (typeof body.value === 'object' && body.value !== null ? body.value : {}) as { readonly token?: unknown }
    const credentials = typeof token === 'string' ? sessions.redeem(token) : null
    if (credentials === null) return refusal(403, 'This link was used before, or another has taken its place. `sallyport console` prints a new one, and so does a signed-in page.')
    return { ...done({ key: credentials.key, user }), fields: { 'set-cookie': gate.cookie(credentials.cookie, SESSION_MS) } }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', ignore)
    response.on('error', ignore)
    for (const [name, value] of Object.entries(SECURITY)) response.setHeader(name, value)
    const foreign = gate.foreign(request)
    if (foreign !== null) return send(response, refusal(403, foreign), request.complete)
    const path = request.url ?? ''
    if (path.startsWith('/v1/')) return routes.serve(request, response)
    if (Object.hasOwn(own, path)) {
      const reply = request.method === 'POST' ? await own[path]!(request).catch(() => refusal(500, 'The firewall could not serve this request.')) : notAllowed('POST')
      return reply === null ? undefined : send(response, reply, request.complete)
    }
    const asset = assetAt(path)
    if (asset === null) return send(response, refusal(404, 'There is nothing at this path.'), request.complete)
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, notAllowed('GET'), request.complete)
    response.writeHead(200, { ...asset.fields, 'content-length': Buffer.byteLength(asset.body) })
    response.end(request.method === 'HEAD' ? undefined : asset.body)
  }

  const { server, close } = createHttpDoor(clock, { serve, endStreams: routes.endStreams })
  const bound = await new Promise<AddressInfo>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port, exclusive: true }, () => resolve(server.address() as AddressInfo))
  }).catch((error: NodeJS.ErrnoException) => {
    throw new OperatorError('E_LISTEN_FAILED', { address: `${options.host}:${options.port}`, problem: error.code ?? error.message }, error)
  })
  server.removeAllListeners('error')
  server.on('error', ignore)
  const { port } = bound
  gate = createGate(port, hostsOf({ host: bound.address, port }, options.hosts))
  const [named = bound.address.includes(':') ? `[${bound.address}]` : bound.address] = options.hosts
  url = `http://${/:\d+$/.test(named) ? named : `${named}:${port}`}`
  return { url, host: bound.address, port, link: newLink(), newLink, close }
}

const ignore = (): void => {}
