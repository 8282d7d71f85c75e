import t from 'tap'
import { connect } from 'node:tls'
import { Duplex } from 'node:stream'
import { readClientHello } from '../../../lib/identify/client-hello.ts'
import { mutationsOf } from './mutations.ts'

const u8 = (value: number): Buffer => Buffer.of(value)
const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255)
const u24 = (value: number): Buffer => Buffer.of(value >> 16, (value >> 8) & 255, value & 255)
const sized = (length: (value: number) => Buffer, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([length(body.length), body])
}
const latin = (text: string): Buffer => Buffer.from(text, 'latin1')
const extension = (type: number, ...body: Buffer[]): Buffer => Buffer.concat([u16(type), sized(u16, ...body)])
const name = (host: string, type = 0): Buffer => Buffer.concat([u8(type), sized(u16, latin(host))])
const sni = (...names: Buffer[]): Buffer => extension(0, sized(u16, ...names))
const alpn = (...protocols: string[]): Buffer => extension(16, sized(u16, ...protocols.map(protocol => sized(u8, latin(protocol)))))
const versions = (...offered: number[]): Buffer => extension(43, sized(u8, ...offered.map(u16)))

interface Parts { version?: number, session?: Buffer, ciphers?: Buffer, compressions?: Buffer, extensions?: Buffer[] | null, tail?: Buffer }
const body = ({ version = 0x0303, session = Buffer.alloc(32), ciphers = u16(0x1301), compressions = u8(0), extensions = [], tail = Buffer.alloc(0) }: Parts): Buffer => Buffer.concat([
  u16(version), Buffer.alloc(32, 7), sized(u8, session), sized(u16, ciphers), sized(u8, compressions),
  ...extensions === null ? [] : [sized(u16, ...extensions)], tail,
])
const message = (parts: Parts): Buffer => Buffer.concat([u8(1), sized(u24, body(parts))])
const record = (fragment: Buffer, type = 22, minor = 1): Buffer => Buffer.concat([Buffer.of(type, 3, minor), sized(u16, fragment)])
const hello = (parts: Parts): Buffer => record(message(parts))
/** The message cut into records of `size` bytes. */
const records = (whole: Buffer, size: number): Buffer =>
  Buffer.concat(Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => record(whole.subarray(i * size, (i + 1) * size))))

const usual: Parts = { extensions: [sni(name('example.com')), alpn('h2', 'http/1.1'), versions(0x0a0a, 0x0304, 0x0303)] }
const read = { kind: 'hello', serverName: 'example.com', alpn: ['h2', 'http/1.1'], offersTls12OrLater: true }

t.test('a hello tells its SNI, its protocols and its versions', async t => t.strictSame(readClientHello(hello(usual)), read))

// [why, hello, what is read]
const sound: [string, Buffer, object][] = [
  ['no extensions at all, as in TLS 1.0', hello({ extensions: null }), { serverName: null, alpn: [], offersTls12OrLater: true }],
  ['an empty list of extensions', hello({}), { serverName: null }],
  ['the SNI comes back byte for byte', hello({ extensions: [sni(name('A\r\n\x1b[2K\xff. '))] }), { serverName: 'A\r\n\x1b[2K\xff. ' }],
  ['TLS 1.1 by its version', hello({ version: 0x0302 }), { offersTls12OrLater: false }],
  ['the list of versions outranks the old field', hello({ extensions: [versions(0x0302)] }), { offersTls12OrLater: false }],
  ['a version made up to keep servers honest is none', hello({ extensions: [versions(0x7a7a)] }), { offersTls12OrLater: false }],
  ['an extension nobody knows', hello({ extensions: [extension(0x3a3a, u8(0)), sni(name('a'))] }), { serverName: 'a' }],
  ['bytes behind the record are not looked at', Buffer.concat([hello(usual), Buffer.from([23, 9, 9])]), read],
]
for (const [why, head, expected] of sound) t.match(readClientHello(head), { kind: 'hello', ...expected }, why)

