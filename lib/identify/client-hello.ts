/**
 * Reads what a TLS ClientHello asks for (RFC 8446 §4.1.2, RFC 6066 §3), without a TLS library and
 * before one is started.
 *
 * Pure: consumes nothing. Looks at no byte behind the message, answers "need more" rather than waiting,
 * and refuses whatever two TLS stacks could read in two ways.
 */

export type ClientHello =
  | { readonly kind: 'need-more' }
  | {
    readonly kind: 'hello'
    /** The SNI byte for byte, as latin-1; null where none was sent. */
    readonly serverName: string | null
    readonly alpn: readonly string[]
    readonly offersTls12OrLater: boolean
  }
  | { readonly kind: 'refused', readonly reason: string }

/** A hello with post-quantum key shares has a few KiB. */
const MAX_HELLO_BYTES = 65_536
/** Each record is looked at on every call; more than these serve nobody but an attacker. */
const MAX_RECORDS = 64
/** RFC 8446 §5.1. */
const MAX_FRAGMENT_BYTES = 16_384

const RECORD_HEADER_BYTES = 5
const MESSAGE_HEADER_BYTES = 4
const HANDSHAKE = 22
const CLIENT_HELLO = 1
const TLS_1_2 = 0x0303
const TLS_1_3 = 0x0304

const SERVER_NAME = 0
const ALPN = 16
const SUPPORTED_VERSIONS = 43
const HOST_NAME = 0

/** @param head  bytes received so far, from the first byte of the connection */
export function readClientHello(head: Uint8Array): ClientHello {
  const message = assemble(head)
  if (message.kind !== 'message') return message
  return readMessage({ bytes: message.bytes, at: MESSAGE_HEADER_BYTES, end: message.bytes.length })
}

const NEED_MORE = Object.freeze({ kind: 'need-more' } as const)

type Assembled =
  | { readonly kind: 'need-more' }
  | { readonly kind: 'message', readonly bytes: Uint8Array }
  | { readonly kind: 'refused', readonly reason: string }

