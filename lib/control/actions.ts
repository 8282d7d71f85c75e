/**
 * What an operator may do: answer one question or several, take a grant back, and have a link to the console. Each is a POST with a small JSON body.
 */
import type { IncomingMessage } from 'node:http'
import type { Desk } from '../model/desk.ts'
import type { ShownQuestion } from '../model/grants.ts'
import type { Answer } from '../model/hold.ts'
import { readJson } from './body.ts'
import { isId, PATHS } from './protocol.ts'
import { done, notTaken, refusal, unknownGrant, unknownQuestion } from './replies.ts'
import type { Reply } from './replies.ts'

/** Turns what a client sent into an answer, or says what is wrong with it. `config/` has it. */
export type ParseAnswer = (value: unknown) =>
  | { readonly kind: 'answer', readonly answer: Answer }
  | { readonly kind: 'refused', readonly problems: readonly string[] }

export interface ActionOptions {
  readonly desk: Desk
  readonly parseAnswer: ParseAnswer
  /** Name of this door in answers and logs. */
  readonly door: string
  /** A new link that signs in at the console; null where there is none. Only for a door that is safer than the console itself. */
  consoleLink?(): string | null
}

/** What a body is turned into; null: the client is gone. */
type Act = (value: unknown) => Promise<Reply>

/** @returns what a POST to this path does; null where there is nothing to do there */
export function actionAt(path: string, options: ActionOptions): Act | null {
  if (path === '/v1/pending/answer') return value => answerAll(value, options)
  if (path === PATHS.consoleLink && options.consoleLink !== undefined) return async () => linked(options.consoleLink!())
  const [, list, id = '', verb] = /^\/v1\/(pending|grants)\/([^/?#]+)\/(answer|undo)$/.exec(path) ?? []
  if (list === 'pending' && verb === 'answer') return value => answerOne(id, value, options)
  if (list === 'grants' && verb === 'undo') return value => undo(id, value, options)
  return null
}

/** @returns null where the client went away */
export async function perform(act: Act, request: IncomingMessage): Promise<Reply | null> {
  const body = await readJson(request)
  if (body.kind === 'gone') return null
  return body.kind === 'refused' ? refusal(body.status, body.problem) : act(body.value)
}

const STAYS_OPEN = 'The answer may not stand; the question stays open.'

async function answerOne(id: string, value: unknown, { desk, parseAnswer, door }: ActionOptions): Promise<Reply> {
  if (!isId(id)) return unknownQuestion()
  const parsed = parseAnswer(value)
  if (parsed.kind === 'refused') return notTaken(STAYS_OPEN, parsed.problems)
  const result = await desk.answer(id, parsed.answer, door)
  switch (result.kind) {
    case 'accepted': return done(result)
    case 'unknown': return unknownQuestion()
    case 'refused': return notTaken(STAYS_OPEN, result.problems)
    default: return result satisfies never
  }
}

async function answerAll(value: unknown, { desk, parseAnswer, door }: ActionOptions): Promise<Reply> {
  const { questions, answer } = (typeof value === 'object' && value !== null ? value : {}) as { readonly questions?: unknown, readonly answer?: unknown }
  if (!isQuestions(questions)) return notTaken(STAYS_OPEN, ['questions must be a list of {"id":"…","shown":"…"}, at least one'])
  const parsed = parseAnswer(answer)
  if (parsed.kind === 'refused') return notTaken(STAYS_OPEN, parsed.problems)
  const result = await desk.answerAll(questions, parsed.answer, door)
  switch (result.kind) {
    case 'accepted': return done(result)
    case 'unknown': return unknownQuestion()
    case 'refused': return notTaken('The answer may not stand; the questions stay open.', result.problems)
    default: return result satisfies never
  }
}

function isQuestions(value: unknown): value is readonly ShownQuestion[] {
  return Array.isArray(value) && value.length > 0 && value.every((each: unknown) => {
    if (typeof each !== 'object' || each === null) return false
    const { id, shown } = each as { readonly id?: unknown, readonly shown?: unknown }
    return typeof id === 'string' && isId(id) && (shown === undefined || typeof shown === 'string')
  })
}

async function undo(id: string, value: unknown, { desk, door }: ActionOptions): Promise<Reply> {
  if (!isId(id)) return unknownGrant()
  const { by } = (typeof value === 'object' && value !== null ? value : {}) as { readonly by?: unknown }
  if (by !== undefined && (typeof by !== 'string' || by.length > MAX_BY)) return notTaken('Nothing was taken back.', [`by must be a text of at most ${MAX_BY} characters`])
  const result = await desk.undo(id, by ?? null, door)
  switch (result.kind) {
    case 'undone': return done(result)
    case 'unknown': return unknownGrant()
    case 'refused': return notTaken('Nothing was taken back.', result.problems)
    default: return result satisfies never
  }
}

const linked = (link: string | null): Reply =>
  link === null ? refusal(409, 'This firewall has no console.') : done({ link })

const MAX_BY = 200
