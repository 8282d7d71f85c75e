/**
 * The lines of an HTTP/1.1 message: request line, field line, length of a chunk (RFC 9112 §3, §5, §7.1).
 *
 * A line is `bytes` from `start` up to, and not including, `end`, its CRLF taken off. It is judged as it
 * stands: nothing is repaired, and what a lenient parser would let pass is a refusal. One pass, no allocation.
 */
import type { RefusalCode } from '../model/errors.ts'

export interface Fault {
  readonly kind: 'refused'
  readonly code: RefusalCode
  readonly reason: string
}

export type RequestLine =
  | { readonly kind: 'request-line', readonly isHttp10: boolean, readonly isConnect: boolean }
  | Fault

/** What a field is to the framing of its message. */
export type FieldRole = 'plain' | 'content-length' | 'transfer-encoding'

export type FieldLine = { readonly kind: 'field', readonly role: FieldRole } | Fault

export function fault(reason: string, code: RefusalCode = 'malformed_request'): Fault {
  return Object.freeze({ kind: 'refused', code, reason })
}

/** @param targetBytes  longest target, in bytes */
export function readRequestLine(bytes: Uint8Array, start: number, end: number, targetBytes: number): RequestLine {
  const methodEnd = runOf(TOKEN, bytes, start, end)
  if (methodEnd === start || methodEnd === end || bytes[methodEnd] !== SPACE) return BAD_METHOD
  const target = methodEnd + 1
  const targetEnd = runOf(VISIBLE, bytes, target, end)
  if (targetEnd - target > targetBytes) return TARGET_TOO_LONG
  if (targetEnd === end) return NO_VERSION
  if (bytes[targetEnd] !== SPACE) return BAD_TARGET_BYTE
  if (targetEnd === target) return EXTRA_SPACE
  const isHttp10 = bytes[end - 1] === DIGIT_0
  const hasVersion = end - targetEnd === 1 + VERSION.length + 1 && isText(bytes, targetEnd + 1, VERSION) && (isHttp10 || bytes[end - 1] === DIGIT_0 + 1)
  if (!hasVersion) return BAD_VERSION
  const isConnect = methodEnd - start === CONNECT.length && isText(bytes, start, CONNECT)
  if (isConnect) return isHttp10 ? CONNECT_10 : CONNECT_11
  return isHttp10 ? REQUEST_10 : REQUEST_11
}

export function readFieldLine(bytes: Uint8Array, start: number, end: number): FieldLine {
  const nameEnd = runOf(TOKEN, bytes, start, end)
  if (nameEnd === end) return NO_COLON
  if (bytes[nameEnd] !== COLON) {
    if (bytes[nameEnd] !== SPACE && bytes[nameEnd] !== TAB) return BAD_NAME
    return nameEnd === start ? FOLDED : SPACE_IN_NAME
  }
  if (nameEnd === start) return NO_NAME
  const valueEnd = runOf(VALUE, bytes, nameEnd + 1, end)
  if (valueEnd < end) return bytes[valueEnd] === CR ? BARE_CR : BAD_VALUE
  const length = nameEnd - start
  if (length === CONTENT_LENGTH.length && isLowerText(bytes, start, CONTENT_LENGTH)) return LENGTH_FIELD
  if (length === TRANSFER_ENCODING.length && isLowerText(bytes, start, TRANSFER_ENCODING)) return CODING_FIELD
  return PLAIN_FIELD
}

/** @returns the value of a Content-Length line; -1 if it is not one decimal number as we would write it */
export function lengthIn(bytes: Uint8Array, start: number, end: number): number {
  const from = valueStart(bytes, start + CONTENT_LENGTH.length + 1, end)
  const to = valueEnd(bytes, from, end)
  if (to === from || to - from > MAX_LENGTH_DIGITS || (bytes[from] === DIGIT_0 && to - from > 1)) return -1
  let length = 0
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - DIGIT_0
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return Number.isSafeInteger(length) ? length : -1
}

/** Whether a Transfer-Encoding line says `chunked`, once and nothing else. */
export function isChunkedCoding(bytes: Uint8Array, start: number, end: number): boolean {
  const from = valueStart(bytes, start + TRANSFER_ENCODING.length + 1, end)
  return valueEnd(bytes, from, end) - from === CHUNKED.length && isLowerText(bytes, from, CHUNKED)
}

