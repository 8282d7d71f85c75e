/**
 * Whatever bytes a client sends, our readers and second, naive ones find the same in them, or ours refuse.
 * `property.ts` says how a run is repeated and made longer.
 */
import t from 'tap'
import { decode } from 'dns-packet'
import fc from 'fast-check'
import { BlockList, isIPv4 } from 'node:net'
import { classifyAddress } from '../../lib/decide/address.ts'
import { formatIp, parseIp, parseNetwork } from '../../lib/decide/ip.ts'
import { parseAuthority } from '../../lib/identify/authority.ts'
import { readClientHello } from '../../lib/identify/client-hello.ts'
import { sniff } from '../../lib/identify/sniff.ts'
import { canonicalHost } from '../../lib/normalize/host.ts'
import { readTarget } from '../../lib/normalize/path.ts'
import { answerQuestion } from '../../lib/sandbox/dns.ts'
import { NOT_PUBLIC, authorityIn, climbs, decoded, nameInQuestion, namesInHello, readingsOfPath } from './naive-readers.ts'
import { SEED, bytesIn, holds, textOf } from './property.ts'

t.comment(`SEED=${SEED}`)

const u16 = (n: number): string => String.fromCharCode(n >> 8 & 255, n & 255)
const sized = (width: 1 | 2 | 3, text: string, off = 0): string => {
  const length = Math.max(0, text.length + off)
  return String.fromCharCode(...[length >> 16 & 255, length >> 8 & 255, length & 255].slice(3 - width)) + text
}
/** Mostly the length that is true. */
const off = fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, fc.integer({ min: -3, max: 3 }))
const name = textOf(['a', 'example.com', 'A', '.', '\0', '*', 'xn--'], 4)
const serverNames = fc.tuple(fc.array(fc.tuple(fc.constantFrom('\0', '\0', '\x01'), name, off), { minLength: 0, maxLength: 2 }), off)
  .map(([names, off]) => sized(2, names.map(([type, name, off]) => type + sized(2, name, off)).join(''), off))
const extension = fc.tuple(fc.oneof(
  fc.tuple(fc.constant(0), serverNames),
  fc.tuple(fc.constant(16), fc.array(name, { maxLength: 3 }).map(list => sized(2, list.map(one => sized(1, one)).join('')))),
  fc.tuple(fc.constantFrom(43, 21, 0xfe0d), textOf(['\x02\x03\x04', '\0'])),
), off).map(([[type, body], off]) => u16(type) + sized(2, body, off))
const hello = fc.tuple(textOf(['s'], 32), fc.array(extension, { maxLength: 4 }), off, off).map(([session, extensions, inner, outer]) => {
  const body = `\x03\x03${'r'.repeat(32)}${sized(1, session)}${sized(2, '\x13\x01')}${sized(1, '\0')}${sized(2, extensions.join(''), inner)}`
  return `\x01${sized(3, body, outer)}`
})

await holds(t, { name: 'client-hello', says: 'a ClientHello asks for the name that a second reader finds, or is refused; and no earlier part of it said otherwise', cases: 600, inputs: fc.tuple(hello, fc.nat(400)) },
  ([message, cut]) => {
    const record = Buffer.from(`\x16\x03\x01${sized(2, message)}`, 'latin1')
    const read = readClientHello(record)
    if (read.kind === 'hello') {
      const names = namesInHello(record)
      if (names === null || names.length > 1 || (names[0] ?? null) !== read.serverName) return `read as ${JSON.stringify(read.serverName)}, and the other reader finds ${JSON.stringify(names)}`
    }
    const early = readClientHello(record.subarray(0, cut))
    if (early.kind !== 'need-more' && JSON.stringify(early) !== JSON.stringify(read)) return `said ${early.kind} after ${cut} bytes, and ${read.kind} in the end`
    // The same message in records of another size.
    const [first, rest] = [message.slice(0, 1 + cut % message.length), message.slice(1 + cut % message.length)]
    const cutUp = readClientHello(bytesIn([first, rest].filter(part => part !== '').map(part => `\x16\x03\x01${sized(2, part)}`).join('')))
    return read.kind === 'hello' && JSON.stringify(cutUp) !== JSON.stringify(read) ? 'cut into two records it is read in another way' : null
  })

