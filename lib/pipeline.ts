/**
 * The corridor: one flow's life, from its arrival to its one closing record.
 *
 * Read from top to bottom it is the product: a flow is ruled; what is allowed is forwarded with the
 * permit that the judgement wrote; everything else is refused. Anything thrown on the way to a ruling
 * is a denial: the house fails closed.
 */
import { AGENT_HOST } from './model/agent.ts'
import type { Allow, Decision, Deny, Hold } from './model/decision.ts'
import type { RefusalCode } from './model/errors.ts'
import type { Arrival, Outcome, Unread } from './model/flow.ts'
import type { Asker, Asking, OnceToken, WaitEnd } from './model/hold.ts'
import type { Facts } from './model/request.ts'

/** What the corridor needs of the rooms. The composition root hands it in. */
export interface Rooms {
  /** Pure and synchronous: under the policy as it is now. */
  decide(facts: Facts, once: OnceToken | null): Decision
  /** Counts a use of what allowed, in the turn in which it did. */
  take(allow: Allow): void
  /** Why nothing new may be allowed now; null when it may. */
  closed(): RefusalCode | null
  /** Which process asks, for whoever is asked; null where there is no way to know. Never rejects. */
  asker(arrival: Arrival): Promise<Asker | null> | null
  /** The start of its body, for the same; null where there is nothing to show. Never rejects. */
  bodyShown(arrival: Arrival): Promise<string | null> | null
  /** Asks. The wait ends by an answer, its deadline, its client or shutdown (I7). */
  hold(asking: Asking, remainingMs: number): { readonly ended: Promise<WaitEnd>, waiters(): number, leave(): void }
  /** Milliseconds that a flow may be held in all. */
  readonly holdMs: number
  elapsed(): number
  /** Keeps a waiting client alive. Returns how to stop. */
  keepAlive(arrival: Arrival): () => void
  forward(allow: Allow, arrival: Arrival): Promise<Outcome>
  /** Answers what is addressed to the firewall itself; null where it serves no such thing. */
  serve(arrival: Arrival): Promise<{ readonly outcome: Outcome, readonly says: string }> | null
  /** Refusals say how to ask for access. */
  readonly mayAsk: boolean
  /** Hears every step; writes exactly one closing record per flow (I5). */
  record(arrival: Arrival): Recorder
}

export interface Recorder {
  held(asking: Asking): void
  /** @param waiters  on its question, at most and at one time */
  answered(end: WaitEnd, waiters: number): void
  ruled(ruling: Ending): void
  closed(ending: Ending, outcome: Outcome | null): void
}

/** How a flow is ruled, or that its client did not wait for it. */
export type Ending = Judged | Served

type Judged = Allow | Refused | Left

export interface Refused extends Deny {
  /** The operator's own words, for the client. */
  readonly operatorReason: string | null
}

/** The firewall itself answered. */
export interface Served {
  readonly kind: 'serve'
  readonly reason: string
}

export interface Left {
  readonly kind: 'left'
  readonly reason: string
}

/** @returns nothing when the flow is over already, else a promise of its end that never rejects */
export function handle(arrival: Arrival, rooms: Rooms): void | Promise<void> {
  const record = rooms.record(arrival)
  if (isForUs(arrival)) return serve(arrival, rooms, record)
  const ruling = rule(arrival, rooms, record)
  return ruling instanceof Promise
    ? ruling.then(ending => act(ending, arrival, rooms, record))
    : act(ruling, arrival, rooms, record)
}

/** No rule of the policy is asked about our own name: none opens it, and none shuts it. It is never resolved, and nothing is forwarded. */
function serve(arrival: Arrival, rooms: Rooms, record: Recorder): void | Promise<void> {
  const closed = rooms.closed()
  const served = closed === null ? rooms.serve(arrival) : null
  if (served === null) return act(refused(closed ?? 'not_served', closed === null ? 'the firewall does not serve this under its own name' : 'nothing new may be served now'), arrival, rooms, record)
  record.ruled({ kind: 'serve', reason: 'it is for the firewall itself' })
  return served.then(
    ({ outcome, says }) => {
      if (outcome.kind === 'refused') refuse(refused(outcome.code, outcome.reason), arrival, rooms)
      record.closed({ kind: 'serve', reason: says }, outcome)
    },
    (error: unknown) => {
      arrival.window.cut()
      record.closed(failed(error), null)
    },
  )
}

function isForUs({ facts }: Arrival): boolean {
  return facts.kind === 'facts' && facts.facts.host === AGENT_HOST
}

