import t from 'tap'
import { canonicalHost } from '../../../lib/normalize/host.ts'
import type { HostKind } from '../../../lib/model/request.ts'
import { mutationsOf } from '../identify/mutations.ts'

// [why, input, canonical, kind]
const sound: [string, string, string, HostKind][] = [
  ['what is canonical already', 'api.example.com', 'api.example.com', 'name'],
  ['upper case', 'API.example.COM', 'api.example.com', 'name'],
  ['a trailing dot', 'example.com.', 'example.com', 'name'],
  ['one label', 'localhost', 'localhost', 'name'],
  ['one letter and a dot', 'a.', 'a', 'name'],
  ['underscores and hyphens at the ends of labels', '_x-.-y_', '_x-.-y_', 'name'],
  ['hyphens where punycode has them', 'r3---sn-x.example', 'r3---sn-x.example', 'name'],
  ['hyphens where punycode has them, in upper case', 'R3---SN-X.example', 'r3---sn-x.example', 'name'],
  ['a label that begins with a digit, but not the last', '1e3.example', '1e3.example', 'name'],
  ['a last label that begins with a digit and is no number', 'example.1e3', 'example.1e3', 'name'],
  ['an address in the middle of a name', '127.0.0.1.example', '127.0.0.1.example', 'name'],
  ['punycode', 'xn--bcher-kva.example', 'xn--bcher-kva.example', 'name'],
  ['an ideographic full stop is a dot to IDNA', 'bücher.example。', 'xn--bcher-kva.example', 'name'],
  ['a sharp s is itself (UTS 46, not transitional)', 'straße.example', 'xn--strae-oqa.example', 'name'],
  ['the Kelvin sign is a k, and not by lower-casing alone', '\u212a.example', 'k.example', 'name'],
  ['digits in circles are an address', '①②⑦.0.0.1', '127.0.0.1', 'ipv4'],
  ['a short address', '127.1', '127.0.0.1', 'ipv4'],
  ['an address with a dot behind', '0x7f.1.', '127.0.0.1', 'ipv4'],
  ['a zero that says it is hexadecimal', '0x', '0.0.0.0', 'ipv4'],
  ['a bare IPv6 address', '::1', '::1', 'ipv6'],
  ['IPv4 inside IPv6', '[::FFFF:127.0.0.1]', '::ffff:7f00:1', 'ipv6'],
  ['a name of 253 and its dot', `${'a'.repeat(63)}.${'a'.repeat(63)}.${'a'.repeat(63)}.${'a'.repeat(61)}.`, `${'a'.repeat(63)}.${'a'.repeat(63)}.${'a'.repeat(63)}.${'a'.repeat(61)}`, 'name'],
]
for (const [why, input, host, hostKind] of sound) t.strictSame(canonicalHost(input), { kind: 'host', host, hostKind }, why)

// [why, input]
const refused: [string, string][] = [
  ['nothing', ''], ['a dot', '.'], ['two dots', '..'], ['two trailing dots', 'a..'], ['an empty label', 'a..b'],
  ['two trailing dots behind an address', '127.0.0.1..'],
  ['a trailing dot that only IDNA sees, and another', 'bücher.example。.'],
  ['a last label that is a number and no IPv4 address', 'example.1'],
  ['a last label that is a hexadecimal number', 'example.0x4'],
  ['five parts', '1.2.3.4.5'], ['a part over 255', '1.2.3.256'], ['an octal digit too far', '1.2.3.08'], ['one more than an address has', '4294967296'],
  ['punycode of nothing', 'xn--'], ['punycode that does not decode', 'xn--a'], ['punycode in upper case that does not decode', 'XN--A.example'],
  ['a sign that IDNA turns into a slash', 'a\u2100b.example'], ['a full-width percent sign', 'a\uff05.example'], ['a full-width slash', 'a\uff0fb.example'],
  ['a no-break space', 'a\u00a0b.example'], ['half a surrogate', 'a\ud800b.example'],
  ['what IDNA makes nothing of', '\u00ad'], ['a label that IDNA makes longer than 63', `${'ü'.repeat(63)}.example`],
  ['a name over 253 without its dot', `${'a.'.repeat(126)}aa`], ['a text that goes on', 'a'.repeat(100_000)],
  ['a zone', '[fe80::1%eth0]'], ['a port', 'example.com:80'], ['an address and a port', '[::1]:80'], ['a dot behind brackets', '[::1].'], ['brackets that do not open', '::1]'], ['brackets that close and open again', '[::1]/[::2]'], ['the same without the outer ones', '::1]/[::2'],
  ['a label over 63', `${'a'.repeat(64)}.example`], ['a label over 63 behind a slow one', `Ü.${'a'.repeat(64)}`],
  ['an @', 'a@b'], ['a percent sign', '%61.example'], ['a question mark', 'a?b'], ['a number sign', 'a#b'], ['a backslash', 'a\\b'], ['a line feed', 'a\nb'], ['a NUL', 'a\0b'], ['DEL', 'a\x7fb'],
]
for (const [why, input] of refused) t.equal(canonicalHost(input).kind, 'refused', why)

t.test('a host cut at any place is refused or canonical', async t => {
  for (const [why, input] of sound) {
    for (let length = 0; length <= input.length; length++) isSettled(t, input.slice(0, length), why)
  }
})

t.test('a mutated host is refused or canonical, and what is canonical stays', async t => {
  for (const text of mutationsOf(t, [...sound.map(row => row[1]), ...refused.map(row => row[1]).filter(input => input.length < 300)], 10_000)) isSettled(t, text, 'mutated')
})

interface Fails { fail(message: string): unknown }
function isSettled(t: Fails, input: string, why: string): void {
  const found = canonicalHost(input)
  if (found.kind === 'refused') return
  const pattern = found.hostKind === 'ipv6' ? /^[\da-f:]+$/ : found.hostKind === 'ipv4' ? /^\d+\.\d+\.\d+\.\d+$/ : /^[a-z\d_-]+(\.[a-z\d_-]+)*$/
  if (!pattern.test(found.host) || found.host.length > 253) t.fail(`${why}: ${JSON.stringify(input)} became ${found.host}`)
  const again = canonicalHost(found.host)
  if (again.kind === 'refused' || again.host !== found.host || again.hostKind !== found.hostKind) t.fail(`${why}: ${found.host} does not stay`)
}
