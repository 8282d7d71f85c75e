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
  return new Held()
}

class Held implements LineHolder {
  length = 0
  bytes: Uint8Array = NOTHING

  add(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.length + end - start
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2, FIRST_BYTES))
      grown.set(this.bytes.subarray(0, this.length))
      this.bytes = grown
    }
    this.bytes.set(chunk.subarray(start, end), this.length)
    this.length = needed
  }

  clear(): void {
    this.bytes = NOTHING
    this.length = 0
  }
}

const NOTHING = new Uint8Array(0)
