/**
 * Between the corridor and the audit log: turns the steps of a flow into its records, the events of
 * `node:diagnostics_channel` and the counts of `status`.
 */
import type { Audit, FlowRecorder } from './audit/record.ts'
import { isHeard, publish } from './audit/channel.ts'
import type { NormalizedMessage } from './audit/channel.ts'
import type { Hits } from './hits.ts'
import type { AuditRecord } from './model/audit.ts'
import type { Clock } from './model/clock.ts'
import type { DeskEvent } from './model/desk.ts'
import type { Decided } from './model/grants.ts'
import { REFUSALS } from './model/errors.ts'
import type { RefusalCode } from './model/errors.ts'
import type { Arrival, Outcome, Unread } from './model/flow.ts'
import type { Asking, Pending, WaitEnd } from './model/hold.ts'
import { known } from './pipeline.ts'
import type { Ending, Recorder } from './pipeline.ts'
import type { Underway } from './underway.ts'

export interface Counts {
  flows: number
  allowed: number
  denied: number
  refused: number
  held: number
}

export interface RecorderOptions {
  readonly audit: Audit
  readonly clock: Clock
  readonly counts: Counts
  readonly hits: Hits
  readonly underway: Underway
  /** A client was refused this. */
  refused(flow: string, known: Unread, code: RefusalCode, rule: string | null, operatorReason: string | null): void
}

export function createRecorder(options: RecorderOptions): (arrival: Arrival) => Recorder {
  return arrival => new FlowRecording(arrival, options)
}

/** A class: most flows are over in a millisecond, and one object is cheaper than five closures. */
class FlowRecording implements Recorder {
  private readonly arrival: Arrival
  private readonly options: RecorderOptions
  /** null: nobody reads it. */
  private readonly flow: FlowRecorder | null
  /** When it was first held. */
  private since: number | null = null
  private heldPart: HeldPart | null = null
  /** The rule that it was counted for last; null: that no rule matched. */
  private hit: string | null | undefined = undefined

  constructor(arrival: Arrival, options: RecorderOptions) {
    this.arrival = arrival
    this.options = options
    options.counts.flows++
    options.underway.begin()
    this.flow = options.audit.isRead ? options.audit.begin(arrival.flow, factsOf(known(arrival))) : null
    if (isHeard('normalized')) publish('normalized', this.told())
    if (arrival.window.kind !== 'request') this.flow?.open()
  }

  held(asking: Asking): void {
    if (this.since === null) this.options.counts.held++
    if (this.hit !== asking.answers) this.options.hits.note(this.hit = asking.answers)
    this.since ??= this.options.clock.elapsed()
    this.flow?.note({ action: 'hold', rule: asking.answers })
    if (isHeard('held')) publish('held', { ...this.told(), answers: asking.answers })
    this.flow?.open()
  }

  answered(end: WaitEnd, waiters: number): void {
    this.heldPart = heldPart(end, this.since === null ? 0 : Math.round(this.options.clock.elapsed() - this.since), waiters)
    this.flow?.note({ held: this.heldPart })
  }

  ruled(ending: Ending): void {
    count(this.options.counts, ending)
    if (this.flow !== null) noteEnding(this.flow, ending)
    this.countHits(ending)
    if (this.heldPart !== null && ending.kind === 'allow' && ending.grant !== null) this.flow?.note({ held: { ...this.heldPart, grant: ending.isOnce ? 'once' : ending.grant } })
    if (isHeard('ruled')) publish('ruled', { ...this.told(), action: actionOf(ending), rule: ruleOf(ending), code: codeOf(ending) })
  }

  closed(ending: Ending, outcome: Outcome | null): void {
    if (this.flow !== null) {
      if (ending.kind === 'serve' || (ending.kind === 'deny' && outcome === null)) noteEnding(this.flow, ending)
      this.flow.close(outcome === null ? {} : outcomePart(outcome))
    }
    this.remember(ending, outcome)
    if (isHeard('closed')) publish('closed', { ...this.told(), action: actionOf(ending), rule: ruleOf(ending), code: codeOf(ending), outcome })
    this.options.underway.end()
  }

  private countHits(ending: Ending): void {
    if (ending.kind === 'left' || ending.kind === 'serve' || (ending.kind === 'deny' && ending.code !== 'policy_denied')) return
    if (this.hit !== ending.rule) this.options.hits.note(this.hit = ending.rule)
    if (ending.kind === 'allow' && ending.grant !== null) this.options.hits.note(ending.grant)
  }

  private remember(ending: Ending, outcome: Outcome | null): void {
    const code = ending.kind === 'deny' ? ending.code : outcome?.kind === 'refused' ? outcome.code : null
    if (code === null) return
    this.options.refused(this.arrival.flow, known(this.arrival), code, ruleOf(ending), ending.kind === 'deny' ? ending.operatorReason : null)
  }

