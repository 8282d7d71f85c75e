/**
 * A chain and the places its lines go to: one file with the copies of it (streams, functions).
 *
 * The promise: a file's chain has no gap. While the file cannot be written, lines wait up to
 * MAX_BACKLOG; records beyond it are not sealed at all, and a notice says how many they were. A copy
 * that falls behind so far has a gap instead, which the chain shows.
 */
import { existsSync, realpathSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { AuditRecord } from '../model/audit.ts'
import type { Clock } from '../model/clock.ts'
import { OperatorError } from '../model/errors.ts'
import { createChain, GENESIS } from './chain.ts'
import { fileSink } from './file-sink.ts'
import type { WriteSync } from './file-sink.ts'
import { acquireLock } from './lock.ts'
import { recoverLog } from './recover.ts'
import type { Recovered } from './recover.ts'
import { describe, functionSink, streamSink } from './sinks.ts'
import type { LogStream, SealedRecord, Sink } from './sinks.ts'

/** A file (appended to, made with mode 0600), a stream, or a function that is called with each record. */
export type AuditSink = string | LogStream | ((record: SealedRecord) => unknown)

export interface Ledger {
  /** Seals a record; `flush` writes it. */
  append(body: string): void
  flush(): void
  /** Tries again what waits. */
  retry(): void
  /** Which sink cannot do its work, and why; null while all can. */
  readonly fault: { readonly name: string, readonly problem: string } | null
  close(): Promise<void>
}

export interface OpenedLedger extends Ledger {
  /** What the last writer left behind; null where there is no file. */
  readonly recovered: Recovered | null
}

export interface LedgerOptions {
  readonly clock: Clock
  readonly rotateBytes: number | null
  readonly keep: number
  readonly write: WriteSync | undefined
  readonly onProblem: (says: string) => void
  /** Lays out a notice. */
  readonly notice: (says: string) => string
}

/** Bytes that wait for a sink. Beyond them records are lost, and counted. */
export const MAX_BACKLOG = 4 * 1024 * 1024

/**
 * One ledger for each file; streams and functions are copies of the first.
 *
 * @throws OperatorError; nothing is left open or locked then
 */
export async function openLedgers(sinks: readonly AuditSink[], options: LedgerOptions): Promise<OpenedLedger[]> {
  const files = sinks.filter(sink => typeof sink === 'string')
  const copies = sinks.filter(sink => typeof sink !== 'string')
    .map(sink => typeof sink === 'function' ? functionSink(sink) : streamSink(sink, options.clock))
  const opened: OpenedLedger[] = []
  try {
    for (const file of files) opened.push(await openFile(file, opened.length === 0 ? copies : [], options))
  } catch (error) {
    await Promise.all(opened.map(ledger => ledger.close()))
    throw error
  }
  if (files.length === 0 && copies.length > 0) opened.push(Object.assign(createLedger(GENESIS, null, copies, options), { recovered: null }))
  return opened
}

async function openFile(name: string, copies: readonly Sink[], options: LedgerOptions): Promise<OpenedLedger> {
  const { write = writeSync, rotateBytes, keep, onProblem, clock } = options
  const file = resolved(name)
  const lock = await acquireLock(file)
  try {
    const recovered = recoverLog(file, new Date(clock.now()).toISOString())
    const ledger = createLedger(recovered.last, fileSink(file, { write, rotateBytes, keep, onProblem }), copies, options)
    const close = (): Promise<void> => ledger.close().finally(() => lock.release())
    return { ...ledger, get fault() { return ledger.fault }, close, recovered }
  } catch (error) {
    lock.release()
    throw error
  }
}

function createLedger(last: string, file: Sink | null, copies: readonly Sink[], { notice }: Pick<LedgerOptions, 'notice'>): Ledger {
  const chain = createChain(last)
  const sinks = file === null ? copies : [file, ...copies]
  /** Lines that a sink was not given. */
  const lost = new Map<Sink, number>()
  let pending: string[] = []

  function append(body: string): void {
    if (file !== null && file.backlog > MAX_BACKLOG) lose(file, 1)
    else pending.push(chain.seal(body))
  }

  function flush(): void {
    if (pending.length === 0) return
    const lines = pending
    pending = []
    for (const sink of sinks) {
      if (sink !== file && sink.backlog > MAX_BACKLOG) lose(sink, lines.length)
      else sink.write(lines)
    }
  }

  function lose(sink: Sink, lines: number): void {
    lost.set(sink, (lost.get(sink) ?? 0) + lines)
  }

  /** Said as soon as it can be written: a log that is silent about a gap lies. */
  function confess(): void {
    for (const [sink, lines] of lost) {
      if (sink.problem !== null) continue
      lost.delete(sink)
      append(notice(`${lines} ${lines === 1 ? 'record was' : 'records were'} lost while ${sink.name} could not be written`))
    }
  }

  return {
    append,
    flush,
    retry() {
      for (const sink of sinks) sink.retry()
      confess()
      flush()
    },
    get fault() {
      for (const { name, problem } of sinks) if (problem !== null) return { name, problem }
      return null
    },
    async close() {
      confess()
      flush()
      await Promise.all(sinks.map(sink => sink.close()))
    },
  }
}

/** The directory as it really is, and the log itself where it is a link: one log has one lock, whatever it is called. */
function resolved(name: string): string {
  try {
    return existsSync(name) ? realpathSync(name) : join(realpathSync(dirname(name)), basename(name))
  } catch (error) {
    throw new OperatorError('E_AUDIT_UNWRITABLE', { file: name, problem: describe(error) }, error)
  }
}
