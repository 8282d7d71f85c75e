/**
 * The queue: requests wait here while somebody decides.
 *
 * It never allows anything: `released` means "judge again", and an approval of one request is a token
 * that only `decide/` can turn into a permit. Every wait ends, by an answer, its deadline, its client or
 * shutdown (I7); every map is bounded; one timer serves all deadlines.
 *
 * Each question asks every door once, all at the same time, and the first answer wins. What may follow
 * what is drawn in hold.ts.
 */
import type { Clock } from '../model/clock.ts'
import type { AnswerResult, DeskEvent } from '../model/desk.ts'
import type { Approve, Asking, Door, GrantRequest, Held, WaitEnd } from '../model/hold.ts'
import { twinKey } from '../model/request.ts'
import { createAgenda } from './agenda.ts'
import { createAnswering } from './answering.ts'
import type { GrantOutcome, Parsed } from './answering.ts'
import { createBook } from './book.ts'
import type { Question, Waiter } from './book.ts'
import { createEndings } from './endings.ts'
import { likeOf } from './likeness.ts'
import { createNotices } from './notices.ts'
import { createRemembered } from './remembered.ts'
import { createVerdicts } from './verdicts.ts'

export interface QueueLimits {
  /** Requests that wait at the same time. */
  readonly waiters: number
  /** Open questions about one host, those that nobody waits for included: it is what keeps approvers from being flooded. */
  readonly questionsPerHost: number
  /** Waiting requests of one client, where clients are told apart. */
  readonly waitersPerClient: number
  /** How long a request waits, in milliseconds. */
  readonly holdMs: number
  /** How long a question outlives its last waiter, and an answer waits for a client to come back, in milliseconds. */
  readonly rememberMs: number
  /** Open questions in all, and remembered answers of each kind. */
  readonly questions: number
}

export interface OnceAnswer {
  /** Of its tokens. */
  readonly id: string
  readonly question: string
  readonly asking: Asking
  readonly by: string | null
  readonly door: string
}

export interface QueueOptions {
  readonly clock: Clock
  newId(): string
  readonly limits: QueueLimits
  doors(): readonly Door[]
  /** A standing door (the control socket, a library caller) is open: a question without any other door still waits. */
  hasStandingDoor(): boolean
  /** What approvers see. Times are milliseconds since 1970. */
  describe(question: { readonly id: string, readonly asking: Asking, readonly waiting: number, readonly firstSeen: number, readonly deadline: number | null }): Held
  /**
   * Makes an approval with a rule effective: validates, stores the grant, swaps the policy. Called before any waiter is released.
   * The first of `askings` is what approvers were shown; the others are its twins.
   */
  grant(question: { readonly id: string, readonly askings: readonly Asking[] }, answer: Approve & { grant: GrantRequest }, door: string): Promise<GrantOutcome>
  /** What a description of this question is bound to now: another text once the policy was changed by its operator. */
  shown(id: string): string
  /** An approval for one request was given. */
  noteOnce(once: OnceAnswer): void
  /** Parses what a door said; hostile until then. */
  parseAnswer(value: unknown): Parsed
  onEvent(event: DeskEvent): void
}

export interface WaitOptions {
  /** The client was told apart from others, by a token. */
  readonly clientIsKnown: boolean
  /** What is left of a hold that began earlier, in milliseconds; default: all of `holdMs`. */
  readonly remainingMs?: number
}

export interface Wait {
  /** Never rejects. */
  readonly ended: Promise<WaitEnd>
  /** The most that waited for its question at one time, this one included; 0 where it joined none. */
  waiters(): number
  /** The client hung up. */
  leave(): void
}

export interface Queue {
  /** Asks, or joins whoever asks the same. */
  wait(asking: Asking, options: WaitOptions): Wait
  /** @param value what a door said, unread */
  answer(id: string, value: unknown, door: string): Promise<AnswerResult>
  pending(): readonly Held[]
  /** How many open questions there are about one host. */
  countAbout(host: string): number
  /** The open questions about one host, the oldest first. */
  openAbout(host: string): readonly (Pick<Asking, 'facts' | 'answers'> & { readonly id: string, readonly waiting: number })[]
  /**
   * After any change of policy or grants: those for which `stillHeld` is false are released to be judged again.
   * While a grant is being made, its own question waits for that grant's outcome first.
   * @returns how many were released now
   */
  recheck(stillHeld: (asking: Asking) => boolean): number
  readonly counts: { readonly waiting: number, readonly questions: number }
  /** Whether this approval for one request waits for its client to come back. */
  isKept(once: string): boolean
  /** Takes such an approval back. @returns whether it was there */
  takeBack(once: string): boolean
  /** Shutdown: every waiter ends, and whoever comes later ends at once. */
  close(): void
}

