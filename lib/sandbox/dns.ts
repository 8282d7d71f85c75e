/**
 * The resolver of what is guarded: names have addresses of ours, and none was looked up. Pure: bytes in, bytes out.
 *
 * Only A is answered, AAAA where the guarded network has IPv6, and PTR for what these gave out. What would say where
 * else to go (HTTPS, SVCB) has no data;
 * everything else is refused. So nothing leaves by names: whatever a client encodes in one, it stays in a table.
 */
import { encode } from 'dns-packet'
import type { Answer } from 'dns-packet'

/** What there is to be known. */
export interface Zone {
  /** `absent`: there is no such name, and nobody needs to hear of it. `denied`: there is none for this client. */
  look(name: string): 'exists' | 'absent' | 'denied'
  /** Whether a connection to an IPv6 address arrives at us too. Where it does not, AAAA has no data. */
  readonly hasIpv6: boolean
  /** Null: no address is left. */
  addressFor(name: string, version: 4 | 6): string | null
  nameOf(address: string): string | null
}

export type Answered =
  | { readonly kind: 'answered', readonly reply: Buffer }
  /** To be told to the operator. */
  | { readonly kind: 'refused', readonly reply: Buffer, readonly name: string | null, readonly type: string | null, readonly reason: string }
  /** Not answered: it is no question. */
  | { readonly kind: 'ignored' }

/** RFC 1035 §4.1.1, §4.2.1: no question is longer than a packet without extensions. */
export const MAX_QUESTION = 512
const HEADER = 12
const MAX_NAME = 253
const MAX_LABEL = 63
/** Clients ask again after this, and get the same answer. */
const TTL_SECONDS = 60

const A = 1
const PTR = 12
const AAAA = 28
const EMPTY: readonly number[] = [AAAA, 64, 65]
const IN = 1
/** To name what was refused. */
const TYPES: Readonly<Record<number, string>> = {
  1: 'A', 2: 'NS', 5: 'CNAME', 6: 'SOA', 10: 'NULL', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA', 33: 'SRV', 35: 'NAPTR', 64: 'SVCB', 65: 'HTTPS', 251: 'IXFR', 252: 'AXFR', 255: 'ANY',
}

const NOERROR = 0
const FORMERR = 1
const SERVFAIL = 2
const NXDOMAIN = 3
const NOTIMP = 4
const REFUSED = 5

interface Question {
  /** In lower case, without trailing dot. */
  readonly name: string
  readonly type: number
  readonly class: number
  /** Offset of its last byte and one. */
  readonly end: number
}

export function answerQuestion(message: Uint8Array, zone: Zone): Answered {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  // A response, or half a header: an answer to it could be answered again, for ever.
  if (bytes.length < HEADER || (bytes[2]! & 0x80) !== 0) return { kind: 'ignored' }
  if ((bytes[2]! & 0x78) !== 0) return refused(bytes, NOTIMP, null, 'it is no query')
  if (bytes.length > MAX_QUESTION) return refused(bytes, FORMERR, null, `it is longer than ${MAX_QUESTION} bytes`)
  if (bytes.readUInt16BE(4) !== 1 || bytes.readUInt16BE(6) !== 0 || bytes.readUInt16BE(8) !== 0) return refused(bytes, FORMERR, null, 'it is not one question')
  const question = readQuestion(bytes)
  if (question === null) return refused(bytes, FORMERR, null, 'its name is malformed')
  if (question.class !== IN) return refused(bytes, REFUSED, question, 'its class is not IN')
  if (question.type === PTR) return answerPtr(bytes, question, zone)
  if (question.type !== A && !EMPTY.includes(question.type)) return refused(bytes, REFUSED, question, 'only addresses are answered')
  if (question.name === 'localhost' || question.name.endsWith('.localhost')) return answerLocalhost(bytes, question)
  const look = zone.look(question.name)
  if (look === 'denied') return refused(bytes, NXDOMAIN, question, 'no rule could ever allow it')
  if (look === 'absent') return { kind: 'answered', reply: respond(bytes, NXDOMAIN, question.end) }
  if (question.type !== A && !(question.type === AAAA && zone.hasIpv6)) return answered(bytes, question, [])
  const address = zone.addressFor(question.name, question.type === A ? 4 : 6)
  if (address === null) return refused(bytes, SERVFAIL, question, 'no address is left')
  return answered(bytes, question, [record(question.type === A ? 'A' : 'AAAA', address)])
}

/** RFC 6761 §6.3: it is whoever asks. */
function answerLocalhost(bytes: Buffer, question: Question): Answered {
  const answers = question.type === A ? [record('A', '127.0.0.1')] : question.type === AAAA ? [record('AAAA', '::1')] : []
  return answered(bytes, question, answers)
}

function answerPtr(bytes: Buffer, question: Question, zone: Zone): Answered {
  const address = reversed(question.name)
  const name = address === null ? null : zone.nameOf(address)
  return name === null ? refused(bytes, REFUSED, question, 'the address is none that was given out') : answered(bytes, question, [record('PTR', name)])
}

/** RFC 1035 §3.5, RFC 3596 §2.5. */
function reversed(name: string): string | null {
  const parts = REVERSE.exec(name) ?? REVERSE_6.exec(name)
  if (parts === null) return null
  const [, text = '', version] = parts
  const digits = text.split('.').filter(Boolean).reverse()
  return version === 'in-addr' ? digits.join('.') : digits.join('').match(/.{4}/g)!.join(':')
}

const REVERSE = /^((?:\d{1,3}\.){4})(in-addr)\.arpa$/
const REVERSE_6 = /^((?:[\da-f]\.){32})(ip6)\.arpa$/

const record = (type: 'A' | 'AAAA' | 'PTR', data: string): Answer => ({ type, name: '.', ttl: TTL_SECONDS, data })

function answered(bytes: Buffer, question: Question, answers: readonly Answer[]): Answered {
  const head = respond(bytes, NOERROR, question.end)
  head.writeUInt16BE(answers.length, 6)
  // The answer's name is the question's, by a pointer to it (RFC 1035 §4.1.4): its spelling may matter to the client.
  const rest = answers.flatMap(answer => [Buffer.from([0xc0, HEADER]), encode({ type: 'response', id: 0, answers: [answer] }).subarray(HEADER + 1)])
  return { kind: 'answered', reply: Buffer.concat([head, ...rest]) }
}

function refused(bytes: Buffer, code: number, question: Question | null, reason: string): Answered {
  const reply = respond(bytes, code, question?.end ?? HEADER)
  return { kind: 'refused', reply, name: question?.name ?? null, type: question === null ? null : TYPES[question.type] ?? String(question.type), reason }
}

/** The question without extensions, as a response with a code and no answer. */
function respond(bytes: Buffer, code: number, end: number): Buffer {
  const response = Buffer.from(bytes.subarray(0, end))
  response[2] = 0x80 | (bytes[2]! & 0x79)
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