/** Takes the message out of its records. A message may span records; here a record may not hold more than the message. */
function assemble(head: Uint8Array): Assembled {
  const fragments: Uint8Array[] = []
  let length = 0
  let at = 0
  while (fragments.length < MAX_RECORDS) {
    const [type, major] = head.subarray(at, at + 2)
    if (type !== undefined && type !== HANDSHAKE) return refused('a record of another type stands where the hello should be')
    if (major !== undefined && major !== 3) return refused('the record is of no version of TLS')
    if (head.length < at + RECORD_HEADER_BYTES) return NEED_MORE
    const size = (head[at + 3]! << 8) | head[at + 4]!
    if (size === 0 || size > MAX_FRAGMENT_BYTES) return refused('a record is empty or too long')
    const fragment = head.subarray(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + size)
    fragments.push(fragment)
    length += fragment.length
    at += RECORD_HEADER_BYTES + size

    const bytes = length >= MESSAGE_HEADER_BYTES ? joined(fragments, MESSAGE_HEADER_BYTES) : joined(fragments, length)
    if (bytes.length > 0 && bytes[0] !== CLIENT_HELLO) return refused('the handshake does not begin with a ClientHello')
    if (bytes.length === MESSAGE_HEADER_BYTES) {
      const total = MESSAGE_HEADER_BYTES + ((bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!)
      if (total > MAX_HELLO_BYTES) return refused('the ClientHello is longer than 64 KiB')
      if (length - fragment.length + size > total) return refused('a record holds more than the ClientHello')
      if (length === total) return { kind: 'message', bytes: joined(fragments, total) }
    }
    if (fragment.length < size) return NEED_MORE
  }
  return refused('the ClientHello is cut into too many records')
}

/** The first `length` bytes of the fragments; copied only where they span two. */
function joined(fragments: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = fragments
  if (first !== undefined && first.length >= length) return first.subarray(0, length)
  const bytes = new Uint8Array(length)
  let at = 0
  for (const fragment of fragments) {
    if (at === length) break
    const part = fragment.subarray(0, length - at)
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** A place in a message. `end` is never passed. */
interface Cursor {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
}

function readMessage(cursor: Cursor): ClientHello {
  const version = uint(cursor, 2)
  const random = slice(cursor, 32)
  const session = vector(cursor, 1)
  const ciphers = vector(cursor, 2)
  const compressions = vector(cursor, 1)
  if (version === null || random === null || session === null || ciphers === null || compressions === null) return refused('the ClientHello is cut short')
  if (left(session) > 32 || left(ciphers) === 0 || left(ciphers) % 2 !== 0 || left(compressions) === 0) return refused('a length in the ClientHello is impossible')
  const asked: Asked = { serverName: null, alpn: [], versions: null }
  if (left(cursor) > 0) {
    const extensions = vector(cursor, 2)
    if (extensions === null || left(cursor) > 0) return refused('the extensions do not fill the ClientHello')
    const problem = readExtensions(extensions, asked)
    if (problem !== null) return refused(problem)
  }
  const offersTls12OrLater = asked.versions === null ? version >= TLS_1_2 : asked.versions.some(offered => offered === TLS_1_2 || offered === TLS_1_3)
  return { kind: 'hello', serverName: asked.serverName, alpn: asked.alpn, offersTls12OrLater }
}

interface Asked {
  serverName: string | null
  alpn: readonly string[]
  versions: readonly number[] | null
}

/** @returns what is wrong, or null */
function readExtensions(extensions: Cursor, asked: Asked): string | null {
  const seen = new Set<number>()
  while (left(extensions) > 0) {
    const type = uint(extensions, 2)
    const body = vector(extensions, 2)
    if (type === null || body === null) return 'an extension is cut short'
    if (seen.has(type)) return 'an extension is sent twice'
    seen.add(type)
    if (type === SERVER_NAME) {
      const name = readServerName(body)
      if (name === null) return 'the server name extension does not hold one host name'
      asked.serverName = name
    } else if (type === ALPN) {
      const protocols = readProtocols(body)
      if (protocols === null) return 'the ALPN extension is malformed'
      asked.alpn = protocols
    } else if (type === SUPPORTED_VERSIONS) {
      const versions = readVersions(body)
      if (versions === null) return 'the supported versions extension is malformed'
      asked.versions = versions
    }
  }
  return null
}

/** A list may by its grammar hold several names, of several types; no client sends that, and stacks differ on which counts. */
function readServerName(body: Cursor): string | null {
  const list = vector(body, 2)
  if (list === null || left(body) > 0) return null
  const type = uint(list, 1)
  const name = vector(list, 2)
  if (type !== HOST_NAME || name === null || left(name) === 0 || left(list) > 0) return null
  return text(name)
}

function readProtocols(body: Cursor): readonly string[] | null {
  const list = vector(body, 2)
  if (list === null || left(body) > 0 || left(list) === 0) return null
  const protocols: string[] = []
  while (left(list) > 0) {
    const protocol = vector(list, 1)
    if (protocol === null || left(protocol) === 0) return null
    protocols.push(text(protocol))
  }
  return protocols
}

function readVersions(body: Cursor): readonly number[] | null {
  const list = vector(body, 1)
  if (list === null || left(body) > 0 || left(list) === 0 || left(list) % 2 !== 0) return null
  const versions: number[] = []
  while (left(list) > 0) versions.push(uint(list, 2) ?? 0)
  return versions
}

function left(cursor: Cursor): number {
  return cursor.end - cursor.at
}

/** A big-endian number of so many bytes; null where they are not there. */
function uint(cursor: Cursor, width: number): number | null {
  if (left(cursor) < width) return null
  let value = 0
  for (let i = 0; i < width; i++) value = value * 256 + cursor.bytes[cursor.at++]!
  return value
}

/** The next `length` bytes; null where they are not there. */
function slice(cursor: Cursor, length: number): Cursor | null {
  if (left(cursor) < length) return null
  const part = { bytes: cursor.bytes, at: cursor.at, end: cursor.at + length }
  cursor.at += length
  return part
}

/** Bytes behind a length of `width` bytes (RFC 8446 §3.4); null where they are not all there. */
function vector(cursor: Cursor, width: number): Cursor | null {
  const length = uint(cursor, width)
  return length === null ? null : slice(cursor, length)
}

function text(cursor: Cursor): string {
  let out = ''
  for (let at = cursor.at; at < cursor.end; at++) out += String.fromCharCode(cursor.bytes[at]!)
  return out
}

function refused(reason: string): { readonly kind: 'refused', readonly reason: string } {
  return { kind: 'refused', reason }
}
