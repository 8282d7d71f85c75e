/**
 * From what a door said to what becomes of its question.
 *
 * The first answer wins. A rule that is granted has to be in force before anybody is released; until that
 * is known every other answer waits, and loses if it succeeds.
 */
import type { AnswerResult, DeskEvent } from '../model/desk.ts'
import type { Decided, DecisionScope } from '../model/grants.ts'
import type { Answer, Approve, Asking, Door, GrantRequest, Held, Refuse } from '../model/hold.ts'
import { twinKey } from '../model/request.ts'
import type { Question } from './book.ts'
import type { Outcome } from './endings.ts'
import { isSettled, nextQuestion } from './hold.ts'
import type { QuestionEvent } from './hold.ts'
import { askDoors, describeError } from './hook.ts'
import type { DoorReply } from './hook.ts'
import type { GrantOutcome, QueueOptions } from './queue.ts'
import type { Remembered, RememberedEnd } from './remembered.ts'

export interface AnsweringOptions {
  readonly options: QueueOptions
  readonly remembered: Remembered
  /** Ends the question and its waiters. @returns how many waiters ended */
  settle(question: Question, event: QuestionEvent, outcome: Outcome): number
  tell(event: () => DeskEvent): void
  /** A door was closed, or a grant was refused: go on without. */
  resume(question: Question): void
  /** As it is told now. */
  describe(question: Question): Held
}

export interface Answering {
  /** Asks the doors of a new question. */
  ask(question: Question, doors: readonly Door[], held: Held): void
  /** @param value unread */
  answer(question: Question, value: unknown, door: string): Promise<AnswerResult>
}