// [why, hello, part of the reason]
const refused: [string, Buffer, RegExp][] = [
  ['two names in one list', hello({ extensions: [sni(name('a.test'), name('b.test'))] }), /one host name/],
  ['a name of another type', hello({ extensions: [sni(name('a.test', 1))] }), /one host name/],
  ['a name of another type beside a host name', hello({ extensions: [sni(name('a.test', 1), name('b.test'))] }), /one host name/],
  ['an empty list of names', hello({ extensions: [sni()] }), /one host name/],
  ['an empty name', hello({ extensions: [sni(name(''))] }), /one host name/],
  ['a name longer than its list', hello({ extensions: [extension(0, u16(4), u8(0), u16(9), latin('a'))] }), /one host name/],
  ['bytes behind the list of names', hello({ extensions: [extension(0, sized(u16, name('a')), u8(0))] }), /one host name/],
  ['the SNI twice', hello({ extensions: [sni(name('a.test')), sni(name('b.test'))] }), /twice/],
  ['an unknown extension twice', hello({ extensions: [extension(99), extension(99)] }), /twice/],
  ['an empty protocol', hello({ extensions: [alpn('')] }), /ALPN/],
  ['no protocol', hello({ extensions: [alpn()] }), /ALPN/],
  ['half a version', hello({ extensions: [extension(43, sized(u8, u8(3)))] }), /versions/],
  ['no version', hello({ extensions: [versions()] }), /versions/],
  ['an extension longer than the list', hello({ extensions: [Buffer.concat([u16(5), u16(9)])] }), /cut short/],
  ['bytes behind the extensions', hello({ tail: u8(0) }), /do not fill/],
  ['a session id longer than 32', hello({ session: Buffer.alloc(33) }), /impossible/],
  ['no cipher suite', hello({ ciphers: Buffer.alloc(0) }), /impossible/],
  ['half a cipher suite', hello({ ciphers: u8(1) }), /impossible/],
  ['no compression method', hello({ compressions: Buffer.alloc(0) }), /impossible/],
  ['a message that ends inside its random', record(Buffer.concat([u8(1), sized(u24, Buffer.alloc(20))])), /cut short/],
  ['a ServerHello', record(Buffer.concat([u8(2), sized(u24, body({}))])), /ClientHello/],
  ['a second message in the record', record(Buffer.concat([message(usual), message(usual)])), /more than/],
  ['an empty record', record(Buffer.alloc(0)), /empty/],
  ['a record longer than TLS allows', Buffer.concat([Buffer.of(22, 3, 1), u16(16_385)]), /too long/],
  ['an alert', record(Buffer.of(2, 40), 21), /another type/],
  ['application data between two fragments', Buffer.concat([record(message(usual).subarray(0, 50)), record(Buffer.from('x'), 23)]), /another type/],
  ['SSL 2', Buffer.of(22, 2, 0), /no version/],
  ['a message of more than 64 KiB, known from its first bytes', record(Buffer.concat([u8(1), u24(65_533)])), /64 KiB/],
  ['a record for every byte', records(message(usual), 1), /too many records/],
]
for (const [why, head, reason] of refused) {
  const found = readClientHello(head)
  t.match(found, { kind: 'refused', reason }, why)
}

t.test('a hello is read the same however it is cut into records', async t => {
  const whole = message(usual)
  for (let size = Math.ceil(whole.length / 64); size <= whole.length; size++) t.strictSame(readClientHello(records(whole, size)), read, `records of ${size}`)
})

t.test('a large hello spans records', async t => {
  const padded = { extensions: [...usual.extensions!, extension(21, Buffer.alloc(40_000))] }
  t.strictSame(readClientHello(records(message(padded), 16_384)), read)
})

t.test('a hello cut at any byte needs more, and one that cannot be mended says so at once', async t => {
  const whole = records(message(usual), 40)
  for (let length = 0; length < whole.length; length++) t.equal(readClientHello(whole.subarray(0, length)).kind, 'need-more', `${length} bytes`)
  t.equal(readClientHello(whole).kind, 'hello')
  for (const [why, head] of refused) {
    const kinds = Array.from({ length: head.length + 1 }, (_, length) => readClientHello(head.subarray(0, length)).kind)
    t.notOk(kinds.includes('hello'), `${why}: is never sound on the way`)
    const at = kinds.indexOf('refused')
    t.ok(kinds.slice(at).every(kind => kind === 'refused'), `${why}: stays refused`)
  }
})

t.test('a mutated hello is one of the three outcomes, and never a throw', async t => {
  const texts = [...sound.map(row => row[1]), ...refused.map(row => row[1]), hello(usual)].map(head => head.toString('latin1'))
  const kinds = new Set<string>()
  for (const text of mutationsOf(t, texts, 20_000)) kinds.add(readClientHello(latin(text)).kind)
  t.strictSame([...kinds].sort(), ['hello', 'need-more', 'refused'])
})

t.test('what Node itself sends is read', async t => {
  const head = await new Promise<Buffer>(resolve => {
    const wire = new Duplex({ read() {}, write(chunk: Buffer) { resolve(chunk) } })
    const socket = connect({ socket: wire, servername: 'node.test', ALPNProtocols: ['http/1.1'] })
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
  })
  t.strictSame(readClientHello(head), { kind: 'hello', serverName: 'node.test', alpn: ['http/1.1'], offersTls12OrLater: true })
})
