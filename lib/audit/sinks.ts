/**
 * Where lines go: a function or a stream here, a file in `file-sink.ts`.
 *
 * The promise they share: a line is handed on whole and in order or it waits, and while one waits
 * `problem` says why. A sink never throws; it heals by itself when the fault goes away.
 */
import type { AuditRecord } from '../model/audit.ts'
import type { Clock } from '../model/clock.ts'

export interface Sink {
  readonly name: string
  /** Why it cannot do its work now, for the operator; null while it can. */
  readonly problem: string | null
  /** Bytes that it was given and could not hand on yet. */
  readonly backlog: number
  /** Hands lines on, now. */
  write(lines: readonly string[]): void
  /** Called every half second: what waits is tried again. */
  retry(): void
  close(): Promise<void>
}

/** A record as it stands in the log. */
export type SealedRecord = AuditRecord & { readonly prev: string, readonly hash: string }

/**
 * Calls with each record. A throw (or a promise that rejects) is a failed write; the record is offered
 * again, so the function may see it twice.
 */
export function functionSink(call: (record: SealedRecord) => unknown): Sink {
  const waiting: string[] = []
  let backlog = 0
  let problem: string | null = null

  function offer(): void {
    let done = 0
    try {
      for (const line of waiting) {
        const result = call(JSON.parse(line) as SealedRecord)
        if (result instanceof Promise) result.catch((error: unknown) => takeBack(line, error))
        done++
        backlog -= line.length
      }
      problem = null
    } catch (error) {
      problem = describe(error)
    }
    waiting.splice(0, done)
  }

  function takeBack(line: string, error: unknown): void {
    waiting.unshift(line)
    backlog += line.length
    problem = describe(error)
  }

  return {
    name: 'function',
    get problem() { return problem },
    get backlog() { return backlog },
    write(lines) {
      for (const line of lines) {
        waiting.push(line)
        backlog += line.length
      }
      // After a failure only the timer tries: a function that is down is not called for every request.
      if (problem === null) offer()
    },
    retry() {
      if (waiting.length > 0) offer()
    },
    async close() {
      offer()
    },
  }
}

/** A `stream.Writable`, as far as it is used here. */
export interface LogStream extends NodeJS.WritableStream {
  /** Bytes written and not yet taken. */
  readonly writableLength: number
}

/** More than this unread by whoever reads the stream, and the log counts as not written. Bytes. */
export const MAX_UNREAD = 1024 * 1024

/** How long `close` waits for a stream that nobody reads. */
const CLOSE_MS = 2_000

/** The stream is the caller's: it is never ended here. One that failed or was closed stays a problem. */
export function streamSink(stream: LogStream, clock: Clock): Sink {
  let ended: string | null = null
  const onError = (error: Error): void => { ended ??= describe(error) }
  const onClose = (): void => { ended ??= 'it was closed' }
  stream.on('error', onError)
  stream.on('close', onClose)

  const problem = (): string | null =>
    ended ?? (!stream.writable ? 'it was closed' : stream.writableLength > MAX_UNREAD ? 'nobody reads it' : null)

  return {
    name: 'stream',
    get problem() { return problem() },
    get backlog() { return stream.writableLength },
    write(lines) {
      if (ended !== null || !stream.writable) return
      try {
        stream.write(lines.join(''))
      } catch (error) {
        ended = describe(error)
      }
    },
    retry() {},
    async close() {
      if (problem() === null && stream.writableLength > 0) await flushed(stream, clock)
      // The error listener stays: an error that comes late must not end the process.
      stream.removeListener('close', onClose)
    },
  }
}

function flushed(stream: LogStream, clock: Clock): Promise<void> {
  return new Promise(resolve => {
    const timer = clock.after(CLOSE_MS, resolve)
    stream.write('', () => {
      timer.cancel()
      resolve()
    })
  })
}

/** What the machine calls the fault (`ENOSPC`), or what was thrown. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return (error as NodeJS.ErrnoException).code ?? error.message
}
