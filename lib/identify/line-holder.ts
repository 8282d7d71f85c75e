/**
 * Keeps the part of a line that has come until the rest of it does.
 *
 * Bytes are copied once, into a buffer that doubles, so that a line that comes byte by byte costs as much as
 * its length and no more. Empty it owns nothing: an idle connection pays for no buffer.
 */

export interface LineHolder {
  /** Bytes held; 0 when nothing is. */
  readonly length: number
  /** Holds the line from its first byte on; what lies behind `length` is undefined. */
  readonly bytes: Uint8Array
  /** Copies `chunk` from `start` up to, not including, `end`. The caller keeps it within its limits. */
  add(chunk: Uint8Array, start: number, end: number): void
  /** Lets go; the bytes last read stay as they are. */
  clear(): void
}

const FIRST_BYTES = 256

export function createLineHolder(): LineHolder {
  let bytes = NOTHING
  let length = 0
  return {
    get length() { return length },
    get bytes() { return bytes },
    add(chunk, start, end) {
      const needed = length + end - start
      if (needed > bytes.length) {
        const grown = new Uint8Array(Math.max(needed, bytes.length * 2, FIRST_BYTES))
        grown.set(bytes.subarray(0, length))
        bytes = grown
      }
      bytes.set(chunk.subarray(start, end), length)
      length = needed
    },
    clear() {
      bytes = NOTHING
      length = 0
    },
  }
}

const NOTHING = new Uint8Array(0)