await holds(t, { name: 'sniff', says: 'a protocol, once named, stays named however many bytes follow', cases: 1_000, inputs: textOf(['GET ', 'PRI * HTTP/2.0\r\n', '\x16\x03\x01', 'SSH-2.0-', 'CONNECT', ' ', 'A'.repeat(31)]) }, text => {
  const kinds = Array.from({ length: text.length + 1 }, (_, length) => sniff(bytesIn(text.slice(0, length))).kind)
  const from = kinds.findIndex(kind => kind !== 'need-more')
  return from !== -1 && kinds.slice(from).some(kind => kind !== kinds[from]) ? kinds.join(' ') : null
})

const hostPieces = ['a', 'example', '.com', '.', '..', '-', '_', 'xn--', 'xn--nxasmq6b', '127', '0x7f', '1', '[::1]', '[', ']', ':', ':443', ':0', '@', '/', '\\', '%2e', '%', 'ü', '\u3002', '\u00ad', '１', 'A', '*', '\0', ' ', '\t', '#', '?', '256', '0300.1', 'fe80::1%25eth0']
await holds(t, { name: 'authority', says: 'an authority is read as RFC 3986 has it, and its host is the one that `URL` would call, or refused', cases: 2_000, inputs: textOf(hostPieces, 7) }, text => {
  const read = parseAuthority('host', text)
  const naive = text.length > 320 ? null : authorityIn(text)
  if ((read.kind === 'authority') !== (naive !== null)) return `ours: ${JSON.stringify(read)}; the other: ${JSON.stringify(naive)}`
  if (read.kind === 'authority' && (read.host !== naive!.host || read.port !== naive!.port)) return `ours: ${JSON.stringify(read)}; the other: ${JSON.stringify(naive)}`
  const found = canonicalHost(read.kind === 'authority' ? read.host : text)
  if (found.kind === 'refused') return null
  const again = canonicalHost(found.host)
  if (again.kind === 'refused' || again.host !== found.host || again.hostKind !== found.hostKind) return `${found.host} comes out as ${JSON.stringify(again)} the second time`
  if (!/^[a-z\d._-]{1,253}$/.test(found.host) && parseIp(found.host) === null) return `${found.host} holds a character that belongs in no host`
  if ((found.hostKind === 'name') !== (parseIp(found.host) === null)) return `${found.host} is called a ${found.hostKind}`
  const called = new URL(`http://${read.kind === 'authority' ? read.host : text.includes(':') && !text.startsWith('[') ? `[${text}]` : text}/`).hostname.replace(/^\[|\]$|\.$/g, '')
  return called === found.host ? null : `called ${called}, judged as ${found.host}`
})

const pathPieces = ['/', '//', 'a', '.', '..', '%2e', '%2E', '%252e', '%2f', '%2F', '%5c', '%5C', '\\', ';', ';v=1', '%3b', '%3B', '%', '%00', '%25', '%252f', '%c0%ae', '%e0%80%ae', '%f8%80%80%80%ae', '%fc%80%80%80%80%af', '%f0%80%80%af', '%f8', '%80', '%61', '%C3%A4', '?', '?q=1', '"', '<', '[', '*', '%2a', '#', ' ', '\x7f', 'ä', '@', '...', '~']
await holds(t, { name: 'target', says: 'every way in which an origin may read a path is judged, and what may climb is refused', cases: 2_000, inputs: textOf(pathPieces, 9).map(text => `/${text}`) }, target => {
  const read = readTarget(target)
  if (read.kind === 'refused') return null
  if (target !== (read.query === null ? read.path : `${read.path}?${read.query}`)) return 'path and query do not make up the target'
  if (climbs(read.path)) return 'it may be read as climbing out of its path'
  const judged = new Set(read.readings.map(decoded))
  if (read.readings.length > 8 || judged.size !== read.readings.length) return `${read.readings.length} readings, ${judged.size} of them different`
  const missing = [...readingsOfPath(read.path)].filter(reading => !judged.has(reading))
  return missing.length === 0 ? null : `not judged: ${missing.join(' ')}; judged: ${read.readings.join(' ')}`
})

