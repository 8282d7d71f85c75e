/**
 * How waiters and questions end: the steps of hold.ts, taken.
 *
 * A waiter's promise is resolved before anybody else hears of it, so nothing that a listener does can
 * come between an ending and the client.
 */
import type { Asking, WaitEnd } from '../model/hold.ts'
import type { Agenda } from './agenda.ts'
import type { Book, Question, Waiter } from './book.ts'
import { isSettled, nextQuestion, nextWaiter } from './hold.ts'
import type { QuestionEvent, WaiterEvent } from './hold.ts'
import type { Notices } from './notices.ts'

/** How the waiters of an answered question end, and who said so. */
export interface Outcome {
  readonly by: string | null
  readonly door: string
  end(asking: Asking): readonly [WaiterEvent, WaitEnd]
}

export interface Endings {
  /** Ends one waiter and leaves its question open: somebody may come back for the answer. */
  lose(waiter: Waiter, event: 'expire' | 'leave'): void
  /** Ends one waiter, to be judged again. */
  release(waiter: Waiter): void
  /**
   * Ends a question and everybody who waits for it, unless its state forbids it.
   * @param outcome null where nobody answered
   * @returns how many waiters ended
   */
  settle(question: Question, event: QuestionEvent, outcome: Outcome | null): number
}

export function createEndings(book: Book, agenda: Agenda, notices: Notices, rememberMs: number): Endings {
  function settle(question: Question, event: QuestionEvent, outcome: Outcome | null): number {
    if (isSettled(question.state)) return 0
    const state = nextQuestion(question.state, event)
    question.state = state
    if (!isSettled(state)) return 0
    book.close(question)
    notices.forget(question)
    question.orphaned?.cancel()
    const waiters = [...question.waiters]
    for (const waiter of waiters) end(waiter, ...(outcome === null ? withoutAnswer(event, question.id) : outcome.end(waiter.asking)))
    question.granting?.open()
    question.controller.abort()
    notices.tell(() => ({ event: 'settled', id: question.id, how: state, by: outcome?.by ?? null, door: outcome?.door ?? null }))
    return waiters.length
  }

  /** @returns whether it was waiting until now */
  function end(waiter: Waiter, event: WaiterEvent, how: WaitEnd): boolean {
    if (waiter.state !== 'waiting') return false
    waiter.state = nextWaiter(waiter.state, event)
    waiter.timer.cancel()
    book.exit(waiter)
    waiter.tell(how)
    return true
  }

  return {
    settle,
    release(waiter) {
      end(waiter, ...withoutAnswer('release', waiter.question.id))
    },
    lose(waiter, event) {
      const { question } = waiter
      if (!end(waiter, event, { kind: event === 'leave' ? 'left' : 'expired', question: question.id })) return
      if (question.waiters.size === 0) question.orphaned = agenda.after(rememberMs, () => settle(question, 'expire', null))
      notices.changed(question)
    },
  }
}

/** How a waiter ends whose question ends without an answer. */
function withoutAnswer(event: QuestionEvent, question: string): readonly [WaiterEvent, WaitEnd] {
  switch (event) {
    case 'release': return ['release', { kind: 'released', once: null, by: null, door: null, question }]
    case 'shut-down': return ['shut-down', { kind: 'shutdown' }]
    case 'expire': return ['expire', { kind: 'expired', question }]
    default: return ['give-up', { kind: 'unavailable', question }]
  }
}