/** Longest size line of a chunk without its CRLF, in bytes: a 64-bit number. */
export const MAX_SIZE_DIGITS = 16

/** @returns the length of a chunk; -1 if the line is not one hexadecimal number and nothing else, extensions included */
export function chunkSizeIn(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || end - start > MAX_SIZE_DIGITS) return -1
  let size = 0
  for (let at = start; at < end; at++) {
    const digit = HEX_VALUES[bytes[at]!]!
    if (digit === NOT_HEX) return -1
    size = size * 16 + digit
  }
  return Number.isSafeInteger(size) ? size : -1
}

export const CR = 0x0d
const TAB = 0x09
const SPACE = 0x20
const COLON = 0x3a
const DIGIT_0 = 0x30

const CONNECT = 'CONNECT'
const VERSION = 'HTTP/1.'
const CONTENT_LENGTH = 'content-length'
const TRANSFER_ENCODING = 'transfer-encoding'
const CHUNKED = 'chunked'
/** Digits of `Number.MAX_SAFE_INTEGER`. */
const MAX_LENGTH_DIGITS = 16

/** `tchar` of RFC 9110 §5.6.2, the alphabet of methods and field names. */
const TOKEN = alphabet(byte => /^[A-Za-z0-9!#$%&'*+.^_`|~-]$/.test(String.fromCharCode(byte)))
/** Printable ASCII without the space: all that a target may be made of. */
const VISIBLE = alphabet(byte => byte > 0x20 && byte < 0x7f)
/** RFC 9110 §5.5: no control byte but a tab. Bytes beyond ASCII are opaque data there. */
const VALUE = alphabet(byte => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f))

const NOT_HEX = 0xff
const HEX_VALUES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(digit) ? NOT_HEX : digit
})

const REQUEST_10: RequestLine = Object.freeze({ kind: 'request-line', isHttp10: true, isConnect: false })
const REQUEST_11: RequestLine = Object.freeze({ kind: 'request-line', isHttp10: false, isConnect: false })
const CONNECT_10: RequestLine = Object.freeze({ kind: 'request-line', isHttp10: true, isConnect: true })
const CONNECT_11: RequestLine = Object.freeze({ kind: 'request-line', isHttp10: false, isConnect: true })
const PLAIN_FIELD: FieldLine = Object.freeze({ kind: 'field', role: 'plain' })
const LENGTH_FIELD: FieldLine = Object.freeze({ kind: 'field', role: 'content-length' })
const CODING_FIELD: FieldLine = Object.freeze({ kind: 'field', role: 'transfer-encoding' })

export const TARGET_TOO_LONG = fault('the request target is longer than the limit', 'target_too_long')
const BARE_CR = fault('a CR stands without its LF')
const BAD_METHOD = fault('the request line does not begin with a method and one space')
const NO_VERSION = fault('the request line names no version of HTTP')
const BAD_TARGET_BYTE = fault('the request target holds a byte that is not printable ASCII', 'malformed_target')
const EXTRA_SPACE = fault('the request line holds more than two spaces')
const BAD_VERSION = fault('the request line does not end in HTTP/1.0 or HTTP/1.1')
const NO_COLON = fault('a field line has no colon')
const NO_NAME = fault('a field line has an empty name')
const BAD_NAME = fault('a field name holds a byte that belongs in no name')
const FOLDED = fault('a line is folded')
const SPACE_IN_NAME = fault('white space stands in a field name or before its colon')
const BAD_VALUE = fault('a field value holds a control byte')

/** @returns the first place from `at` on whose byte is not in the alphabet; `end` if all are */
function runOf(alphabet: Uint8Array, bytes: Uint8Array, at: number, end: number): number {
  while (at < end && alphabet[bytes[at]!] === 1) at++
  return at
}

function isText(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false
  return true
}

/** Without regard to case. `text`: lower-case letters and hyphens; `bytes`: no control bytes, one of which would pass for a hyphen. */
function isLowerText(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if ((bytes[start + i]! | 0x20) !== text.charCodeAt(i)) return false
  return true
}

/** Behind the white space that may stand before a value (RFC 9110 §5.6.3). */
function valueStart(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++
  return at
}

function valueEnd(bytes: Uint8Array, start: number, end: number): number {
  while (end > start && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--
  return end
}

function alphabet(holds: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => holds(byte) ? 1 : 0)
}
