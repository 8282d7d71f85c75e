/**
 * The files of a log, and their lines: `audit.jsonl` is being written, `audit.jsonl.1` was before it, …
 *
 * Reading holds no more than one line and one block, and is not confused by a rotation that happens
 * meanwhile: every file is opened before the first is read.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { OperatorError } from '../model/errors.ts'
import { MAX_LINE } from './line.ts'

export interface Line {
  readonly file: string
  /** In that file, counted from 1. */
  readonly number: number
  /** Without the line end. */
  readonly bytes: Buffer
  /** `torn`: the file ended before the line did. `too-long`: longer than a record can be; nothing follows it. */
  readonly kind: 'whole' | 'torn' | 'too-long'
}

/** @returns the log's files, oldest first; none where there is no log yet */
export function logFiles(file: string): string[] {
  const name = basename(file)
  const names = attempt(file, () => readdirSync(dirname(file)))
  const rotated = names
    .filter(each => each.startsWith(`${name}.`) && /^[1-9][0-9]{0,5}$/.test(each.slice(name.length + 1)))
    .sort((a, b) => numberOf(b) - numberOf(a))
    .map(each => join(dirname(file), each))
  return names.includes(name) ? [...rotated, file] : rotated
}

/**
 * @param log its path: the rotated files come first, oldest first; or a list of files, in their order
 * @throws OperatorError E_AUDIT_UNREADABLE, also where there is no file
 */
export function* linesOf(log: string | readonly string[]): Generator<Line, void, void> {
  const files = typeof log === 'string' ? openLog(log) : log.map(open)
  try {
    for (const file of files) yield* linesOfOne(file)
  } finally {
    for (const { fd } of files) closeSync(fd)
  }
}

/** The end of a file: its last whole line, and what follows that line's end. */
export interface Tail {
  /** Without the line end; null where there is no whole line. */
  readonly line: Buffer | null
  readonly torn: Buffer
  /** Bytes in the file. */
  readonly size: number
}

/** Reads no more than two of the longest lines. @throws OperatorError E_AUDIT_UNREADABLE */
export function readTail(name: string): Tail {
  const file = open(name)
  try {
    const { size } = fstatSync(file.fd)
    const bytes = read(file, Math.min(size, 2 * MAX_LINE), Math.max(0, size - 2 * MAX_LINE))
    const end = bytes.lastIndexOf(LF)
    const line = end === -1 ? null : bytes.subarray(end === 0 ? 0 : bytes.lastIndexOf(LF, end - 1) + 1, end)
    return { line, torn: bytes.subarray(end + 1), size }
  } finally {
    closeSync(file.fd)
  }
}

interface OpenFile {
  readonly file: string
  readonly fd: number
}

const LF = 0x0a
const BLOCK = 256 * 1024

/**
 * Newest first: a rotation meanwhile then shows a file that was opened already under its next name,
 * and none is missed.
 */
function openLog(log: string): OpenFile[] {
  const opened: OpenFile[] = []
  const seen = new Set<number>()
  for (const name of logFiles(log).reverse()) {
    const file = openIfThere(name)
    if (file === null) continue
    const { ino } = fstatSync(file.fd)
    if (seen.has(ino)) closeSync(file.fd)
    else opened.unshift(file)
    seen.add(ino)
  }
  if (opened.length === 0) opened.push(open(log))
  return opened
}

function* linesOfOne(file: OpenFile): Generator<Line, void, void> {
  let rest: Buffer = Buffer.alloc(0)
  let number = 1
  const line = (bytes: Buffer, kind: Line['kind']): Line => ({ file: file.file, number: number++, bytes, kind })
  for (;;) {
    const block = read(file, BLOCK, null)
    if (block.length === 0) break
    const bytes = rest.length === 0 ? block : Buffer.concat([rest, block])
    let start = 0
    for (let end = bytes.indexOf(LF, rest.length); end !== -1; end = bytes.indexOf(LF, start)) {
      if (end - start > MAX_LINE) return yield line(bytes.subarray(start, end), 'too-long')
      yield line(bytes.subarray(start, end), 'whole')
      start = end + 1
    }
    rest = bytes.subarray(start)
    if (rest.length > MAX_LINE) return yield line(rest, 'too-long')
  }
  if (rest.length > 0) yield line(rest, 'torn')
}

/** A buffer of its own each time, for lines point into it. @param position null: where the last read ended */
function read({ file, fd }: OpenFile, length: number, position: number | null): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  for (let n = 1; n > 0 && filled < length; filled += n) {
    n = attempt(file, () => readSync(fd, bytes, filled, length - filled, position === null ? null : position + filled))
  }
  return bytes.subarray(0, filled)
}

function open(file: string): OpenFile {
  return attempt(file, () => ({ file, fd: openSync(file, 'r') }))
}

function openIfThere(file: string): OpenFile | null {
  try {
    return open(file)
  } catch (error) {
    if (error instanceof OperatorError && error.details.problem === 'ENOENT') return null
    throw error
  }
}

function attempt<T>(file: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw new OperatorError('E_AUDIT_UNREADABLE', { file, problem: (error as NodeJS.ErrnoException).code ?? String(error) }, error)
  }
}

const numberOf = (name: string): number => Number(name.slice(name.lastIndexOf('.') + 1))
