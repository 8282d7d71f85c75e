/**
 * Appends lines to a file, and rotates it.
 *
 * The promise: the file holds whole lines, in order, each once. What the kernel did not take is kept,
 * from the very byte on, and goes first when it takes something again; so a full disk can leave half a
 * line at the end of the file, but never anything behind it.
 */
import { close, closeSync, constants, fstatSync, fsync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { OperatorError } from '../model/errors.ts'
import { logFiles } from './files.ts'
import { describe } from './sinks.ts'
import type { Sink } from './sinks.ts'

/** As `fs.writeSync`: may take fewer bytes than it was given, and may throw. */
export type WriteSync = (fd: number, bytes: Uint8Array, offset: number, length: number) => number

export interface FileSinkOptions {
  readonly write: WriteSync
  /** Bytes at which the file is rotated; null: never. */
  readonly rotateBytes: number | null
  /** Rotated files that are kept. */
  readonly keep: number
  /** Told of what is no lost record: a rotation that failed, an fsync that failed. */
  readonly onProblem: (says: string) => void
}

/**
 * Synchronous on purpose: one write per turn of the event loop, and when it returns the kernel has the
 * lines, whatever happens to this process next.
 *
 * @throws OperatorError E_AUDIT_UNWRITABLE
 */
export function fileSink(file: string, { write, rotateBytes, keep, onProblem }: FileSinkOptions): Sink {
  let current = openLog(file, 0)
  let rotateAt = rotateBytes ?? Infinity
  /** What the kernel has yet to take; then, while there is a problem, what came after it. */
  let rest: Buffer = Buffer.alloc(0)
  let later: Buffer[] = []
  let backlog = 0
  let problem: string | null = null
  const closing = new Set<Promise<void>>()

  function push(): void {
    let offset = 0
    if (later.length > 0) {
      rest = rest.length === 0 && later.length === 1 ? later[0]! : Buffer.concat([rest, ...later])
      later = []
    }
    try {
      while (offset < rest.length) {
        const taken = write(current.fd, rest, offset, rest.length - offset)
        if (taken === 0) throw new Error('nothing was written')
        offset += taken
      }
      problem = null
    } catch (error) {
      problem = describe(error)
    }
    current.size += offset
    backlog -= offset
    rest = rest.subarray(offset)
    if (problem === null && current.size >= rotateAt) rotate()
  }

  /** Each step leaves a log that reads whole: at worst a number is missing, or the newest file is `.1`. */
  function rotate(): void {
    try {
      const next = openLog(`${file}.new`, constants.O_TRUNC)
      try {
        shift(file, Math.max(1, keep))
        renameSync(`${file}.new`, file)
      } catch (error) {
        closeSync(next.fd)
        throw error
      }
      retire(current.fd)
      current = next
      rotateAt = rotateBytes ?? Infinity
    } catch (error) {
      rotateAt = current.size + (rotateBytes ?? Infinity)
      onProblem(`The audit log ${file} could not be rotated (${describe(error)}); it grows on and rotation is tried again later.`)
    }
  }

  /** The disk is waited for, but not by the requests. */
  function retire(fd: number): void {
    const done = new Promise<void>(resolve => {
      fsync(fd, error => {
        if (error !== null) onProblem(`The audit log ${file} may have lost its last lines (${describe(error)}).`)
        close(fd, () => resolve())
      })
    })
    closing.add(done)
    void done.then(() => closing.delete(done))
  }

  return {
    name: file,
    get problem() { return problem },
    get backlog() { return backlog },
    write(lines) {
      const bytes = Buffer.from(lines.join(''), 'latin1')
      later.push(bytes)
      backlog += bytes.length
      if (problem === null) push()
    },
    retry() {
      // A file that was moved or deleted takes every line and keeps none for anybody to read.
      if (!isInPlace(file, current.ino)) problem = 'it was moved or deleted; put it back or restart'
      else if (problem !== null) push()
    },
    async close() {
      if (problem !== null && isInPlace(file, current.ino)) push()
      retire(current.fd)
      await Promise.all(closing)
    },
  }
}

interface OpenLog {
  readonly fd: number
  readonly ino: number
  size: number
}

function openLog(file: string, flags: number): OpenLog {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants
  let fd: number | null = null
  try {
    // O_NONBLOCK: a pipe that nobody reads is an error at once and not a start that never ends.
    fd = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | flags, 0o600)
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new Error('it is no ordinary file')
    return { fd, ino: stat.ino, size: stat.size }
  } catch (error) {
    if (fd !== null) closeSync(fd)
    throw new OperatorError('E_AUDIT_UNWRITABLE', { file, problem: describe(error) }, error)
  }
}

/** `.2` to `.3`, `.1` to `.2`, the log to `.1`; a number that is missing is filled, and what is beyond `keep` goes. */
function shift(file: string, keep: number): void {
  const there = new Set(logFiles(file))
  let free = 1
  while (free < keep && there.has(`${file}.${free}`)) free++
  for (let n = free; n > 1; n--) renameSync(`${file}.${n - 1}`, `${file}.${n}`)
  renameSync(file, `${file}.1`)
  for (const name of there) {
    const number = Number(name.slice(file.length + 1))
    if (name !== file && number > keep) rmSync(name, { force: true })
  }
}

function isInPlace(file: string, ino: number): boolean {
  try {
    return statSync(file).ino === ino
  } catch {
    // Whatever the reason, nobody can find the log under its name now.
    return false
  }
}
