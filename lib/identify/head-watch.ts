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
  let expects: Expects = 'request-line'
  /** Bytes and fields of the head or the trailers so far. */
  let bytesRead = 0
  let fieldsRead = 0
  let hasSkippedLine = false
  let isHttp10 = false
  let isConnect = false
  let isChunked = false
  /** Announced by Content-Length; -1: not announced. */
  let announced = -1
  /** Bytes to pass over: of the content or of the chunk. */
  let unread = 0
  let heads = 0
  let taken = 0
  let fault: Fault | null = null
  let isFaultOfHead = false
  const holder = createLineHolder()

  function push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && expects !== 'nothing') {
      if (expects !== 'content' && expects !== 'chunk') {
        at = pushLine(chunk, at)
        continue
      }
      const passed = Math.min(unread, chunk.length - at)
      at += passed
      unread -= passed
      if (unread === 0) expects = expects === 'chunk' ? 'chunk-end' : 'request-line'
    }
  }

  /** @returns where the next line begins */
  function pushLine(chunk: Uint8Array, at: number): number {
    const lf = chunk.indexOf(LF, at)
    const end = lf === -1 ? chunk.length : lf + 1
    if (holder.length + end - at > longestLine()) {
      refuse(tooLong())
    } else if (lf !== -1 && holder.length === 0) {
      readLine(chunk, at, lf)
    } else {
      holder.add(chunk, at, end)
      if (lf !== -1) {
        const { bytes, length } = holder
        holder.clear()
        readLine(bytes, 0, length - 1)
      }
    }
    return end
  }

  function readLine(bytes: Uint8Array, start: number, lf: number): void {
    if (lf === start || bytes[lf - 1] !== CR) return refuse(BARE_LF)
    const end = lf - 1
    switch (expects) {
      case 'request-line': return readFirst(bytes, start, end)
      case 'fields': return start === end ? endHead() : readField(bytes, start, end)
      case 'chunk-size': return readSize(bytes, start, end)
      case 'chunk-end': return start === end ? void (expects = 'chunk-size') : refuse(BAD_CHUNK_END)
      case 'trailers': return start === end ? void (expects = 'request-line') : readField(bytes, start, end)
      case 'content': case 'chunk': case 'nothing': return
      default: expects satisfies never
    }
  }

  function readFirst(bytes: Uint8Array, start: number, end: number): void {
    // RFC 9112 §2.2: an empty line before a request should be passed over. One, not any number.
    if (start === end && !hasSkippedLine) return void (hasSkippedLine = true)
    const line = readRequestLine(bytes, start, end, limits.targetBytes)
    if (line.kind === 'refused') return refuse(line)
    hasSkippedLine = false
    bytesRead = end - start + 2
    fieldsRead = 0
    announced = -1
    isChunked = false
    isHttp10 = line.isHttp10
    isConnect = line.isConnect
    expects = 'fields'
  }

  function readField(bytes: Uint8Array, start: number, end: number): void {
    bytesRead += end - start + 2
    if (++fieldsRead > limits.fields) return refuse(HEAD_TOO_LARGE)
    const line = readFieldLine(bytes, start, end)
    if (line.kind === 'refused') return refuse(line)
    if (line.role === 'plain' || expects === 'trailers') return
    if (line.role === 'content-length') {
      if (announced !== -1) return refuse(TWO_LENGTHS)
      announced = lengthIn(bytes, start, end)
      if (announced === -1) refuse(BAD_LENGTH)
    } else {
      if (isChunked || isHttp10 || !isChunkedCoding(bytes, start, end)) return refuse(isHttp10 ? CODING_IN_HTTP10 : BAD_CODING)
      isChunked = true
    }
  }

  function endHead(): void {
    if (isChunked && announced !== -1) return refuse(TWO_FRAMINGS)
    if (isConnect && (isChunked || announced > 0)) return refuse(CONNECT_WITH_BODY)
    heads++
    if (isConnect) expects = 'nothing'
    else if (isChunked) expects = 'chunk-size'
    else if (announced > 0) {
      expects = 'content'
      unread = announced
    } else expects = 'request-line'
  }

  function readSize(bytes: Uint8Array, start: number, end: number): void {
    const size = chunkSizeIn(bytes, start, end)
    if (size === -1) return refuse(BAD_CHUNK_SIZE)
    unread = size
    bytesRead = 0
    fieldsRead = 0
    expects = size === 0 ? 'trailers' : 'chunk'
  }

  function refuse(found: Fault): void {
    fault = found
    isFaultOfHead = expects === 'request-line' || expects === 'fields'
    expects = 'nothing'
    holder.clear()
  }

  /** Longest line that may come now, its end included, in bytes: no line is looked at, or held, that is longer. */
  function longestLine(): number {
    switch (expects) {
      case 'request-line': return Math.min(limits.targetBytes + AROUND_TARGET_BYTES, limits.headBytes)
      case 'chunk-size': return MAX_SIZE_DIGITS + 2
      case 'chunk-end': return 2
      default: return limits.headBytes - bytesRead
    }
  }

  function tooLong(): Fault {
    switch (expects) {
      case 'request-line': return limits.targetBytes + AROUND_TARGET_BYTES <= limits.headBytes ? TARGET_TOO_LONG : HEAD_TOO_LARGE
      case 'chunk-size': return BAD_CHUNK_SIZE
      case 'chunk-end': return BAD_CHUNK_END
      default: return HEAD_TOO_LARGE
    }
  }

  return {
    push,
    take() {
      if (taken < heads) {
        taken++
        return SOUND
      }
      if (!isFaultOfHead) return null
      isFaultOfHead = false
      return fault
    },
    get phase() {
      if (fault !== null) return 'broken'
      if (expects === 'request-line') return holder.length === 0 ? 'between' : 'head'
      return expects === 'fields' ? 'head' : expects === 'nothing' ? 'between' : 'body'
    },
    get heads() { return heads },
    get fault() { return fault },
    get isFaultAhead() { return isFaultOfHead },
  }
}

const LF = 0x0a

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
