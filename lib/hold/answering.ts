/**
 * From what a door said to what becomes of its question, whatever that is about.
 *
 * The first answer wins. A rule that is granted has to be in force before anybody is released; until that
 * is known every other answer waits, and loses if it succeeds. What is approved is what was shown.
 */
import type { AnswerResult, DeskEvent } from '../model/desk.ts'
import type { Answer, Approve, Door, Pending, Refuse } from '../model/hold.ts'
import { isSettled, nextQuestion } from './hold.ts'
import type { QuestionState } from './hold.ts'
import { askDoors, describeError } from './hook.ts'
import type { DoorReply } from './hook.ts'

/** What doors are asked. */
export interface Answerable {
  state: QuestionState
  readonly id: string
  /** Ends what its doors are doing. */
  readonly controller: AbortController
  openDoors: number
  /** Opens when the outcome of the grant that is being made is known. */
  granting: { readonly known: Promise<void>, open(): void } | null
}

export type GrantOutcome =
  | { readonly kind: 'granted', readonly grant: string, readonly persisted: boolean }
  | { readonly kind: 'refused', readonly problems: readonly string[] }

export type Parsed =
  | { readonly kind: 'answer', readonly answer: Answer }
  | { readonly kind: 'refused', readonly problems: readonly string[] }

/** What an answer does to one kind of question. */
export interface Verdicts<Q extends Answerable> {
  deny(question: Q, answer: Refuse, door: string): AnswerResult
  /** Takes an approval, or refuses it, without a grant; null: one has to be made. */
  approve(question: Q, answer: Approve, door: string): AnswerResult | null
  makeGrant(question: Q, answer: Approve, door: string): Promise<GrantOutcome>
  /** The grant is in force. @returns how many waiters ended */
  granted(question: Q, answer: Approve, door: string, grant: string): number
}

export interface AnsweringOptions<Q extends Answerable> extends Verdicts<Q> {
  /** Parses what a door said; hostile until then. */
  parseAnswer(value: unknown): Parsed
  tell(event: () => DeskEvent): void
  /** A door was closed, or a grant was refused: go on without. */
  resume(question: Q): void
  /** As it is told now. */
  describe(question: Q): Pending
  /** What a description of it is bound to now. */
  shown(id: string): string
}

export interface Answering<Q extends Answerable> {
  /** Asks the doors of a new question. */
  ask(question: Q, doors: readonly Door[], held: Pending): void
  /** @param value unread */
  answer(question: Q, value: unknown, door: string): Promise<AnswerResult>
}

export function createAnswering<Q extends Answerable>(options: AnsweringOptions<Q>): Answering<Q> {
  async function answer(question: Q, value: unknown, door: string): Promise<AnswerResult> {
    const parsed = parse(value)
    if (parsed.kind === 'refused') return parsed
    return parsed.answer.verdict === 'pass'
      ? { kind: 'refused', problems: ['"pass" decides nothing: approve or deny'] }
      : decide(question, parsed.answer, door)
  }

  /** Never rejects: it is called from nowhere that could catch it. */
  async function onReply(question: Q, door: Door, reply: DoorReply, shown: string): Promise<void> {
    if (reply.kind === 'failed') return closeDoor(question, door, reply.problem)
    const parsed = parse(reply.value)
    if (parsed.kind === 'refused') return closeDoor(question, door, parsed.problems.join(' '))
    if (parsed.answer.verdict === 'pass') return closeDoor(question, door, null)
    while (question.state === 'granting' && question.granting !== null) await question.granting.known
    // What it approved is not what it would be shown now: it is asked again.
    if (parsed.answer.verdict === 'approve' && !isSettled(question.state) && shown !== options.shown(question.id)) return ask(question, [door], options.describe(question))
    const result = await decide(question, parsed.answer, door.name)
    if (result.kind === 'refused') closeDoor(question, door, result.problems.join(' '))
  }

  function closeDoor(question: Q, door: Door, problem: string | null): void {
    if (isSettled(question.state)) return
    question.openDoors--
    if (problem !== null) options.tell(() => ({ event: 'door-failed', id: question.id, door: door.name, problem }))
    options.resume(question)
  }

  function parse(value: unknown): Parsed {
    try {
      return options.parseAnswer(value)
    } catch (error) {
      return { kind: 'refused', problems: [`the answer could not be read: ${describeError(error)}`] }
    }
  }

  async function decide(question: Q, answer: Exclude<Answer, { verdict: 'pass' }>, door: string): Promise<AnswerResult> {
    while (question.state === 'granting' && question.granting !== null) await question.granting.known
    if (isSettled(question.state)) return { kind: 'unknown' }
    if (answer.verdict === 'deny') return options.deny(question, answer, door)
    if (answer.shown !== undefined && answer.shown !== options.shown(question.id)) {
      options.tell(() => ({ event: 'changed', held: options.describe(question) }))
      return { kind: 'refused', problems: ['the policy has changed since this question was shown; look at it again, then answer'] }
    }
    return options.approve(question, answer, door) ?? grant(question, answer, door)
  }

  async function grant(question: Q, answer: Approve, door: string): Promise<AnswerResult> {
    question.state = nextQuestion(question.state, 'grant')
    const gate = createGate()
    question.granting = gate
    const outcome = await makeGrant(question, answer, door)
    question.granting = null
    if (outcome.kind === 'granted') {
      const released = options.granted(question, answer, door, outcome.grant)
      gate.open()
      return { kind: 'accepted', released, grant: outcome.grant, persisted: outcome.persisted }
    }
    question.state = nextQuestion(question.state, 'refuse')
    gate.open()
    // An answer that has waited at the gate goes first: it may settle what would otherwise be given up.
    queueMicrotask(() => options.resume(question))
    return outcome
  }

  async function makeGrant(question: Q, answer: Approve, door: string): Promise<GrantOutcome> {
    try {
      return await options.makeGrant(question, answer, door)
    } catch (error) {
      return { kind: 'refused', problems: [`the grant could not be made: ${describeError(error)}`] }
    }
  }

  function ask(question: Q, doors: readonly Door[], held: Pending): void {
    askDoors(doors, held, question.controller.signal, (door, reply) => { void onReply(question, door, reply, held.shown) })
  }

  return { answer, ask }
}

function createGate(): { readonly known: Promise<void>, open(): void } {
  let open = (): void => {}
  const known = new Promise<void>(resolve => { open = resolve })
  return { known, open: () => open() }
}
