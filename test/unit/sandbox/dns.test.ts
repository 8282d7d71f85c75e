/** Questions for names, as bytes, read back by a codec that is not ours. */
import t from 'tap'
import packet from 'dns-packet'
import { answerQuestion } from '../../../lib/sandbox/dns.ts'

const ask = (name: string, type: string, more: object = {}): Buffer => packet.encode({ type: 'query', id: 4711, flags: packet.RECURSION_DESIRED, questions: [{ name, type: type as 'A' }], ...more })
const answered = (message: Uint8Array, address: string | null = '198.18.0.20'): packet.DecodedPacket & { rcode?: string } => packet.decode(answerQuestion(message, () => address)!)
const asked = (message: Uint8Array): string[] => {
  const names: string[] = []
  answerQuestion(message, name => { names.push(name); return '198.18.0.20' })
  return names
}

t.test('A is answered, with the question as it was asked', async t => {
  const { id, questions, answers, rcode } = answered(ask('API.Example.com', 'A'))
  t.equal(id, 4711)
  t.equal(rcode, 'NOERROR')
  t.match(questions, [{ name: 'API.Example.com', type: 'A' }])
  t.match(answers, [{ name: 'API.Example.com', type: 'A', data: '198.18.0.20', ttl: 60 }])
  t.strictSame(asked(ask('API.Example.com', 'A')), ['api.example.com'])
})

t.test('what would say where else to go has no data; everything else is refused', async t => {
  for (const type of ['AAAA', 'HTTPS', 'SVCB']) {
    const bytes = type === 'AAAA' ? ask('a.example', type) : withType(ask('a.example', 'A'), type === 'HTTPS' ? 65 : 64)
    t.match(answered(bytes), { rcode: 'NOERROR', answers: [] }, type)
    t.strictSame(asked(bytes), [], `${type} takes no address`)
  }
  for (const type of ['TXT', 'MX', 'SRV', 'PTR', 'NS', 'SOA', 'CNAME', 'NULL']) t.match(answered(ask('a.example', type)), { rcode: 'REFUSED', answers: [] }, type)
  t.match(answered(withType(ask('a.example', 'A'), 255)), { rcode: 'REFUSED' }, 'ANY')
})

t.test('extensions are left out of the answer', async t => {
  const { answers, additionals } = answered(ask('a.example', 'A', { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] }] }))
  t.equal(answers?.length, 1)
  t.strictSame(additionals, [])
})

t.test('a name without an address is a failure, not a lie', async t => {
  t.match(answered(ask('a.example', 'A'), null), { rcode: 'SERVFAIL', answers: [] })
})

t.test('a response is never answered: two that answer each other would never stop', async t => {
  t.equal(answerQuestion(packet.encode({ type: 'response', id: 1, questions: [{ name: 'a.example', type: 'A' }] }), () => '198.18.0.20'), null)
  t.equal(answerQuestion(new Uint8Array(3), () => '198.18.0.20'), null)
})

t.test('what is malformed reaches no table', async t => {
  const good = ask('a.example', 'A')
  const pointer = Buffer.from(good)
  pointer[12] = 0xc0
  const two = Buffer.from(good)
  two.writeUInt16BE(2, 4)
  const dotted = Buffer.from(good)
  dotted[14] = 0x2e
  const update = Buffer.from(good)
  update[2] = 5 << 3
  for (const [shows, bytes] of [['a pointer', pointer], ['two questions', two], ['an update', update], ['too long', Buffer.concat([good, Buffer.alloc(600)])], ['none', packet.encode({ type: 'query', id: 1, questions: [] })]] as const) {
    t.strictSame(asked(bytes), [], shows)
  }
  for (let length = 0; length < good.length; length++) t.strictSame(asked(good.subarray(0, length)), [], `cut after ${length} bytes`)
  const nested = Buffer.from(ask('ab.example', 'A'))
  nested[14] = 0x2e
  t.strictSame(asked(nested), [], 'a dot inside of a label')
})

function withType(bytes: Buffer, type: number): Buffer {
  const changed = Buffer.from(bytes)
  changed.writeUInt16BE(type, changed.length - 4)
  return changed
}
