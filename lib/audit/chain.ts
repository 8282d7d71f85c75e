/**
 * What makes the log one piece: every line carries the hash of the line before it and its own.
 *
 *   {"event":"closed", … ,"prev":"<hash of the line before>","hash":"<SHA-256>"}\n
 *   └──────────────────── these bytes are hashed ──────────┘
 *
 * `hash` is the SHA-256, in lower-case hex, of the line from its first byte up to and including the
 * quote that ends `prev`. The first line of a log has 64 zeros as `prev`. The chain goes on across
 * restarts and rotation. It shows every change but two: lines cut off at the very end, and a log that
 * was written anew from some line on by somebody who can write the file. A copy elsewhere shows those.
 */
import { hash as digest } from 'node:crypto'
import { linesOf } from './files.ts'
import type { Line } from './files.ts'

/** `prev` of the first line of a log. */
export const GENESIS = '0'.repeat(64)

export interface Chain {
  /** Hash of the last line sealed. */
  readonly last: string
  /** @param body what `layOut` made @returns the whole line, its end included */
  seal(body: string): string
}

/** @param last hash of the line that the next one follows */
export function createChain(last: string): Chain {
  return {
    get last() { return last },
    seal(body) {
      const hashed = `${body},"prev":"${last}"`
      last = digest('sha256', hashed)
      return `${hashed},"hash":"${last}"}\n`
    },
  }
}

/** Where a log begins or ends. */
export interface Link {
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  readonly prev: string
  readonly hash: string
}

export type Verdict =
  /** `first.prev` is `GENESIS` when the log is here from its beginning. Both are null in an empty log. */
  | { readonly kind: 'sound', readonly lines: number, readonly first: Link | null, readonly last: Link | null }
  | { readonly kind: 'broken', readonly file: string, readonly line: number, readonly problem: string }

/**
 * Checks every line, reading as a stream, and names the first that is wrong.
 *
 * @param files the log's path: its rotated files are read too, oldest first; or a list, read in its order
 * @throws OperatorError E_AUDIT_UNREADABLE
 */
export async function verifyLog(files: string | readonly string[]): Promise<Verdict> {
  let first: Link | null = null
  let last: Link | null = null
  let lines = 0
  for (const line of linesOf(files)) {
    const { file, number } = line
    const link = parseLink(line)
    if (typeof link === 'string') return { kind: 'broken', file, line: number, problem: link }
    if (last !== null && link.prev !== last.hash) return { kind: 'broken', file, line: number, problem: 'it does not follow the line before it: lines were taken out, put in or moved' }
    last = { file, line: number, ...link }
    first ??= last
    // A firewall may verify the log that it writes: let the others of this process have their turn.
    if (++lines % LINES_A_TURN === 0) await new Promise(resolve => setImmediate(resolve))
  }
  return { kind: 'sound', lines, first, last }
}

/** About 5 ms of work. */
const LINES_A_TURN = 1_000

/** `"prev":"…"`, `,"hash":"…"` and the brace: fixed lengths, read from the end. */
const PREV_LENGTH = ',"prev":"'.length + 64 + 1
const HASH_LENGTH = ',"hash":"'.length + 64 + 2
const TAIL = /^,"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}$/

/** @returns what links the line to others, or what is wrong with it by itself */
export function parseLink({ bytes, kind }: Pick<Line, 'bytes' | 'kind'>): Pick<Link, 'prev' | 'hash'> | string {
  if (kind === 'too-long') return 'it is longer than any record'
  if (kind === 'torn') return 'it has no end: the writer died in it, or is writing it now'
  const tail = TAIL.exec(bytes.subarray(-PREV_LENGTH - HASH_LENGTH).toString('latin1'))
  if (tail === null) return 'it does not end as a record does, with prev and hash'
  const [, prev = '', hash = ''] = tail
  if (digest('sha256', bytes.subarray(0, -HASH_LENGTH)) !== hash) return 'it was changed: its hash is not the hash of what it says'
  return { prev, hash }
}
