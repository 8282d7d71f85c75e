/**
 * Finds out, at a start, how the last writer of a log ended, and makes the log whole again.
 *
 * The promise: nothing is appended to a file that is not a log of ours, half a line is kept beside the
 * log and never followed by another, and every flow that was open when the writer died is named.
 */
import { closeSync, constants, fsyncSync, lstatSync, openSync, truncateSync, writeFileSync } from 'node:fs'
import type { AuditRecord } from '../model/audit.ts'
import { OperatorError } from '../model/errors.ts'
import { GENESIS, parseLink } from './chain.ts'
import { linesOf, logFiles, readTail } from './files.ts'
import type { Tail } from './files.ts'
import { parseRecord } from './parse.ts'
import { describe } from './sinks.ts'

export interface Recovered {
  /** Hash of the last line there is. */
  readonly last: string
  /** Where half a line was put; null where there was none. */
  readonly torn: string | null
  /** The `open` records of the flows that never closed. */
  readonly open: readonly AuditRecord[]
}

/** In the details of the notice that a writer ends with: after it no flow is open. */
export const STOPPED = 'stop'

/**
 * @param now RFC 3339, for the name of the file with the half line
 * @throws OperatorError E_AUDIT_BROKEN when the last line is not a record's, E_AUDIT_UNREADABLE, E_AUDIT_UNWRITABLE
 */
export function recoverLog(file: string, now: string): Recovered {
  const { tails, line } = lastLine(file)
  const link = line === null ? null : parseLink({ bytes: line.bytes, kind: 'whole' })
  if (typeof link === 'string') throw notOurs(line!.file, link)
  const tornAt = tails.filter(({ tail }) => tail.torn.length > 0)
  for (const { file, tail } of tornAt) if (!isHalfALine(tail.torn)) throw notOurs(file, 'what follows its last line is no part of a record')
  const torn = tornAt.map(({ file, tail }) => setAside(file, tail, now))
  const isOrderly = torn.length === 0 && (line === null || wasStopped(line.bytes))
  return { last: link?.hash ?? GENESIS, torn: torn[0] ?? null, open: isOrderly ? [] : openFlows(file) }
}

/** Newest first, up to the first file that has a line: behind it is an empty one where a rotation was cut off. */
function lastLine(file: string): { tails: { file: string, tail: Tail }[], line: { file: string, bytes: Buffer } | null } {
  const tails: { file: string, tail: Tail }[] = []
  for (const each of logFiles(file).reverse()) {
    const tail = readTail(each)
    if (tail.line === null && tail.torn.length < tail.size) throw notOurs(each, 'it has no end for longer than any record')
    tails.push({ file: each, tail })
    if (tail.line !== null) return { tails, line: { file: each, bytes: tail.line } }
  }
  return { tails, line: null }
}

const BEGINNING = Buffer.from('{"event":"')

/** What a killed writer leaves is the beginning of a record; a power cut may leave zeros instead of what was written. */
function isHalfALine(torn: Buffer): boolean {
  const length = Math.min(torn.length, BEGINNING.length)
  return torn.subarray(0, length).equals(BEGINNING.subarray(0, length)) || torn.every(byte => byte === 0)
}

/** The copy is on the disk before the log is cut. */
function setAside(file: string, { torn, size }: Tail, now: string): string {
  const name = freeName(`${file}.torn-${now.replaceAll(':', '')}`)
  try {
    const { O_WRONLY, O_CREAT, O_EXCL } = constants
    const fd = openSync(name, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    try {
      writeFileSync(fd, torn)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    truncateSync(file, size - torn.length)
    return name
  } catch (error) {
    throw new OperatorError('E_AUDIT_UNWRITABLE', { file: name, problem: describe(error) }, error)
  }
}

/** Two starts have one time where a clock is set back, or stands still. */
function freeName(name: string): string {
  let free = name
  for (let n = 2; lstatSync(free, { throwIfNoEntry: false }) !== undefined; n++) free = `${name}-${n}`
  return free
}

function wasStopped(line: Buffer): boolean {
  const record = parseRecord(line.toString('latin1'))
  return record?.event === 'notice' && record.details?.mark === STOPPED
}

/** Reads the whole log, but only after a crash. */
function openFlows(file: string): AuditRecord[] {
  const open = new Map<string, Buffer>()
  for (const { bytes, kind } of linesOf(file)) {
    const event = kind === 'whole' ? EVENT.exec(bytes.toString('latin1', 0, 400)) : null
    if (event === null) continue
    const [, name, flow = ''] = event
    // A copy: the line is part of a block that would be kept alive with it.
    if (name === 'open') open.set(flow, Buffer.from(bytes))
    else open.delete(flow)
  }
  return [...open.values()].map(bytes => parseRecord(bytes.toString('latin1'))).filter(record => record !== null)
}

/** The beginning of a flow's line, as `line.ts` lays it out. */
const EVENT = /^\{"event":"(open|closed|interrupted)","time":"[^"]{0,40}","flow":"([^"\\]{0,128})"/

function notOurs(file: string, problem: string): OperatorError {
  let line = 0
  for (const { number } of linesOf([file])) line = number
  return new OperatorError('E_AUDIT_BROKEN', { file, line: String(line), problem })
}
