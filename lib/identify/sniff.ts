/**
 * Names the protocol a client is speaking from its first bytes.
 *
 * Pure: holds no socket and consumes nothing; the caller keeps the bytes and replays them.
 */

export type Sniffed =
  | { readonly kind: 'need-more' }
  | { readonly kind: 'tls' }
  | { readonly kind: 'http' }
  | { readonly kind: 'opaque' }

/** Longest method we wait for, in bytes. Beyond it the stream is not HTTP/1.x worth parsing. */
const MAX_METHOD = 32

/** Content type of a TLS record that carries a handshake, and the major version of every TLS (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16
const TLS_MAJOR = 0x03

const SPACE = 0x20

/**
 * TLS is a handshake record; HTTP is a method and a space. Everything else is opaque: an SSLv2 hello, the
 * preface of HTTP/2 (`PRI * …`, which we do not speak inside a tunnel), SSH.
 *
 * @param head  bytes received so far, from the first byte of the connection
 * @returns `need-more` until the bytes can only mean one thing; never throws
 */
export function sniff(head: Uint8Array): Sniffed {
  const [first, second] = head
  if (first === undefined) return NEED_MORE
  if (first === TLS_HANDSHAKE) return second === undefined ? NEED_MORE : second === TLS_MAJOR ? TLS : OPAQUE
  let length = 0
  while (length < head.length && length <= MAX_METHOD && isMethodByte(head[length]!)) length++
  if (length > MAX_METHOD) return OPAQUE
  if (length === head.length) return NEED_MORE
  return head[length] === SPACE && length > 0 && !isPreface(head, length) ? HTTP : OPAQUE
}

const NEED_MORE: Sniffed = Object.freeze({ kind: 'need-more' })
const TLS: Sniffed = Object.freeze({ kind: 'tls' })
const HTTP: Sniffed = Object.freeze({ kind: 'http' })
const OPAQUE: Sniffed = Object.freeze({ kind: 'opaque' })

/**
 * Letters and hyphens, as every method that is registered. The whole of `tchar` would also take
 * `SSH-2.0-OpenSSH_9.2 Debian` for a method.
 */
function isMethodByte(byte: number): boolean {
  const lower = byte | 0x20
  return (lower >= 0x61 && lower <= 0x7a) || byte === 0x2d
}

/** `PRI` is reserved for the preface of HTTP/2 (RFC 9113 §11.6): no request has this method. */
function isPreface(head: Uint8Array, length: number): boolean {
  return length === 3 && head[0] === 0x50 && head[1] === 0x52 && head[2] === 0x49
}