/** Synchronous for all that nobody must wait for: the allowed path pays for no promise. */
function rule(arrival: Arrival, rooms: Rooms, record: Recorder): Judged | Promise<Judged> {
  if (arrival.facts.kind === 'refused') return refused(arrival.facts.code, arrival.facts.reason)
  const { facts } = arrival.facts
  try {
    const decision = rooms.decide(facts, null)
    return decision.kind === 'hold'
      ? ask(decision, facts, arrival, rooms, record).catch(failed)
      : settle(decision, rooms)
  } catch (error) {
    return failed(error)
  }
}

/** Holds until a judgement under the policy as it is then says allow or deny (I11). */
async function ask(first: Hold, facts: Facts, arrival: Arrival, rooms: Rooms, record: Recorder): Promise<Judged> {
  const until = rooms.elapsed() + rooms.holdMs
  const stopKeepAlive = rooms.keepAlive(arrival)
  try {
    const looking = rooms.asker(arrival)
    const reading = rooms.bodyShown(arrival)
    const asker = looking === null ? null : await looking
    const body = reading === null ? null : await reading
    if (arrival.window.isGone) return { kind: 'left', reason: 'the client left before anybody was asked' }
    // The policy may be another by now, and one that allows asks nobody.
    const still = looking === null && reading === null ? first : rooms.decide(facts, null)
    if (still.kind !== 'hold') return settle(still, rooms)
    for (let hold: Hold = still; ;) {
      const asking: Asking = { flow: arrival.flow, facts, answers: hold.rule, note: hold.note, asker, body }
      record.held(asking)
      const wait = rooms.hold(asking, until - rooms.elapsed())
      const stopWatching = arrival.window.onGone(() => wait.leave())
      const end = await wait.ended
      stopWatching()
      record.answered(end, wait.waiters())
      if (end.kind !== 'released') return unanswered(end, hold)
      if (arrival.window.isGone) return { kind: 'left', reason: 'the client left as the answer came' }
      const decision = rooms.decide(facts, end.once)
      if (decision.kind !== 'hold') return settle(decision, rooms)
      hold = decision
    }
  } finally {
    stopKeepAlive()
  }
}

function settle(decision: Exclude<Decision, Hold>, rooms: Rooms): Judged {
  if (decision.kind === 'deny') return { ...decision, operatorReason: null }
  const closed = rooms.closed()
  if (closed !== null) return refused(closed, 'nothing new may be allowed now', decision.rule)
  rooms.take(decision)
  return decision
}

function unanswered(end: Exclude<WaitEnd, { kind: 'released' }>, hold: Hold): Judged {
  switch (end.kind) {
    case 'denied': return { ...refused('approval_denied', end.by === null ? 'an approver denied it' : `${end.by} denied it`, hold.rule), operatorReason: end.reason }
    case 'expired': return refused('approval_pending', 'nobody decided before the hold ended', hold.rule)
    case 'full': return refused('approval_queue_full', 'too many requests wait already', hold.rule)
    case 'unavailable': return refused('approver_unavailable', 'no approver is left that could decide', hold.rule)
    case 'shutdown': return refused('shutting_down', 'the firewall is shutting down', hold.rule)
    case 'left': return { kind: 'left', reason: 'the client left while it was held' }
    default: return end satisfies never
  }
}

function act(ending: Judged, arrival: Arrival, rooms: Rooms, record: Recorder): void | Promise<void> {
  record.ruled(ending)
  if (ending.kind !== 'allow') {
    if (ending.kind === 'deny') refuse(ending, arrival, rooms)
    return record.closed(ending, null)
  }
  return rooms.forward(ending, arrival).then(
    outcome => {
      if (outcome.kind === 'refused') refuse(refused(outcome.code, outcome.reason, ending.rule), arrival, rooms)
      record.closed(ending, outcome)
    },
    (error: unknown) => {
      arrival.window.cut()
      record.closed(failed(error), null)
    },
  )
}

function refuse(ending: Refused, arrival: Arrival, { mayAsk }: Rooms): void {
  arrival.window.refuse({ code: ending.code, flow: arrival.flow, rule: ending.rule, operatorReason: ending.operatorReason, mayAsk })
}

function refused(code: RefusalCode, reason: string, rule: string | null = null): Refused {
  return { kind: 'deny', code, rule, reason, operatorReason: null }
}

/** I3: any failure while judging is a denial. */
function failed(error: unknown): Refused {
  return refused('judgement_failed', `the judgement failed: ${error instanceof Error ? error.message : String(error)}`)
}

/** What is known of a flow for its record, whether it could be read or not. */
export function known(arrival: Arrival): Unread {
  if (arrival.facts.kind === 'refused') return arrival.facts.unread
  const { facts } = arrival.facts
  const { client, scheme, host, port } = facts
  return facts.kind === 'request'
    ? { client, scheme, host, port, method: facts.method, target: facts.target }
    : { client, scheme, host, port, method: 'CONNECT', target: null }
}
