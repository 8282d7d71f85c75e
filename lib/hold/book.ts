/**
 * The open questions and their waiters, found by id and by likeness, and counted.
 *
 * What it hands out is the queue's to change; the counts are kept here, and only by adding and removing.
 */
import type { Timer } from '../model/clock.ts'
import type { Asking, WaitEnd } from '../model/hold.ts'
import type { Answerable } from './answering.ts'
import type { WaiterState } from './hold.ts'
import { isShareable } from './likeness.ts'

/** One client request. */
export interface Waiter {
  state: WaiterState
  readonly asking: Asking
  readonly question: Question
  /** Label of a client that is told apart from others, else null. */
  readonly client: string | null
  /** When it expires, on the clock's `elapsed`. */
  readonly due: number
  readonly timer: Timer
  tell(end: WaitEnd): void
}

/** What is asked. */
export interface Question extends Answerable {
  readonly like: string
  /** The first that asked: what approvers are shown. */
  readonly asking: Asking
  /** Milliseconds since 1970. */
  readonly firstSeen: number
  readonly waiters: Set<Waiter>
  /** The most that waited for it at one time. */
  most: number
  /** Ends the question; set while nobody waits for it. */
  orphaned: Timer | null
  /** A change of policy that came while a grant was being made. */
  recheckLater: ((asking: Asking) => boolean) | null
}

export interface Book {
  readonly size: number
  readonly waiting: number
  waitingOf(client: string): number
  /** Those about one host, the oldest first. */
  about(host: string): ReadonlySet<Question>
  get(id: string): Question | undefined
  all(): Question[]
  /** The open question that one who asks like this joins: a shared one, or one that nobody waits for any more. */
  joinable(like: string): Question | null
  open(question: Question): void
  close(question: Question): void
  enter(waiter: Waiter): void
  exit(waiter: Waiter): void
}

export function createBook(): Book {
  const byId = new Map<string, Question>()
  const byLike = new Map<string, Set<Question>>()
  const byHost = new Map<string, Set<Question>>()
  const perClient = new Map<string, number>()
  let waiting = 0

  return {
    get size() { return byId.size },
    get waiting() { return waiting },
    waitingOf: client => perClient.get(client) ?? 0,
    about: host => byHost.get(host) ?? NONE,
    get: id => byId.get(id),
    all: () => [...byId.values()],
    joinable(like) {
      for (const question of byLike.get(like) ?? []) {
        if (question.waiters.size === 0 || isShareable(question.asking.facts)) return question
      }
      return null
    },
    open(question) {
      byId.set(question.id, question)
      file(byLike, question.like, question)
      file(byHost, question.asking.facts.host, question)
    },
    close(question) {
      if (!byId.delete(question.id)) return
      unfile(byLike, question.like, question)
      unfile(byHost, question.asking.facts.host, question)
    },
    enter(waiter) {
      const { question } = waiter
      question.waiters.add(waiter)
      question.most = Math.max(question.most, question.waiters.size)
      waiting++
      if (waiter.client !== null) count(perClient, waiter.client, 1)
    },
    exit(waiter) {
      if (!waiter.question.waiters.delete(waiter)) return
      waiting--
      if (waiter.client !== null) count(perClient, waiter.client, -1)
    },
  }
}

const NONE: ReadonlySet<Question> = new Set()

function file(index: Map<string, Set<Question>>, key: string, question: Question): void {
  const filed = index.get(key)
  if (filed === undefined) index.set(key, new Set([question]))
  else filed.add(question)
}

/** Keys of nothing are dropped. */
function unfile(index: Map<string, Set<Question>>, key: string, question: Question): void {
  const filed = index.get(key)
  filed?.delete(question)
  if (filed?.size === 0) index.delete(key)
}

/** Keys whose count is 0 are dropped, so that nothing grows with the names a client makes up. */
function count(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + by
  if (next > 0) counts.set(key, next)
  else counts.delete(key)
}
