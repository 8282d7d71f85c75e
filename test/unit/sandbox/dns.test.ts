/** Questions for names, as bytes, read back by a codec that is not ours. */
import t from 'tap'
import packet from 'dns-packet'
import { answerQuestion } from '../../../lib/sandbox/dns.ts'
import type { Answered, Zone } from '../../../lib/sandbox/dns.ts'

const ask = (name: string, type: string, more: object = {}): Buffer => packet.encode({ type: 'query', id: 4711, flags: packet.RECURSION_DESIRED, questions: [{ name, type: type as 'A' }], ...more })
const zoneOf = (more: Partial<Zone> = {}): Zone => ({ look: () => 'exists', hasIpv6: false, addressFor: () => '198.18.0.20', nameOf: address => address === '198.18.0.20' || address === 'fd53:616c:6c79:0001:0000:0000:c612:0014' ? 'api.example.com' : null, ...more })
const replyOf = (answered: Answered): Buffer => answered.kind === 'ignored' ? Buffer.alloc(0) : answered.reply
const answered = (message: Uint8Array, zone: Partial<Zone> = {}): packet.DecodedPacket & { rcode?: string } => packet.decode(replyOf(answerQuestion(message, zoneOf(zone))))
const asked = (message: Uint8Array): string[] => {
  const names: string[] = []
  answerQuestion(message, zoneOf({ addressFor: name => { names.push(name); return '198.18.0.20' } }))
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

t.test('where the network has IPv6, AAAA is answered from the same table', async t => {
  const zone: Partial<Zone> = { hasIpv6: true, addressFor: (_name, version) => version === 6 ? 'fd53:616c:6c79:1::c612:14' : '198.18.0.20' }
  t.match(answered(ask('API.Example.com', 'AAAA'), zone), { rcode: 'NOERROR', answers: [{ name: 'API.Example.com', type: 'AAAA', data: 'fd53:616c:6c79:1::c612:14', ttl: 60 }] })
  t.match(answered(ask('api.example.com', 'A'), zone), { answers: [{ type: 'A', data: '198.18.0.20' }] })
  t.match(answered(ask('a.example', 'AAAA'), { ...zone, addressFor: () => null }), { rcode: 'SERVFAIL' })
  t.match(answered(ask('a.example', 'AAAA'), { ...zone, look: () => 'denied' }), { rcode: 'NXDOMAIN' })
  t.match(answered(withType(ask('a.example', 'A'), 65), zone), { rcode: 'NOERROR', answers: [] }, 'HTTPS says nothing all the same')
})

t.test('extensions are left out of the answer', async t => {
  const { answers, additionals } = answered(ask('a.example', 'A', { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] }] }))
  t.equal(answers?.length, 1)
  t.strictSame(additionals, [])
})

t.test('a name without an address is a failure, not a lie', async t => {
  t.match(answered(ask('a.example', 'A'), { addressFor: () => null }), { rcode: 'SERVFAIL', answers: [] })
})

t.test('a name that is not there has no address of any kind, and only what the policy keeps shut is told', async t => {
  for (const type of ['A', 'AAAA']) {
    t.match(answered(ask('a.example', type), { look: () => 'absent' }), { rcode: 'NXDOMAIN', answers: [] })
    t.match(answerQuestion(ask('a.example', type), zoneOf({ look: () => 'absent' })), { kind: 'answered' })
    t.match(answerQuestion(ask('a.example', type), zoneOf({ look: () => 'denied' })), { kind: 'refused', name: 'a.example', type })
  }
})

