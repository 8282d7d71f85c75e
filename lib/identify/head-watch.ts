/**
 * A second, strict pair of eyes on an HTTP/1.1 connection, beside Node's parser, which is lenient and
 * hides what it forgave (FACTS §2).
 *
 * Sees every byte before that parser does, follows the framing by itself, and gives one verdict per request
 * head, in order. Keeps no byte of a body, and of a head only a line that a chunk has cut in two. Never throws;
 * the work is linear in the bytes, however they are cut.
 *
 *   between --first byte--> head --empty line--> body --its last byte--> between
 *   any of them --fault--> broken, which is final: what follows cannot be framed
 */
import { CR, MAX_SIZE_DIGITS, TARGET_TOO_LONG, chunkSizeIn, fault as faultOf, isChunkedCoding, lengthIn, readFieldLine, readRequestLine } from './head-lines.ts'
import type { Fault } from './head-lines.ts'
import { createLineHolder } from './line-holder.ts'

export interface HeadLimits {
  /** Request line and fields, in bytes, with their line ends and the empty line. */
  readonly headBytes: number
  readonly targetBytes: number
  readonly fields: number
}

export type HeadVerdict = { readonly kind: 'sound' } | Fault

export interface HeadWatch {
  push(chunk: Uint8Array): void
  /** The verdict for the next head, first in first out; null when there is none. */
  take(): HeadVerdict | null
  /** `head`: begun and not complete, so that the header deadline runs; `broken`: nothing further is read. */
  readonly phase: 'between' | 'head' | 'body' | 'broken'
  /** Heads completed so far. */
  readonly heads: number
  /** What broke the connection, in a head or behind one that was sound. */
  readonly fault: Fault | null
  /** It was found in a head, and `take` has not come to it yet: heads before it are still to be served. */
  readonly isFaultAhead: boolean
}

/** `nothing`: the connection is broken, or is HTTP no longer since a CONNECT. */
type Expects = 'request-line' | 'fields' | 'content' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'nothing'

export function createHeadWatch(limits: HeadLimits): HeadWatch {
  return new Watch(limits)
}

/** A class: two of them live as long as a tunnel, and closures would be a dozen each. */
class Watch implements HeadWatch {
  heads = 0
  fault: Fault | null = null
  isFaultAhead = false
  private readonly limits: HeadLimits
  private readonly holder = createLineHolder()
  private expects: Expects = 'request-line'
  /** Bytes and fields of the head or the trailers so far. */
  private bytesRead = 0
  private fieldsRead = 0
  private hasSkippedLine = false
  private isHttp10 = false
  private isConnect = false
  private isChunked = false
  /** Announced by Content-Length; -1: not announced. */
  private announced = -1
  /** Bytes to pass over: of the content or of the chunk. */
  private unread = 0
  private taken = 0