export function createAnswering({ options, remembered, settle, tell, resume, describe }: AnsweringOptions): Answering {
  async function answer(question: Question, value: unknown, door: string): Promise<AnswerResult> {
    const parsed = parse(value)
    if (parsed.kind === 'refused') return parsed
    return parsed.answer.verdict === 'pass'
      ? { kind: 'refused', problems: ['"pass" decides nothing: approve or deny'] }
      : decide(question, parsed.answer, door)
  }

  /** Never rejects: it is called from nowhere that could catch it. */
  async function onReply(question: Question, door: Door, reply: DoorReply, shown: string): Promise<void> {
    if (reply.kind === 'failed') return closeDoor(question, door, reply.problem)
    const parsed = parse(reply.value)
    if (parsed.kind === 'refused') return closeDoor(question, door, parsed.problems.join(' '))
    if (parsed.answer.verdict === 'pass') return closeDoor(question, door, null)
    while (question.state === 'granting' && question.granting !== null) await question.granting.known
    // What it approved is not what it would be shown now: it is asked again.
    if (parsed.answer.verdict === 'approve' && !isSettled(question.state) && shown !== options.shown(question.id)) return ask(question, [door], describe(question))
    const result = await decide(question, parsed.answer, door.name)
    if (result.kind === 'refused') closeDoor(question, door, result.problems.join(' '))
  }

  function closeDoor(question: Question, door: Door, problem: string | null): void {
    if (isSettled(question.state)) return
    question.openDoors--
    if (problem !== null) tell(() => ({ event: 'door-failed', id: question.id, door: door.name, problem }))
    resume(question)
  }

  function parse(value: unknown): ReturnType<QueueOptions['parseAnswer']> {
    try {
      return options.parseAnswer(value)
    } catch (error) {
      return { kind: 'refused', problems: [`the answer could not be read: ${describeError(error)}`] }
    }
  }

  async function decide(question: Question, answer: Exclude<Answer, { verdict: 'pass' }>, door: string): Promise<AnswerResult> {
    while (question.state === 'granting' && question.granting !== null) await question.granting.known
    if (isSettled(question.state)) return { kind: 'unknown' }
    if (answer.verdict === 'deny') return deny(question, answer, door)
    if (answer.shown !== undefined && answer.shown !== options.shown(question.id)) {
      tell(() => ({ event: 'changed', held: describe(question) }))
      return { kind: 'refused', problems: ['the policy has changed since this question was shown; look at it again, then answer'] }
    }
    return isRule(answer) ? grant(question, answer, door) : once(question, answer, door)
  }

  function deny(question: Question, answer: Refuse, door: string): AnswerResult {
    const by = answer.by ?? null
    const end: RememberedEnd = { kind: 'denied', reason: answer.reason ?? null, by, door, question: question.id }
    if (answer.ttlMs !== undefined) remembered.stand(twinKey(question.asking.facts), end, answer.ttlMs)
    else if (question.waiters.size === 0) remembered.keep(question.like, end, options.limits.rememberMs)
    const released = settle(question, 'deny', { by, door, end: () => ['deny', end] })
    say(question, answer, door, { scope: answer.ttlMs === undefined ? 'once' : 'ttl', grant: null, ttlMs: answer.ttlMs ?? null, reason: answer.reason ?? null })
    return { kind: 'accepted', released, grant: null, persisted: false }
  }

  function once(question: Question, answer: Approve, door: string): AnswerResult {
    const by = answer.by ?? null
    const id = `once-${options.newId()}`
    const end = ({ facts, answers }: Asking): RememberedEnd =>
      ({ kind: 'released', once: { id, answers, twin: twinKey(facts) }, by, door, question: question.id })
    if (question.waiters.size === 0) remembered.keep(question.like, end(question.asking), options.limits.rememberMs)
    options.noteOnce({ id, question: question.id, asking: question.asking, by, door })
    const released = settle(question, 'approve', { by, door, end: asking => ['release', end(asking)] })
    say(question, answer, door, { scope: 'once', grant: id })
    return { kind: 'accepted', released, grant: id, persisted: false }
  }

  async function grant(question: Question, answer: Approve & { grant: GrantRequest }, door: string): Promise<AnswerResult> {
    const by = answer.by ?? null
    question.state = nextQuestion(question.state, 'grant')
    const gate = createGate()
    question.granting = gate
    const outcome = await makeGrant(question, answer, door)
    question.granting = null
    if (outcome.kind === 'granted') {
      const released = settle(question, 'approve', { by, door, end: () => ['release', { kind: 'released', once: null, by, door, question: question.id }] })
      gate.open()
      const { rule, ttlMs = null, maxUses = null } = answer.grant
      say(question, answer, door, { scope: scopeOf(answer.grant), grant: outcome.grant, rule, ttlMs, maxUses })
      return { kind: 'accepted', released, grant: outcome.grant, persisted: outcome.persisted }
    }
    question.state = nextQuestion(question.state, 'refuse')
    gate.open()
    // An answer that has waited at the gate goes first: it may settle what would otherwise be given up.
    queueMicrotask(() => resume(question))
    return outcome
  }

  function say(question: Question, answer: Approve | Refuse, door: string, part: Pick<Decided, 'scope' | 'grant'> & Partial<Pick<Decided, 'rule' | 'maxUses' | 'reason'>> & { readonly ttlMs?: number | null }): void {
    const now = options.clock.now()
    const { scope, grant, rule = null, maxUses = null, reason = null, ttlMs = null } = part
    const decided: Decided = {
      question: question.id, verdict: answer.verdict, scope, grant, rule, by: answer.by ?? null, door,
      at: new Date(now).toISOString(), expiresAt: ttlMs === null ? null : new Date(now + ttlMs).toISOString(), maxUses, reason, note: answer.note ?? null,
    }
    tell(() => ({ event: 'decided', decided }))
  }

  async function makeGrant(question: Question, answer: Approve & { grant: GrantRequest }, door: string): Promise<GrantOutcome> {
    const askings = new Set([question.asking])
    for (const waiter of question.waiters) askings.add(waiter.asking)
    try {
      return await options.grant({ id: question.id, askings: [...askings] }, answer, door)
    } catch (error) {
      return { kind: 'refused', problems: [`the grant could not be made: ${describeError(error)}`] }
    }
  }

  function ask(question: Question, doors: readonly Door[], held: Held): void {
    askDoors(doors, held, question.controller.signal, (door, reply) => { void onReply(question, door, reply, held.shown) })
  }

  return { answer, ask }
}

/** How far a rule that was granted reaches. */
export function scopeOf({ persist, maxUses, ttlMs }: GrantRequest): DecisionScope {
  if (persist === true) return 'always'
  if (maxUses !== undefined) return 'uses'
  return ttlMs === undefined ? 'session' : 'ttl'
}

function isRule(answer: Approve): answer is Approve & { grant: GrantRequest } {
  return answer.grant !== 'once'
}

function createGate(): { readonly known: Promise<void>, open(): void } {
  let open = (): void => {}
  const known = new Promise<void>(resolve => { open = resolve })
  return { known, open: () => open() }
}
