/**
 * The other end of the operator's door: what `sallyport pending`, `approve` and `status` ask with.
 *
 * What answers at the socket may be anything; a reply that is not the firewall's own kind of
 * words is an error, and never half used. The texts inside it are still whatever an agent wrote:
 * show `held.display`, or pass them through `visible`.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import type { AuditRecord } from '../model/audit.ts'
import type { Desk, DeskEvent, FlowQuery, LogPart, Status } from '../model/desk.ts'
import { visible } from '../model/display.ts'
import { OperatorError } from '../model/errors.ts'
import type { Granted, RulesInForce, ShownQuestion } from '../model/grants.ts'
import type { Answer, Pending } from '../model/hold.ts'
import { errorCode } from './directory.ts'
import { HEARTBEAT_MS, HOSTS, isId, PATHS } from './protocol.ts'
import { isAccepted, isConsoleLink, isControlError, isDeskEvent, isEventName, isFlowList, isGrantList, isHeldList, isLogPart, isPolicy, isRules, isStatus, isTogether, isUndone } from './shapes.ts'
import type { Accepted, TakenTogether, UndoneGrant } from './shapes.ts'
import { pathProblem } from './socket.ts'
import { createEventReader, type SentEvent } from './sse.ts'

/** Every method throws OperatorError: E_CONTROL_UNREACHABLE, E_CONTROL_REFUSED, and `answer` also E_UNKNOWN_QUESTION. */
export interface ControlClient {
  /** The socket it asks. */
  readonly path: string
  status(): Promise<Status>
  pending(): Promise<readonly Pending[]>
  /** Resolves only once the data path has the answer. */
  answer(id: string, answer: Answer): Promise<Accepted>
  /** One answer to all of these, as they were shown. Throws as `answer` does. */
  answerAll(questions: readonly ShownQuestion[], answer: Answer): Promise<TakenTogether>
  policy(): Promise<ReturnType<Desk['policy']>>
  /** What approvals opened, the newest first. */
  grants(): Promise<readonly Granted[]>
  /** Takes a grant back. Throws E_UNKNOWN_GRANT for one that is not open. @param by who does, for the log */
  undo(id: string, by?: string): Promise<UndoneGrant>
  rules(): Promise<RulesInForce>
  /** A new link that signs in whoever opens it first, and makes the one before void. Throws E_CONTROL_REFUSED where the firewall has no console. */
  consoleLink(): Promise<string>
  /** Recent records of the log, the newest first. */
  flows(query?: Partial<FlowQuery>): Promise<readonly AuditRecord[]>
  /** Records of the log's files, also those of earlier runs. @param older what the part before said. @returns null where the log is written to no file */
  log(query?: Partial<FlowQuery>, older?: string | null): Promise<LogPart | null>
  /** What waits now, as `asked` events, then what happens. With `flows` also what the log is told. Ends when the signal aborts or the firewall closes; a broken connection throws. */
  events(signal: AbortSignal, options?: { readonly flows?: boolean }): AsyncIterable<DeskEvent>
}

/** A thousand questions with long targets are about 20 MB. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024
const MAX_EVENT_LENGTH = 1024 * 1024
/** Silence after which a reply is given up. */
const REPLY_TIMEOUT_MS = 30_000
const MAX_PROBLEM = 1_000

/** Dials nothing yet; each call makes its own connection. */
export function connectControl(path: string): ControlClient {
  const get = async <T>(target: string, isShape: (value: unknown) => value is T): Promise<T> =>
    expectShape(path, await exchange(path, { method: 'GET', path: target }), isShape)

  const post = async <T>(target: string, body: object, isShape: (value: unknown) => value is T, unknown: OperatorError): Promise<T> => {
    const reply = await exchange(path, { method: 'POST', path: target }, JSON.stringify(body))
    if (reply.status === 404 && isControlError(reply.value) && reply.value.error.code === unknown.code) throw unknown
    return expectShape(path, reply, isShape)
  }

  return {
    path,
    status: () => get(PATHS.status, isStatus),
    pending: async () => (await get(PATHS.pending, isHeldList)).pending,
    policy: () => get(PATHS.policy, isPolicy),
    grants: async () => (await get(PATHS.grants, isGrantList)).grants,
    rules: () => get(PATHS.rules, isRules),
    async consoleLink() {
      const reply = await exchange(path, { method: 'POST', path: PATHS.consoleLink }, '{}')
      if (reply.status === 409) throw new OperatorError('E_CONTROL_REFUSED', { problem: 'it has no console', fix: 'Start it with --console 127.0.0.1:8900.' })
      return expectShape(path, reply, isConsoleLink).link
    },
    async flows(query = {}) {
      return (await get(`${PATHS.flows}?${asParameters(query)}`, isFlowList)).flows
    },
    async log(query = {}, older = null) {
      const reply = await exchange(path, { method: 'GET', path: `${PATHS.log}?${asParameters({ ...query, ...older === null ? {} : { older } })}` })
      return reply.status === 409 ? null : expectShape(path, reply, isLogPart)
    },
    async answer(id, answer) {
      if (!isId(id)) throw unknownQuestion(id)
      return post(PATHS.answer(id), answer, isAccepted, unknownQuestion(id))
    },
    answerAll: async (questions, answer) => post(PATHS.answerAll, { questions, answer }, isTogether, unknownQuestion(questions.map(({ id }) => id).join(', '))),
    async undo(id, by) {
      const unknown = new OperatorError('E_UNKNOWN_GRANT', { id: visible(id, 64) })
      if (!isId(id)) throw unknown
      return post(PATHS.undo(id), by === undefined ? {} : { by }, isUndone, unknown)
    },
    events: (signal, { flows = false } = {}) => readEvents(path, flows ? PATHS.eventsWithFlows : PATHS.events, signal),
  }
}