  constructor(limits: HeadLimits) {
    this.limits = limits
  }

  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && this.expects !== 'nothing') {
      if (this.expects !== 'content' && this.expects !== 'chunk') {
        at = this.pushLine(chunk, at)
        continue
      }
      const passed = Math.min(this.unread, chunk.length - at)
      at += passed
      this.unread -= passed
      if (this.unread === 0) this.expects = this.expects === 'chunk' ? 'chunk-end' : 'request-line'
    }
  }

  take(): HeadVerdict | null {
    if (this.taken < this.heads) {
      this.taken++
      return SOUND
    }
    if (!this.isFaultAhead) return null
    this.isFaultAhead = false
    return this.fault
  }

  get phase(): HeadWatch['phase'] {
    if (this.fault !== null) return 'broken'
    if (this.expects === 'request-line') return this.holder.length === 0 ? 'between' : 'head'
    return this.expects === 'fields' ? 'head' : this.expects === 'nothing' ? 'between' : 'body'
  }

  /** @returns where the next line begins */
  private pushLine(chunk: Uint8Array, at: number): number {
    const { holder } = this
    const lf = lineFeedIn(chunk, at)
    const end = lf === -1 ? chunk.length : lf + 1
    if (holder.length + end - at > this.longestLine()) {
      this.refuse(this.tooLong())
    } else if (lf !== -1 && holder.length === 0) {
      this.readLine(chunk, at, lf)
    } else {
      holder.add(chunk, at, end)
      if (lf !== -1) {
        const { bytes, length } = holder
        holder.clear()
        this.readLine(bytes, 0, length - 1)
      }
    }
    return end
  }

  private readLine(bytes: Uint8Array, start: number, lf: number): void {
    if (lf === start || bytes[lf - 1] !== CR) return this.refuse(BARE_LF)
    const end = lf - 1
    switch (this.expects) {
      case 'request-line': return this.readFirst(bytes, start, end)
      case 'fields': return start === end ? this.endHead() : this.readField(bytes, start, end)
      case 'chunk-size': return this.readSize(bytes, start, end)
      case 'chunk-end': return start === end ? void (this.expects = 'chunk-size') : this.refuse(BAD_CHUNK_END)
      case 'trailers': return start === end ? void (this.expects = 'request-line') : this.readField(bytes, start, end)
      case 'content': case 'chunk': case 'nothing': return
      default: this.expects satisfies never
    }
  }

  private readFirst(bytes: Uint8Array, start: number, end: number): void {
    // RFC 9112 §2.2: an empty line before a request should be passed over. One, not any number.
    if (start === end && !this.hasSkippedLine) return void (this.hasSkippedLine = true)
    const line = readRequestLine(bytes, start, end, this.limits.targetBytes)
    if (line.kind === 'refused') return this.refuse(line)
    this.hasSkippedLine = false
    this.bytesRead = end - start + 2
    this.fieldsRead = 0
    this.announced = -1
    this.isChunked = false
    this.isHttp10 = line.isHttp10
    this.isConnect = line.isConnect
    this.expects = 'fields'
  }

  private readField(bytes: Uint8Array, start: number, end: number): void {
    this.bytesRead += end - start + 2
    if (++this.fieldsRead > this.limits.fields) return this.refuse(HEAD_TOO_LARGE)
    const line = readFieldLine(bytes, start, end)
    if (line.kind === 'refused') return this.refuse(line)
    if (line.role === 'plain' || this.expects === 'trailers') return
    if (line.role === 'content-length') {
      if (this.announced !== -1) return this.refuse(TWO_LENGTHS)
      this.announced = lengthIn(bytes, start, end)
      if (this.announced === -1) this.refuse(BAD_LENGTH)
    } else {
      if (this.isChunked || this.isHttp10 || !isChunkedCoding(bytes, start, end)) return this.refuse(this.isHttp10 ? CODING_IN_HTTP10 : BAD_CODING)
      this.isChunked = true
    }
  }

  private endHead(): void {
    if (this.isChunked && this.announced !== -1) return this.refuse(TWO_FRAMINGS)
    if (this.isConnect && (this.isChunked || this.announced > 0)) return this.refuse(CONNECT_WITH_BODY)
    this.heads++
    if (this.isConnect) this.expects = 'nothing'
    else if (this.isChunked) this.expects = 'chunk-size'
    else if (this.announced > 0) {
      this.expects = 'content'
      this.unread = this.announced
    } else this.expects = 'request-line'
  }

  private readSize(bytes: Uint8Array, start: number, end: number): void {
    const size = chunkSizeIn(bytes, start, end)
    if (size === -1) return this.refuse(BAD_CHUNK_SIZE)
    this.unread = size
    this.bytesRead = 0
    this.fieldsRead = 0
    this.expects = size === 0 ? 'trailers' : 'chunk'
  }

  private refuse(found: Fault): void {
    this.fault = found
    this.isFaultAhead = this.expects === 'request-line' || this.expects === 'fields'
    this.expects = 'nothing'
    this.holder.clear()
  }

  /** Longest line that may come now, its end included, in bytes: no line is looked at, or held, that is longer. */
  private longestLine(): number {
    const { targetBytes, headBytes } = this.limits
    switch (this.expects) {
      case 'request-line': return Math.min(targetBytes + AROUND_TARGET_BYTES, headBytes)
      case 'chunk-size': return MAX_SIZE_DIGITS + 2
      case 'chunk-end': return 2
      default: return headBytes - this.bytesRead
    }
  }

  private tooLong(): Fault {
    const { targetBytes, headBytes } = this.limits
    switch (this.expects) {
      case 'request-line': return targetBytes + AROUND_TARGET_BYTES <= headBytes ? TARGET_TOO_LONG : HEAD_TOO_LARGE
      case 'chunk-size': return BAD_CHUNK_SIZE
      case 'chunk-end': return BAD_CHUNK_END
      default: return HEAD_TOO_LARGE
    }
  }
}

const LF = 0x0a

/** A loop: for lines as short as those of a head `indexOf` costs more by being called. */
function lineFeedIn(chunk: Uint8Array, from: number): number {
  for (let at = from; at < chunk.length; at++) if (chunk[at] === LF) return at
  return -1
}

/** Method, two spaces, version and line end around a target: more than any real one needs. */
const AROUND_TARGET_BYTES = 64

const SOUND: HeadVerdict = Object.freeze({ kind: 'sound' })
const HEAD_TOO_LARGE = faultOf('the head has more bytes or more fields than the limit', 'header_too_large')
const BARE_LF = faultOf('an LF stands without its CR')
const TWO_LENGTHS = faultOf('Content-Length is sent twice')
const BAD_LENGTH = faultOf('Content-Length is not one decimal number')
const BAD_CODING = faultOf('Transfer-Encoding is not chunked, once and alone')
const CODING_IN_HTTP10 = faultOf('HTTP/1.0 has no Transfer-Encoding')
const TWO_FRAMINGS = faultOf('Content-Length and Transfer-Encoding are both sent')
const CONNECT_WITH_BODY = faultOf('a CONNECT announces a body')
const BAD_CHUNK_SIZE = faultOf('the size of a chunk is not one hexadecimal number')
const BAD_CHUNK_END = faultOf('a chunk is not as long as its size says')
