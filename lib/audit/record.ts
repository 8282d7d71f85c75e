/**
 * What happened, kept: builds the record of each flow and hands it to the log.
 *
 * The promise: exactly one closing record per flow (I5), an `open` record before it for what lasts, and no
 * record that is lost silently: what cannot be written makes the log unhealthy, and then nothing new may
 * be allowed.
 *
 * Records are collected and written once per turn of the event loop, in its check phase (`setImmediate`),
 * which follows the phase that reads the sockets. So fifty requests that arrived together cost one write,
 * and when the next turn begins, the kernel has every line of this one: a process killed later loses none.
 * A process that exits or dies of an exception within the turn writes them in its 'exit' event.
 */
import type { AuditRecord } from '../model/audit.ts'
import type { Clock } from '../model/clock.ts'
import { fill, OperatorError, OPERATOR_ERRORS } from '../model/errors.ts'
import type { WriteSync } from './file-sink.ts'
import { openLedgers } from './ledger.ts'
import type { AuditSink, Ledger, OpenedLedger } from './ledger.ts'
import { layOut, layOutPolicy, nothingKnown } from './line.ts'
import type { Known } from './line.ts'
import { STOPPED } from './recover.ts'

/** One flow being recorded: from its arrival to its one closing record. */
export interface FlowRecorder {
  /** Merges knowledge; later wins. The policy in force when `action` is told is the one the record names. */
  note(part: Known): void
  /** Writes the `open` record now (held, upgraded, tunnelled); at most once. */
  open(): void
  /** Writes the closing record; whatever is called after it is ignored (I5: exactly one). */
  close(part?: Partial<AuditRecord>): void
}

export interface Audit {
  /** Registers a flow. One that lasts longer than a second gets its `open` record by itself. */
  begin(flow: string, part: Known): FlowRecorder
  /** What belongs to no flow: reloads, failed doors. Start and stop are written by the log itself. */
  notice(says: string, details?: NonNullable<AuditRecord['details']>): void
  /** False while a record waits that could not be written: nothing new may be allowed then. Always true where the log is optional. */
  readonly isHealthy: boolean
  /** False where no sink was given: what is noted of a flow goes nowhere. */
  readonly isRead: boolean
  /** What is wrong, one sentence; null while nothing is. */
  readonly problem: string | null
  openFlows(): number
  /** Closes the flows that are left, writes what waits, gives the file to the disk and the lock back. */
  close(): Promise<void>
}

export interface AuditOptions {
  /** None: nothing is recorded, and that is healthy. The first file's chain is also what streams and functions get. */
  readonly sinks: AuditSink | readonly AuditSink[]
  readonly clock: Clock
  /** Values of query parameters become `…`. Default: true. */
  readonly redactQuery?: boolean
  /** The policy in force now. */
  readonly policy: () => AuditRecord['policy']
  /** Traffic passes although the log cannot be written. Default: false. A log that cannot be opened is an error even so. */
  readonly optional?: boolean
  /** Size in bytes at which a file is rotated; null: never. Default: null. */
  readonly rotateBytes?: number | null
  /** Rotated files that are kept. Default: 10. */
  readonly keep?: number
  /** Told when something begins to be wrong and when it is right again. */
  readonly onProblem?: (says: string) => void
  /** Told every record, as it was laid out. Default: nobody. */
  readonly recent?: { note(body: string): void }
  /** Stands in for `fs.writeSync`, in tests. */
  readonly write?: WriteSync
}

/** A flow older than this gets its `open` record. Milliseconds. */
const OPEN_AFTER_MS = 1_000
const SWEEP_MS = 500

