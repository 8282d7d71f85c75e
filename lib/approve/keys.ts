/**
 * What was typed, when a terminal in raw mode hands over characters as they come.
 *
 * Only a key that was pressed by itself counts. A paste, a held-down key that comes in one piece
 * and the escape sequence of an arrow or function key (some contain digits) are nothing.
 */
import type { Clock } from '../model/clock.ts'

export type Key = 'interrupt' | 'a' | '1' | '2' | '3' | '4' | '5' | 'g' | 'r' | 's' | '?'

/** The rest of an escape sequence that was torn apart on its way comes within this. */
const ESCAPE_MS = 50

const ESCAPE = '\x1b'
const CTRL_C = '\x03'
const KEYS: ReadonlySet<string> = new Set<Key>(['a', '1', '2', '3', '4', '5', 'g', 'r', 's', '?'])

export interface KeyReader {
  /** @param piece  one read of the terminal's input */
  read(piece: string): Key | null
}

export function createKeyReader(clock: Clock): KeyReader {
  let escapeUntil = -Infinity
  return {
    read(piece) {
      if (piece.includes(CTRL_C)) return 'interrupt'
      const isInEscape = clock.elapsed() < escapeUntil
      if (piece.includes(ESCAPE)) escapeUntil = clock.elapsed() + ESCAPE_MS
      return !isInEscape && KEYS.has(piece) ? piece as Key : null
    },
  }
}