  private told(): NormalizedMessage {
    return { flow: this.arrival.flow, ...known(this.arrival) }
  }
}

/** A connection that ended before any request: its one record. */
export function recordEnded(audit: Audit, flow: string, unread: Unread, reason: string): void {
  audit.begin(flow, factsOf(unread)).close({ reason, error: 'client_left' })
}

/** What happened beside the flows: reloads, doors that failed, warnings. */
export function recordEvent(audit: Audit, event: DeskEvent): void {
  switch (event.event) {
    case 'policy': return audit.notice(event.problem === null ? `policy in force, generation ${event.generation}` : `the policy was not reloaded: ${event.problem}`)
    case 'door-failed': return audit.notice(`the door "${event.door}" failed for question ${event.id}: ${event.problem}`)
    case 'notice': return audit.notice(event.says)
    case 'decided': return recordDecision(audit, event.decided)
    case 'undone': return audit.notice(`the grant ${event.id} was taken back`, { grant: event.id, by: event.by, door: event.door, closed: event.closed })
    case 'asked': return recordAsker(audit, event.held)
    case 'changed': case 'settled': case 'flows': return
    default: return event satisfies never
  }
}

/** What the process says of itself, kept with what was asked. */
function recordAsker(audit: Audit, held: Pending): void {
  if (held.kind !== 'request' || held.asker === null) return
  const { pid, executable, commandLine, parents } = held.asker
  audit.notice(`question ${held.id} comes from process ${pid}, as it says`, { question: held.id, flow: held.flow, pid, executable, commandLine, parents: parents.map(({ name }) => name).join(', ') })
}

/** Who, when, from which door, and how far it reaches. */
function recordDecision(audit: Audit, decided: Decided): void {
  const { verdict, question, scope, grant, rule, by, door, expiresAt, maxUses, reason, note } = decided
  audit.notice(`question ${question} was ${verdict === 'approve' ? 'approved' : 'denied'}`, {
    verdict, question, scope, grant, by, door, expiresAt, maxUses, reason, note, rule: rule === null ? null : JSON.stringify(rule),
  })
}

function factsOf({ client, scheme, host, port, method, target }: Unread): Parameters<Audit['begin']>[1] {
  return { client, scheme, host, port, method, path: target }
}

function noteEnding(flow: FlowRecorder, ending: Ending): void {
  switch (ending.kind) {
    case 'allow': return flow.note({ action: 'allow', rule: ending.rule, wouldHold: ending.wouldHold })
    case 'deny': return flow.note({ action: actionOf(ending), rule: ending.rule, code: ending.code, reason: ending.reason, status: REFUSALS[ending.code].status })
    case 'serve': return flow.note({ action: 'serve', reason: ending.reason })
    case 'left': return flow.note({ reason: ending.reason, error: 'client_left' })
    default: return ending satisfies never
  }
}

/** A refusal is told to a client whatever the policy says; a denial is a ruling. */
function actionOf(ending: Ending): 'allow' | 'deny' | 'refuse' | 'hold' | 'serve' {
  if (ending.kind === 'left') return 'hold'
  if (ending.kind !== 'deny') return ending.kind
  const { status } = REFUSALS[ending.code]
  return status === 403 ? 'deny' : 'refuse'
}

const ruleOf = (ending: Ending): string | null => ending.kind === 'left' || ending.kind === 'serve' ? null : ending.rule
const codeOf = (ending: Ending): string | null => ending.kind === 'deny' ? ending.code : null

function count(counts: Counts, ending: Ending): void {
  const action = actionOf(ending)
  if (action === 'allow') counts.allowed++
  else if (action === 'deny') counts.denied++
  else if (action === 'refuse') counts.refused++
}

type HeldPart = NonNullable<AuditRecord['held']>

function heldPart(end: WaitEnd, ms: number, waiters: number): HeldPart {
  const question = 'question' in end ? end.question : null
  const by = 'by' in end ? end.by : null
  const door = 'door' in end ? end.door : null
  return { question, ms, by, door, grant: null, waiters }
}

function outcomePart(outcome: Outcome): Parameters<FlowRecorder['close']>[0] {
  if (outcome.kind === 'refused') {
    const { code, reason, address, bytesUp } = outcome
    return { code, reason, address, bytesUp, status: REFUSALS[code].status, error: code }
  }
  const { address, status, bytesUp, bytesDown, error } = outcome
  return { address, status, bytesUp, bytesDown, error, code: error === null || error === 'client_left' || error === 'revoked' ? null : error }
}
