import { isIPv4, isIPv6 } from 'node:net'
import t from 'tap'
import { addressOf, isName } from '../../../lib/tls/host.ts'

t.test('a name is letters, digits, hyphens and underscores between dots', async t => {
  // [why, host, is it a name]
  const cases: [string, string, boolean][] = [
    ['plain', 'api.example.com', true],
    ['one label', 'localhost', true],
    ['underscore', '_a.example', true],
    ['a hyphen may end a label', 'a-.example', true],
    ['63 octets', `${'a'.repeat(63)}.example`, true],
    ['64 octets', `${'a'.repeat(64)}.example`, false],
    ['253 octets', `${'a.'.repeat(126)}b`, true],
    ['254 octets', `${'a.'.repeat(126)}bc`, false],
    ['nothing', '', false],
    ['only a dot', '.', false],
    ['an empty label', 'a..b', false],
    ['a dot before', '.a', false],
    ['a dot behind is not canonical', 'a.', false],
    ['upper case is not canonical', 'A.example', false],
    ['a wildcard', '*.example', false],
    ['a NUL', 'a\0.example', false],
    ['a line end, which $ would pass', 'a.example\n', false],
    ['a space', 'a .example', false],
    ['not ASCII', 'bücher.example', false],
    ['a fullwidth digit', '１.example１', false],
    ['an address', '127.0.0.1', false],
    ['a number', '2130706433', false],
    ['a number in its last label', 'a.1', false],
    ['a hexadecimal number', 'a.0x7f', false],
    ['which an empty one is, too', 'a.0x', false],
    ['a label that begins like a number', 'a.1st', true],
    ['brackets', '[::1]', false],
  ]
  for (const [why, host, is] of cases) t.equal(isName(host), is, `${why}: ${JSON.stringify(host)}`)
})

t.test('an address is taken in its one standard spelling', async t => {
  // [why, host, kind, bytes in hexadecimal or null]
  const cases: [string, string, 'ipv4' | 'ipv6', string | null][] = [
    ['plain', '127.0.0.1', 'ipv4', '7f000001'],
    ['every bit', '255.255.255.255', 'ipv4', 'ffffffff'],
    ['too large', '256.0.0.1', 'ipv4', null],
    ['octal', '010.0.0.1', 'ipv4', null],
    ['short', '127.1', 'ipv4', null],
    ['a dot behind', '127.0.0.1.', 'ipv4', null],
    ['five parts', '1.2.3.4.5', 'ipv4', null],
    ['a line end', '127.0.0.1\n', 'ipv4', null],
    ['IPv6 as IPv4', '::1', 'ipv4', null],
    ['loopback', '::1', 'ipv6', '00000000000000000000000000000001'],
    ['nothing', '::', 'ipv6', '00000000000000000000000000000000'],
    ['zeros behind', '2001:db8::', 'ipv6', '20010db8000000000000000000000000'],
    ['zeros between', '2001:db8::8:800:200c:417a', 'ipv6', '20010db80000000000080800200c417a'],
    ['one zero group is written out', '2001:db8:0:1:1:1:1:1', 'ipv6', '20010db8000000010001000100010001'],
    ['and not shortened', '2001:db8::1:1:1:1:1', 'ipv6', null],
    ['no zeros', '1:2:3:4:5:6:7:8', 'ipv6', '00010002000300040005000600070008'],
    ['leading zeros', '2001:0db8::1', 'ipv6', null],
    ['upper case', '2001:DB8::1', 'ipv6', null],
    ['the longest run is shortened', '1:0:0:0:2::3', 'ipv6', null],
    ['dotted', '::ffff:1.2.3.4', 'ipv6', null],
    ['mapped, as URL writes it', '::ffff:102:304', 'ipv6', '00000000000000000000ffff01020304'],
    ['a zone', 'fe80::1%eth0', 'ipv6', null],
    ['brackets', '[::1]', 'ipv6', null],
    ['nine groups', '1:2:3:4:5:6:7:8:9', 'ipv6', null],
    ['seven groups', '1:2:3:4:5:6:7', 'ipv6', null],
    ['a port', '::1:', 'ipv6', null],
    ['nothing at all', '', 'ipv6', null],
  ]
  for (const [why, host, kind, hex] of cases) {
    const bytes = addressOf(host, kind)
    t.equal(bytes === null ? null : Buffer.from(bytes).toString('hex'), hex, `${why}: ${JSON.stringify(host)}`)
  }
})

t.test('whatever is made of a host, it is a name, an address, or refused', async t => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)
  t.comment(`SEED=${seed}`)
  const random = generator(seed)
  const SEEDS = ['api.example.com', '127.0.0.1', '::1', '2001:db8::8:800:200c:417a', 'a.0x7f', 'xn--a']
  const ALPHABET = '.:-_*%[]/\\@\0\n 019afxAFG０。'
  for (let i = 0; i < 20_000; i++) {
    let host = SEEDS[random(SEEDS.length)] ?? ''
    for (let edits = random(4); edits > 0; edits--) {
      const at = random(host.length + 1)
      host = host.slice(0, at) + (ALPHABET[random(ALPHABET.length)] ?? '') + host.slice(at + random(2))
    }
    const [v4, v6] = [addressOf(host, 'ipv4'), addressOf(host, 'ipv6')]
    const claims = [isName(host), v4 !== null, v6 !== null].filter(Boolean).length
    if (claims > 1) t.fail(`${JSON.stringify(host)} is more than one thing`)
    if (v4 !== null && (v4.length !== 4 || !isIPv4(host) || v4.join('.') !== host)) t.fail(`${JSON.stringify(host)} is no IPv4`)
    if (v6 !== null && (v6.length !== 16 || !isIPv6(host) || spelled(v6) !== host)) t.fail(`${JSON.stringify(host)} is no IPv6`)
    // A label of punycode that does not decode is no URL, and nothing else to others either.
    if (isName(host) && URL.canParse(`http://${host}/`) && new URL(`http://${host}/`).hostname !== host) t.fail(`${JSON.stringify(host)} is another host to others`)
  }
})

/** The standard spelling of 16 bytes. */
function spelled(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16))
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}

function generator(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 2 ** 32 * below)
  }
}
