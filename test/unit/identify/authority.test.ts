import t from 'tap'
import { parseAuthority } from '../../../lib/identify/authority.ts'
import { mutationsOf } from './mutations.ts'

// [why, kind, input, host, port]
const sound: [string, 'connect' | 'host', string, string, number | null][] = [
  ['the host comes back as written', 'host', 'EXAMPLE.com.', 'EXAMPLE.com.', null],
  ['brackets stay, so that nobody takes the address for a name', 'host', '[::1]', '[::1]', null],
  ['a port behind brackets', 'connect', '[::1]:443', '[::1]', 443],
  ['the smallest port', 'host', 'a:1', 'a', 1],
  ['the largest port', 'connect', 'a:65535', 'a', 65_535],
  ['what RFC 3986 lets stand in a name is judged elsewhere', 'host', "a!$&'()*+,;=%41~", "a!$&'()*+,;=%41~", null],
]
for (const [why, kind, input, host, port] of sound) t.strictSame(parseAuthority(kind, input), { kind: 'authority', host, port }, why)

// [why, kind, input]
const refused: [string, 'connect' | 'host', string][] = [
  ['nothing at all', 'host', ''],
  ['CONNECT has no default port', 'connect', 'a'],
  ['an empty port', 'host', 'a:'],
  ['port 0', 'host', 'a:0'],
  ['a leading zero', 'host', 'a:0443'],
  ['a port above 65535', 'host', 'a:65536'],
  ['six digits', 'host', 'a:100000'],
  ['a signed port', 'host', 'a:+80'],
  ['a port with a space behind', 'host', 'a:80 '],
  ['userinfo', 'host', 'user@a'],
  ['userinfo that looks like an authority', 'connect', 'a:443@b:443'],
  ['a bare IPv6 address, whose port nobody can tell', 'host', '::1'],
  ['brackets that do not close', 'host', '[::1'],
  ['empty brackets', 'host', '[]'],
  ['brackets around a name', 'host', '[x.test]'],
  ['a zone', 'host', '[fe80::1%25eth0]'],
  ['the address of the future', 'host', '[v1.fe80]'],
  ['a name behind brackets', 'host', '[::1].x.test'],
  ['a byte beyond ASCII', 'host', 'ex\u00e4mple.test'],
  ['a letter that only looks up to a table by its low byte', 'host', 'ex\u0161mple.test'],
  ['a NUL', 'host', 'a\0b'],
  ['a space', 'host', 'a b'],
  ['a backslash', 'host', 'a\\b'],
  ['more text than any host has', 'host', 'a'.repeat(321)],
]
for (const [why, kind, input] of refused) t.equal(parseAuthority(kind, input).kind, 'refused', why)

t.test('an authority cut at any place is refused or ends where it is cut', async t => {
  const input = '[2001:db8::1]:65535'
  for (let length = 0; length < input.length; length++) {
    const parsed = parseAuthority('host', input.slice(0, length))
    if (parsed.kind === 'authority') t.equal(parsed.host, '[2001:db8::1]', `${length} characters`)
  }
  t.equal(parseAuthority('host', input).kind, 'authority')
})

t.test('whatever is accepted is its host and port again, and holds no character that splits', async t => {
  for (const text of mutationsOf(t, [...sound.map(row => row[2]), ...refused.map(row => row[2])], 20_000)) {
    const parsed = parseAuthority('host', text)
    if (parsed.kind === 'refused') continue
    if (`${parsed.host}${parsed.port === null ? '' : `:${parsed.port}`}` !== text) t.fail(`read otherwise: ${JSON.stringify(text)}`)
    if (/[@/?#\\\s]/.test(parsed.host)) t.fail(`splits: ${JSON.stringify(text)}`)
  }
})