interface JsonReply {
  readonly status: number
  readonly value: unknown
}

function expectShape<T>(path: string, { status, value }: JsonReply, isShape: (value: unknown) => value is T): T {
  if (status === 200 && isShape(value)) return value
  if (status !== 200 && isControlError(value)) throw refused(value.error.problems.length > 0 ? value.error.problems : [value.error.message])
  throw notOurs(path)
}

async function exchange(path: string, options: RequestOptions, body?: string): Promise<JsonReply> {
  const response = await open(path, { ...options, timeout: REPLY_TIMEOUT_MS }, body)
  return { status: response.statusCode ?? 0, value: await readJson(path, response) }
}

const asParameters = (query: object): string => new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])).toString()

/** @returns the response, its body still to be read */
function open(path: string, options: RequestOptions, body?: string): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    const problem = pathProblem(path)
    if (problem !== null) return fail(unreachable(path, problem))
    const fields = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const request = httpRequest({ ...options, socketPath: path, agent: false, headers: { host: HOSTS[0], ...fields } })
    request.on('response', done)
    request.on('timeout', () => request.destroy(new Error('it does not answer')))
    request.on('error', error => fail(unreachable(path, errorCode(error), error)))
    // Otherwise an answer with 101 would leave the promise open for ever.
    request.on('upgrade', (_, socket) => {
      socket.destroy()
      fail(notOurs(path))
    })
    request.end(body)
  })
}

async function readJson(path: string, response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response) {
      size += (chunk as Buffer).length
      if (size > MAX_REPLY_BYTES) throw new RangeError(`its reply has more than ${MAX_REPLY_BYTES} bytes`)
      chunks.push(chunk as Buffer)
    }
  } catch (error) {
    throw unreachable(path, errorCode(error), error)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch (error) {
    throw notOurs(path, error)
  }
}

async function * readEvents(path: string, target: string, signal: AbortSignal): AsyncGenerator<DeskEvent, void> {
  if (signal.aborted) return
  let response
  try {
    // Three heartbeats missed: nobody is there any more.
    response = await open(path, { method: 'GET', path: target, signal, timeout: 3 * HEARTBEAT_MS })
    if (response.statusCode !== 200) {
      const reply = { status: response.statusCode ?? 0, value: await readJson(path, response) }
      expectShape(path, reply, isNothing)
    }
    const reader = createEventReader(MAX_EVENT_LENGTH)
    response.setEncoding('utf8')
    for await (const text of response) {
      for (const sent of reader.feed(text as string)) {
        // A newer firewall may have events that this program does not know.
        if (isEventName(sent.name)) yield readEvent(path, sent)
      }
    }
  } catch (error) {
    // Only the abort ends it in silence; a consumer that stops early comes through `finally`.
    if (signal.aborted) return
    throw error instanceof OperatorError ? error : unreachable(path, errorCode(error), error)
  } finally {
    response?.destroy()
  }
}

function readEvent(path: string, { name, data }: SentEvent): DeskEvent {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch (error) {
    throw notOurs(path, error)
  }
  if (!isDeskEvent(value) || value.event !== name) throw notOurs(path)
  return value
}

const isNothing = (value: unknown): value is never => false

const unreachable = (path: string, problem: string, cause?: unknown): OperatorError =>
  new OperatorError('E_CONTROL_UNREACHABLE', { path, problem }, cause)
const notOurs = (path: string, cause?: unknown): OperatorError =>
  unreachable(path, 'what answers there does not speak as a firewall of this version does', cause)
const unknownQuestion = (id: string): OperatorError => new OperatorError('E_UNKNOWN_QUESTION', { id: visible(id, 64) })
const refused = (problems: readonly string[]): OperatorError => new OperatorError('E_CONTROL_REFUSED', {
  problem: visible(problems.join(' '), MAX_PROBLEM),
  fix: 'Correct that and send it again; what was asked about stays open.',
})