const shut = new BlockList()
for (const [network, prefix] of NOT_PUBLIC) shut.addSubnet(network, prefix)
const quad = fc.tuple(fc.oneof(fc.constantFrom(...NOT_PUBLIC.map(([network]) => Number(network.split('.')[0]))), fc.nat(255)), fc.oneof(fc.constantFrom(0, 18, 64, 168, 254, 51), fc.nat(255)), fc.nat(255), fc.nat(255))
const carriers: readonly ((v4: string) => string)[] = [v4 => v4, v4 => `::ffff:${v4}`, v4 => `::${v4}`, v4 => `64:ff9b::${v4}`, v4 => `::ffff:0:${v4}`, v4 => `64:ff9b:1::${v4}`]
await holds(t, { name: 'address', says: 'an address that is not public is called so, also inside IPv6, and keeps its one spelling', cases: 800, inputs: fc.tuple(quad, fc.nat(carriers.length - 1), fc.tuple(...Array.from({ length: 8 }, () => fc.oneof(fc.constant(0), fc.nat(65_535))))) }, ([bytes, carrier, groups]) => {
  const v4 = bytes.join('.')
  const carried = carriers[carrier]!(v4)
  if (classifyAddress(carried) === 'public' && (shut.check(v4) || carried.startsWith('64:ff9b:1:'))) return `${carried} is called public`
  const v6 = groups.map(group => group.toString(16)).join(':')
  for (const text of [v4, carried, v6]) {
    const ip = parseIp(text)
    if (ip === null) return `${text} is not read`
    const spelled = formatIp(ip)
    if (spelled !== (isIPv4(text) ? text : new URL(`http://[${text}]/`).hostname.slice(1, -1))) return `${text} is written ${spelled}`
    if (parseIp(spelled)?.value !== ip.value || parseNetwork(spelled)?.value !== ip.value) return `${spelled} is read as another address than ${text}`
  }
  return null
})

const label = fc.oneof({ weight: 5, arbitrary: fc.constantFrom('a', 'Example', 'com', 'in-addr', 'arpa', '1', 'localhost', 'b.c', 'x'.repeat(63)) }, { weight: 1, arbitrary: textOf(['\0', '\xc0', '.']) })
const question = fc.tuple(
  fc.record({ id: fc.nat(65_535), flags: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(0x0100, 0) }, fc.nat(65_535)), counts: fc.oneof({ weight: 8, arbitrary: fc.constant<number[]>([1, 0, 0, 0]) }, fc.array(fc.constantFrom<number[]>(0, 1, 2), { minLength: 4, maxLength: 4 })) }),
  fc.array(label, { maxLength: 6 }), fc.constantFrom('\0', '\0', '\0', '', '\xc0\x0c', '\x40'), fc.constantFrom(1, 28, 12, 65, 16, 255, 1), fc.constantFrom(1, 1, 1, 3, 255), textOf(['\0', '\0\0\x29\x10\0']),
).map(([{ id, flags, counts }, labels, end, type, kind, tail]) => u16(id) + u16(flags) + counts.map(u16).join('') + labels.map(label => sized(1, label.slice(0, 64))).join('') + end + u16(type) + u16(kind) + tail)
await holds(t, { name: 'dns', says: 'a DNS question is answered by a packet that others can read, with its id and the name that a second reader finds in it', cases: 800, inputs: fc.tuple(question, fc.nat(200), fc.boolean(), fc.boolean()) }, ([text, cut, isCut, hasIpv6]) => {
  const message = Buffer.from(isCut ? text.slice(0, cut) : text, 'latin1')
  const asked: string[] = []
  const before = Buffer.from(message)
  const answered = answerQuestion(message, {
    look: name => { asked.push(name); return name.length % 5 === 0 ? 'denied' : name.length % 7 === 0 ? 'absent' : 'exists' },
    hasIpv6,
    addressFor: (name, version) => { asked.push(name); return name.length % 3 === 0 ? null : version === 4 ? '198.18.0.9' : 'fd53:616c:6c79:1::c612:9' },
    nameOf: () => 'known.example',
  })
  if (!message.equals(before)) return 'the question was written to'
  if (asked.some(name => name !== nameInQuestion(message))) return `asked about ${JSON.stringify(asked)}`
  if (answered.kind === 'ignored') return message.length >= 12 && (message[2]! & 0x80) === 0 ? 'a question was ignored' : null
  const { reply } = answered
  if (reply.readUInt16BE(0) !== message.readUInt16BE(0) || (reply[2]! & 0x80) === 0) return 'the reply has another id, or is a question'
  // No answer is larger than what a forged sender could have sent itself, but by one record.
  if (reply.length > message.length + 300) return `${message.length} bytes made ${reply.length}`
  const read = decode(reply)
  return (read.answers?.length ?? 0) > 1 ? 'more than one answer' : null
})