export function createQueue(options: QueueOptions): Queue {
  const { clock, limits } = options
  const agenda = createAgenda(clock)
  const book = createBook()
  const notices = createNotices(options, agenda)
  const { lose, release, settle } = createEndings(book, agenda, notices, limits.rememberMs)
  const remembered = createRemembered(agenda, limits.questions)
  const answering = createAnswering<Question>({ ...createVerdicts({ options, remembered, settle, tell: notices.tell }), parseAnswer: options.parseAnswer, tell: notices.tell, resume, describe: notices.describe, shown: options.shown })
  let isClosed = false

  function wait(asking: Asking, { clientIsKnown, remainingMs = limits.holdMs }: WaitOptions): Wait {
    if (isClosed) return over({ kind: 'shutdown' })
    const like = likeOf(asking)
    const answer = remembered.take(like, twinKey(asking.facts))
    if (answer !== null) return over(answer)

    const client = clientIsKnown ? asking.facts.client : null
    const joined = book.joinable(like)
    if (isFull(client) || (joined === null && mayAskNothingNew(asking.facts.host))) return over({ kind: 'full' })
    const waitMs = Math.min(limits.holdMs, remainingMs)
    return joined === null ? ask(asking, like, client, waitMs) : join(joined, asking, client, waitMs)
  }

  function isFull(client: string | null): boolean {
    return book.waiting >= limits.waiters || (client !== null && book.waitingOf(client) >= limits.waitersPerClient)
  }

  function mayAskNothingNew(host: string): boolean {
    return book.size >= limits.questions || book.about(host).size >= limits.questionsPerHost
  }

  /** Whatever may throw comes first: then nothing is left behind, and the request is denied. */
  function ask(asking: Asking, like: string, client: string | null, waitMs: number): Wait {
    const now = clock.now()
    const doors = [...options.doors()]
    const question: Question = {
      state: 'open', id: options.newId(), like, asking, firstSeen: now, waiters: new Set(), most: 0, controller: new AbortController(),
      openDoors: doors.length, orphaned: null, granting: null, recheckLater: null,
    }
    const held = options.describe({ id: question.id, asking, waiting: 1, firstSeen: now, deadline: now + waitMs })

    book.open(question)
    const wait = enter(question, asking, client, waitMs)
    notices.tell(() => ({ event: 'asked', held }))
    answering.ask(question, doors, held)
    giveUpIfHopeless(question)
    return wait
  }

  function join(question: Question, asking: Asking, client: string | null, waitMs: number): Wait {
    question.orphaned?.cancel()
    question.orphaned = null
    const wait = enter(question, asking, client, waitMs)
    notices.changed(question)
    giveUpIfHopeless(question)
    return wait
  }

  function enter(question: Question, asking: Asking, client: string | null, waitMs: number): Wait {
    let tell: (end: WaitEnd) => void = () => {}
    const ended = new Promise<WaitEnd>(resolve => { tell = resolve })
    const timer = agenda.after(waitMs, () => lose(waiter, 'expire'))
    const waiter: Waiter = { state: 'waiting', asking, question, client, due: clock.elapsed() + waitMs, timer, tell }
    book.enter(waiter)
    return { ended, waiters: () => question.most, leave: () => lose(waiter, 'leave') }
  }

  function giveUpIfHopeless(question: Question): void {
    if (question.openDoors === 0 && !options.hasStandingDoor()) settle(question, 'give-up', null)
  }

  /** After a door was closed, or a grant was refused: what had to wait for it. */
  function resume(question: Question): void {
    if (question.state !== 'open') return
    const stillHeld = question.recheckLater
    question.recheckLater = null
    if (stillHeld !== null) recheckOne(question, stillHeld)
    giveUpIfHopeless(question)
  }

  function recheck(stillHeld: (asking: Asking) => boolean): number {
    return book.all().reduce((released, question) => released + recheckOne(question, stillHeld), 0)
  }

  function recheckOne(question: Question, stillHeld: (asking: Asking) => boolean): number {
    if (question.state === 'granting') question.recheckLater = stillHeld
    if (question.state !== 'open') return 0
    const free = [...question.waiters].filter(waiter => !isStillHeld(stillHeld, waiter.asking))
    for (const waiter of free) release(waiter)
    if (question.waiters.size === 0) {
      if (free.length > 0 || !isStillHeld(stillHeld, question.asking)) settle(question, 'release', null)
    } else if (free.length > 0) {
      notices.changed(question)
    }
    return free.length
  }

  return {
    wait,
    recheck,
    async answer(id, value, door) {
      const question = book.get(id)
      return question === undefined ? { kind: 'unknown' } : answering.answer(question, value, door)
    },
    pending: () => book.all().map(notices.describe),
    isKept: remembered.isKept,
    takeBack: remembered.takeBack,
    countAbout: host => book.about(host).size,
    openAbout: host => Array.from(book.about(host), ({ id, asking, waiters }) => ({ id, facts: asking.facts, answers: asking.answers, waiting: waiters.size })),
    counts: {
      get waiting() { return book.waiting },
      get questions() { return book.size },
    },
    close() {
      isClosed = true
      for (const question of book.all()) settle(question, 'shut-down', null)
      agenda.clear()
    },
  }
}

function over(end: WaitEnd): Wait {
  return { ended: Promise.resolve(end), waiters: () => 0, leave: () => {} }
}

/** A judgement that fails is one to be made again, where its failure is a denial (I3). */
function isStillHeld(stillHeld: (asking: Asking) => boolean, asking: Asking): boolean {
  try {
    return stillHeld(asking)
  } catch {
    return false
  }
}