t.test('an address that was given out says its name; any other is refused', async t => {
  t.match(answered(ask('20.0.18.198.in-addr.arpa', 'PTR')), { rcode: 'NOERROR', answers: [{ type: 'PTR', data: 'api.example.com' }] })
  const six = '4.1.0.0.2.1.6.c.0.0.0.0.0.0.0.0.1.0.0.0.9.7.c.6.c.6.1.6.3.5.d.f'
  t.match(answered(ask(`${six.toUpperCase()}.ip6.arpa`, 'PTR')), { rcode: 'NOERROR', answers: [{ type: 'PTR', data: 'api.example.com' }] })
  for (const name of [`0.${six}.ip6.arpa`, `${six.slice(2)}.ip6.arpa`, `${six}.in-addr.arpa`, '20.0.18.198.ip6.arpa', '21.0.18.198.in-addr.arpa', '1.0.0.10.in-addr.arpa', 'a.ip6.arpa', '20.0.18.198.in-addr.arpa.example']) {
    t.match(answerQuestion(ask(name, 'PTR'), zoneOf()), { kind: 'refused', type: 'PTR' }, name)
  }
})

t.test('localhost is whoever asks, and takes no address', async t => {
  t.match(answered(ask('localhost', 'A')), { answers: [{ data: '127.0.0.1' }] })
  t.match(answered(ask('x.localhost', 'AAAA')), { answers: [{ data: '::1' }] })
  t.strictSame(asked(ask('localhost', 'A')), [])
})

t.test('what is refused says what was asked, for the operator', async t => {
  t.match(answerQuestion(ask('data.evil.example', 'TXT'), zoneOf()), { kind: 'refused', name: 'data.evil.example', type: 'TXT', reason: 'only addresses are answered' })
  t.match(answerQuestion(withType(ask('a.example', 'A'), 4711), zoneOf()), { kind: 'refused', type: '4711' })
})

t.test('a response is never answered: two that answer each other would never stop', async t => {
  t.strictSame(answerQuestion(packet.encode({ type: 'response', id: 1, questions: [{ name: 'a.example', type: 'A' }] }), zoneOf()), { kind: 'ignored' })
  t.strictSame(answerQuestion(new Uint8Array(3), zoneOf()), { kind: 'ignored' })
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
  const chaos = Buffer.from(good)
  chaos.writeUInt16BE(3, chaos.length - 2)
  t.match(answerQuestion(chaos, zoneOf()), { kind: 'refused', reason: /class/ })
  const nested = Buffer.from(ask('ab.example', 'A'))
  nested[14] = 0x2e
  t.strictSame(asked(nested), [], 'a dot inside of a label')
})

t.test('whatever the bytes, the answer is one of three, is no longer than a packet and can be read', async t => {
  const seed = Number(process.env['TEST_SEED'] ?? Math.trunc(Math.random() * 2 ** 31))
  t.comment(`TEST_SEED=${seed}`)
  const random = randomOf(seed)
  const samples = [ask('api.example.com', 'A'), ask('20.0.18.198.in-addr.arpa', 'PTR'), ask('a.example', 'TXT'), ask('x.example', 'A', { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] }] })]
  const outcomes = new Set<string>()
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(samples[i % samples.length]!).subarray(0, random() % 8 === 0 ? random() % 60 : 600)
    for (let changes = random() % 6; changes > 0 && bytes.length > 0; changes--) bytes[random() % bytes.length] = random()
    const result = answerQuestion(bytes, zoneOf())
    outcomes.add(result.kind)
    if (result.kind === 'ignored') continue
    const read = packet.decode(result.reply) as packet.DecodedPacket
    if (read.type !== 'response' || result.reply.length > 600 || read.id !== bytes.readUInt16BE(0)) t.fail(bytes.toString('hex'))
  }
  t.strictSame([...outcomes].sort(), ['answered', 'ignored', 'refused'])
})

/** Small and repeatable: a multiplicative generator (Lehmer). */
function randomOf(seed: number): () => number {
  let state = seed % 2_147_483_646 + 1
  return () => state = state * 48_271 % 2_147_483_647
}

function withType(bytes: Buffer, type: number): Buffer {
  const changed = Buffer.from(bytes)
  changed.writeUInt16BE(type, changed.length - 4)
  return changed
}
