/**
 * What an answer does to a question about a request: its waiters end, and what nobody waited for any more is kept.
 */
import type { AnswerResult, DeskEvent } from '../model/desk.ts'
import type { Approve, Asking, GrantRequest, Refuse } from '../model/hold.ts'
import { twinKey } from '../model/request.ts'
import type { GrantOutcome, Verdicts } from './answering.ts'
import type { Question } from './book.ts'
import { decidedBy, scopeOf } from './decided.ts'
import type { Endings } from './endings.ts'
import type { QueueOptions } from './queue.ts'
import type { Remembered, RememberedEnd } from './remembered.ts'

export interface VerdictOptions {
  readonly options: Pick<QueueOptions, 'clock' | 'newId' | 'limits' | 'grant' | 'noteOnce'>
  readonly remembered: Remembered
  readonly settle: Endings['settle']
  tell(event: () => DeskEvent): void
}

export function createVerdicts({ options, remembered, settle, tell }: VerdictOptions): Verdicts<Question> {
  function deny(question: Question, answer: Refuse, door: string): AnswerResult {
    const { ttlMs, reason = null, by = null } = answer
    const end: RememberedEnd = { kind: 'denied', reason, by, door, question: question.id }
    if (ttlMs !== undefined) remembered.stand(twinKey(question.asking.facts), end, ttlMs)
    else if (question.waiters.size === 0) remembered.keep(question.like, end, options.limits.rememberMs)
    const released = settle(question, 'deny', { by, door, end: () => ['deny', end] })
    say(answer, { question: question.id, door, scope: ttlMs === undefined ? 'once' : 'ttl', grant: null, ttlMs: ttlMs ?? null, reason })
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
    say(answer, { question: question.id, door, scope: 'once', grant: id })
    return { kind: 'accepted', released, grant: id, persisted: false }
  }

  async function makeGrant(question: Question, answer: Approve, door: string): Promise<GrantOutcome> {
    if (!isRule(answer)) return NO_TASK
    const askings = new Set([question.asking])
    for (const waiter of question.waiters) askings.add(waiter.asking)
    return options.grant({ id: question.id, askings: [...askings] }, answer, door)
  }

  function granted(question: Question, answer: Approve, door: string, grant: string): number {
    const by = answer.by ?? null
    const released = settle(question, 'approve', { by, door, end: () => ['release', { kind: 'released', once: null, by, door, question: question.id }] })
    if (isRule(answer)) {
      const { rule, ttlMs = null, maxUses = null } = answer.grant
      say(answer, { question: question.id, door, scope: scopeOf(answer.grant), grant, rule, ttlMs, maxUses })
    }
    return released
  }

  function say(answer: Approve | Refuse, part: Parameters<typeof decidedBy>[1]): void {
    const decided = decidedBy(answer, part, options.clock.now())
    tell(() => ({ event: 'decided', decided }))
  }

  return {
    deny,
    approve(question, answer, door) {
      if (answer.grant === 'once') return once(question, answer, door)
      return isRule(answer) ? null : NO_TASK
    },
    makeGrant,
    granted,
  }
}

const NO_TASK = { kind: 'refused', problems: ['the question is about one request: "once" or a "rule" answers it, not "rules"'] } as const

function isRule(answer: Approve): answer is Approve & { grant: GrantRequest } {
  return typeof answer.grant === 'object' && 'rule' in answer.grant
}