/** @throws OperatorError E_AUDIT_LOCKED, E_AUDIT_UNWRITABLE, E_AUDIT_UNREADABLE, E_AUDIT_BROKEN */
export async function createAudit(options: AuditOptions): Promise<Audit> {
  const { clock, redactQuery = true, optional = false, rotateBytes = null, keep = 10, write, recent, onProblem = () => {} } = options
  const time = timeOf(clock)
  const policyText = policyTextOf(options.policy)
  const ledgers = await openLedgers(toList(options.sinks), { clock, rotateBytes, keep, write, onProblem, notice: layOutNotice })
  const isRead = ledgers.length > 0 || recent !== undefined
  const flows = new Set<FlowRecorder>()
  /** Those without an `open` record, with their beginnings; oldest first. */
  const young = new Map<FlowRecorder, number>()
  let isScheduled = false
  let isClosed = false
  let closing: Promise<void> | null = null
  let told: string | null = null

  for (const ledger of ledgers) recordStart(ledger)
  flush()
  if (told !== null && !optional) {
    await Promise.all(ledgers.map(ledger => ledger.close()))
    const { name, problem } = faultOf(ledgers) ?? { name: '', problem: '' }
    throw new OperatorError('E_AUDIT_UNWRITABLE', { file: name, problem })
  }
  const timer = clock.every(SWEEP_MS, sweep)
  const stopWatching = atExit(flush)

  return {
    begin,
    notice: (says, details = {}) => append(layOutNotice(says, details)),
    isRead,
    get isHealthy() { return optional || faultOf(ledgers) === null },
    get problem() { return problemOf(ledgers) },
    openFlows: () => flows.size,
    close: () => closing ??= shut(),
  }

  async function shut(): Promise<void> {
    for (const flow of [...flows]) flow.close({ error: 'interrupted', reason: 'the firewall stopped' })
    append(layOutNotice('the log was closed', { mark: STOPPED }))
    isClosed = true
    timer.cancel()
    await Promise.all(ledgers.map(ledger => ledger.close()))
    stopWatching()
    tell()
  }

  function begin(flow: string, part: Known): FlowRecorder {
    // Nobody reads it.
    if (!isRead) return UNREAD
    const startedAt = clock.elapsed()
    const known = Object.assign(nothingKnown(), part)
    /** As it was when the flow was ruled. */
    let policy: string | null = null
    const record = (event: 'open' | 'closed'): void => {
      append(layOut({ event, time: time(), flow, known, policy: policy ?? policyText(), durationMs: clock.elapsed() - startedAt, redactQuery }))
    }

    const recorder: FlowRecorder = {
      note(part) {
        if (part.action !== undefined) policy = policyText()
        Object.assign(known, part)
      },
      open() {
        if (young.delete(recorder)) record('open')
      },
      close(part = {}) {
        if (!flows.delete(recorder)) return
        young.delete(recorder)
        recorder.note(part)
        record('closed')
      },
    }
    flows.add(recorder)
    young.set(recorder, startedAt)
    return recorder
  }

  function append(body: string): void {
    if (isClosed) return
    recent?.note(body)
    for (const ledger of ledgers) ledger.append(body)
    if (isScheduled) return
    isScheduled = true
    setImmediate(flush)
  }

  function flush(): void {
    isScheduled = false
    for (const ledger of ledgers) ledger.flush()
    tell()
  }

  function sweep(): void {
    const until = clock.elapsed() - OPEN_AFTER_MS
    for (const [recorder, startedAt] of young) {
      if (startedAt > until) break
      recorder.open()
    }
    for (const ledger of ledgers) ledger.retry()
    tell()
  }

  /** Once per change. */
  function tell(): void {
    const problem = problemOf(ledgers)
    if (problem === told) return
    told = problem
    onProblem(problem ?? 'The audit log is written again.')
  }

  function recordStart({ append, recovered }: OpenedLedger): void {
    if (recovered?.torn != null) append(layOutNotice('the last writer died in its last line, which was set aside', { file: recovered.torn }))
    for (const flow of recovered?.open ?? []) append(layOutInterrupted(flow))
    append(layOutNotice('the log was opened', { interrupted: recovered?.open.length ?? 0 }))
  }

  function layOutNotice(says: string, details: AuditRecord['details'] = null): string {
    return layOut({ event: 'notice', time: time(), flow: null, known: { reason: says, details }, policy: policyText(), durationMs: 0, redactQuery })
  }

  function layOutInterrupted(open: AuditRecord): string {
    const { flow, durationMs, policy } = open
    return layOut({ event: 'interrupted', time: time(), flow, known: { ...open, error: 'interrupted' }, policy: layOutPolicy(policy), durationMs, redactQuery })
  }
}

const UNREAD: FlowRecorder = { note() {}, open() {}, close() {} }

function faultOf(ledgers: readonly Ledger[]): Ledger['fault'] {
  for (const { fault } of ledgers) if (fault !== null) return fault
  return null
}

function problemOf(ledgers: readonly Ledger[]): string | null {
  const fault = faultOf(ledgers)
  return fault === null ? null : fill(OPERATOR_ERRORS.E_AUDIT_UNWRITABLE.says, { file: fault.name, problem: fault.problem })
}

function toList(sinks: AuditOptions['sinks']): readonly AuditSink[] {
  return Array.isArray(sinks) ? sinks : [sinks as AuditSink]
}

/** RFC 3339, made once a millisecond. */
function timeOf(clock: Clock): () => string {
  let at = NaN
  let text = ''
  return () => {
    const now = clock.now()
    if (now !== at) text = new Date(at = now).toISOString()
    return text
  }
}

/** Laid out once per policy. */
function policyTextOf(policy: AuditOptions['policy']): () => string {
  let last: AuditRecord['policy'] | null = null
  let text = ''
  return () => {
    const now = policy()
    if (last === null || now.name !== last.name || now.hash !== last.hash || now.generation !== last.generation) text = layOutPolicy(last = now)
    return text
  }
}

/** One listener for all logs of the process. */
const flushers = new Set<() => void>()
const flushAll = (): void => { for (const flush of flushers) flush() }

function atExit(flush: () => void): () => void {
  if (flushers.size === 0) process.on('exit', flushAll)
  flushers.add(flush)
  return () => {
    flushers.delete(flush)
    if (flushers.size === 0) process.removeListener('exit', flushAll)
  }
}
