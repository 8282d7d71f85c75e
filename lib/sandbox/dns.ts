/**
 * The resolver of a sandbox: every name has an address, and none was looked up. Pure: bytes in, bytes out.
 *
 * Only A is answered. What would say where else to go (AAAA, HTTPS, SVCB) has no data; everything else is refused. So
 * nothing leaves by names: whatever a client encodes in one, it stays in a table.
 */
import { encode } from 'dns-packet'

/** RFC 1035 §4.1.1, §4.2.1: no question is longer than a packet without extensions. */
const MAX_QUESTION = 512
const HEADER = 12
const MAX_NAME = 253
const MAX_LABEL = 63
const A = 1
const IN = 1
/** AAAA, SVCB, HTTPS. */
const EMPTY = [28, 64, 65]
/** Clients ask again after this, and get the same answer. */
const TTL_SECONDS = 60

const FORMERR = 1
const SERVFAIL = 2
const NOTIMP = 4
const REFUSED = 5

interface Question {
  readonly name: string
  readonly type: number
  readonly class: number
  /** Offset of its last byte and one. */
  readonly end: number
}

/**
 * @param addressFor  null: no address for this name
 * @returns null for what is no question at all: nothing is answered then
 */
export function answerQuestion(message: Uint8Array, addressFor: (name: string) => string | null): Buffer | null {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  // A response, or half a header: an answer to it could be answered again, for ever.
  if (bytes.length < HEADER || (bytes[2]! & 0x80) !== 0) return null
  if ((bytes[2]! & 0x78) !== 0) return refuse(bytes, NOTIMP, HEADER)
  const question = bytes.length <= MAX_QUESTION && bytes.readUInt16BE(4) === 1 ? readQuestion(bytes) : null
  if (question === null) return refuse(bytes, FORMERR, HEADER)
  if (question.class !== IN) return refuse(bytes, REFUSED, question.end)
  if (EMPTY.includes(question.type)) return refuse(bytes, 0, question.end)
  if (question.type !== A) return refuse(bytes, REFUSED, question.end)
  const address = addressFor(question.name)
  if (address === null) return refuse(bytes, SERVFAIL, question.end)
  const answer = encode({ type: 'response', id: 0, answers: [{ type: 'A', name: '.', ttl: TTL_SECONDS, data: address }] }).subarray(HEADER)
  const head = refuse(bytes, 0, question.end)
  head.writeUInt16BE(1, 6)
  // The answer's name is the question's, by a pointer to it (RFC 1035 §4.1.4): its spelling may matter to the client.
  return Buffer.concat([head, Buffer.from([0xc0, HEADER]), answer.subarray(1)])
}

/** The question without extensions, as a response with a code and no answer. */
function refuse(bytes: Buffer, code: number, end: number): Buffer {
  const response = Buffer.from(bytes.subarray(0, end))
  response[2] = 0x80 | (bytes[2]! & 0x01)
  response[3] = 0x80 | code
  response.writeUInt16BE(end > HEADER ? 1 : 0, 4)
  response.fill(0, 6, HEADER)
  return response
}

/** No compression: the first name of a packet has nothing to point to. */
function readQuestion(bytes: Buffer): Question | null {
  const labels: string[] = []
  let at = HEADER
  for (;;) {
    const length = bytes[at]
    if (length === undefined || length > MAX_LABEL) return null
    at++
    if (length === 0) break
    if (at + length > bytes.length) return null
    const label = bytes.toString('latin1', at, at + length)
    // A dot inside of a label would make two of it.
    if (label.includes('.')) return null
    labels.push(label)
    at += length
  }
  const name = labels.join('.')
  if (name.length > MAX_NAME || at + 4 > bytes.length) return null
  return { name: name.toLowerCase(), type: bytes.readUInt16BE(at), class: bytes.readUInt16BE(at + 2), end: at + 4 }
}
