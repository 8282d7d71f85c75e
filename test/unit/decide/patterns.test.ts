/** What may stand in a policy, what is said about the rest, and the canonical form of what may. */
import t from 'tap'
import type { Test } from 'tap'
import { checkCidr, checkHostPattern, checkPathPattern, checkValuePattern, registrableDomain } from '../../../lib/decide/patterns.ts'
import type { PatternCheck } from '../../../lib/decide/patterns.ts'

type Row = [why: string, pattern: string, canonical: string] | [why: string, pattern: string, refused: { says: string[] }]

function check(t: Test, rows: readonly Row[], checkPattern: (pattern: string) => PatternCheck): void {
  for (const [why, pattern, expected] of rows) {
    const checked = checkPattern(pattern)
    if (typeof expected === 'string') {
      t.match(checked, { kind: 'sound', canonical: expected }, why)
      if (checked.kind === 'sound') t.match(checkPattern(checked.canonical), { kind: 'sound', canonical: checked.canonical }, `${why}: the canonical form is its own`)
    } else {
      t.equal(checked.kind, 'refused', why)
      if (checked.kind === 'refused') for (const part of expected.says) t.ok(checked.problem.includes(part), `${why}: "${checked.problem}" says ${part}`)
    }
  }
}

t.test('a host pattern has one form, and what is none says what to write', async t => {
  check(t, [
    ['lower case, no trailing dot', '*.API.Example.COM.', '*.api.example.com'],
    ['IDNA in the fixed labels', '*.Bücher.example', '*.xn--bcher-kva.example'],
    ['an A-label under a wildcard', '**.xn--bcher-kva.example', '**.xn--bcher-kva.example'],
    ['a run over A-labels', 'xn--*.example.com', 'xn--*.example.com'],
    ['a hyphen at the end of a label', 'a-.-b.example.com', 'a-.-b.example.com'],
    ['a public suffix by itself is a name', 'github.io', 'github.io'],
    ['a label that begins with a digit', '3com.example', '3com.example'],
    ['a private-section suffix behind a partial label', '*-aiplatform.googleapis.com', '*-aiplatform.googleapis.com'],
    ['an ICANN suffix behind a partial label', 'api-*.com', { says: ['"com"', 'anyHost', 'api-*.example.com'] }],
    ['a domain that nobody can own is a suffix too', '*.internal', { says: ['"internal"'] }],
    ['every host', '**', { says: ['anyHost', '*.example.com'] }],
    ['the fixed part stands right of the last wildcard', 'api.example.*', { says: ['anyHost'] }],
    ['IPv4', '10.0.0.1', { says: ['cidr', '10.0.0.1'] }],
    ['IPv4 in another spelling', '0x7f.1', { says: ['cidr', '127.0.0.1'] }],
    ['a last label that is a number', 'host.1', { says: ['number'] }],
    ['a wildcard before a number', '*.1', { says: ['number'] }],
    ['an A-label that does not decode', 'xn--a.example.com', { says: ['decode'] }],
    ['bare IPv6', 'fe80::1', { says: ['cidr'] }],
    ['a dot that only looks like one', 'a。b.example.com', { says: ['ASCII "."'] }],
    ['a star that only looks like one', '＊.example.com', { says: ['no label'] }],
    ['a run in a Unicode label', 'bü*.example.com', { says: ['A-label'] }],
    ['a zero-width character is the name without it, and said so', 'a\u200bb.example', 'ab.example'],
    ['a control', 'a\tb.example', { says: ['"\\t"'] }],
    ['nine stars', '*a*a*a*a*a*a*a*a*.example.com', { says: ['8'] }],
    ['three `**`', '**.**.**.example.com', { says: ['two "**"'] }],
    ['over 1,024 bytes', `${'ü'.repeat(513)}.example`, { says: ['1024 bytes'] }],
    ['a label that is too long once it is an A-label', `${'ü'.repeat(60)}.example`, { says: [''] }],
  ], pattern => checkHostPattern(pattern, false))
})

t.test('what IDNA changed and what anybody may register is said in a warning', async t => {
  const warnings = (pattern: string): readonly string[] => {
    const checked = checkHostPattern(pattern, false)
    return checked.kind === 'sound' ? checked.warnings : ['refused']
  }
  t.match(warnings('faß.example'), [/xn--fa-hia\.example/])
  t.match(warnings('*-x.googleapis.com'), [/googleapis\.com.*anybody/])
  for (const quiet of ['API.example.com.', '*.example.com', 'xn--bcher-kva.example', '*-x.example.com']) t.same(warnings(quiet), [], quiet)
})

t.test('a path pattern has one form, and what is none says what to write', async t => {
  check(t, [
    ['everything', '/**', '/**'],
    ['sub-delimiters stand for themselves', "/a!b$c&d'e(f)g*h+i,j;k=l:m@n~", "/a!b$c&d'e(f)g*h+i,j;k=l:m@n~"],
    ['an escape of what may stand raw is that', '/users/%40alice%3A1', '/users/@alice:1'],
    ['a literal star stays escaped', '/a/%2a', '/a/%2A'],
    ['hex digits have no case', '/a%2fb/%c3%a9', '/a%2Fb/%C3%A9'],
    ['a trailing slash is a piece', '/a/', '/a/'],
    ['three dots are no dot segment', '/.../.a/*.', '/.../.a/*.'],
    ['no slash in front', 'v1/**', { says: ['"/v1/**"'] }],
    ['nothing', '', { says: ['"/**"'] }],
    ['a query', '/a?b=c', { says: ['"?"', '"query"'] }],
    ['a fragment', '/a#b', { says: ['"#"'] }],
    ['braces', '/{a,b}', { says: ['"{"', 'list', '%7B'] }],
    ['a space', '/a b', { says: ['" "', '%20'] }],
    ['a letter beyond ASCII', '/é', { says: ['"é"', '%C3%A9'] }],
    ['a lone surrogate', '/\ud800', { says: ['\\ud800'] }],
    ['a backtick', '/`', { says: ['"`"', '%60'] }],
    ['a bad escape', '/100%', { says: ['"%25"'] }],
    ['an escape of nothing that needs one', '/%61dmin', { says: ['"%61"', '"a"'] }],
    ['an escaped control', '/a%00', { says: ['"%00"'] }],
    ['a double slash', '/a//b', { says: ['"//"'] }],
    ['a dot segment', '/a/../b', { says: ['dot segment'] }],
    ['a dot segment with parameters', '/a/..;x/b', { says: ['dot segment'] }],
    ['a dot segment behind an escaped slash', '/a%2F..%2Fb', { says: ['dot segment'] }],
    ['`**` that is no whole piece', '/a**', { says: ['"**"'] }],
    ['three stars', '/***', { says: ['"**"'] }],
    ['three `**`', '/**/a/**/b/**', { says: ['two "**"'] }],
  ], checkPathPattern)
})

t.test('a network has one form, and what is none says what to write', async t => {
  check(t, [
    ['IPv4', '10.0.0.0/8', '10.0.0.0/8'],
    ['a bare address is itself alone', '192.0.2.1', '192.0.2.1/32'],
    ['IPv6 in its standard spelling', 'FD00:0:0::/8', 'fd00::/8'],
    ['a bare IPv6 address', '::1', '::1/128'],
    ['an embedded IPv4 address', '::ffff:10.0.0.0/104', '::ffff:a00:0/104'],
    ['host bits', '10.0.0.5/8', { says: ['"10.0.0.0/8"', '"10.0.0.5/32"'] }],
    ['a prefix that is too long', '10.0.0.0/33', { says: ['10.0.0.0/33'] }],
    ['a prefix with a zero in front', '10.0.0.0/08', { says: ['10.0.0.0/08'] }],
    ['no prefix behind the slash', '10.0.0.0/', { says: ['10.0.0.0/'] }],
    ['another spelling of IPv4', '0x0a.0.0.0/8', { says: ['no IP network'] }],
    ['a zone', 'fe80::1%eth0', { says: ['no IP network'] }],
    ['every address', '0.0.0.0/0', { says: ['anyHost'] }],
  ], text => checkCidr(text, false))
  t.match(checkCidr('::/0', true), { kind: 'sound', canonical: '::/0' }, 'every address, said in so many words')
})

t.test('a value is one piece of printable ASCII', async t => {
  check(t, [
    ['spaces, slashes and quotes are ordinary', 'Bearer "a/b" *', 'Bearer "a/b" *'],
    ['an empty value can be asked for', '', ''],
    ['a class', 'v[12]', { says: ['"["', 'list'] }],
    ['a regular expression', '^a$', { says: ['"^"'] }],
    ['two stars are one', 'a**', { says: ['"**"', '"*"'] }],
    ['beyond ASCII', 'é', { says: ['"é"'] }],
    ['nine stars', 'a*'.repeat(9), { says: ['8'] }],
  ], checkValuePattern)
})

t.test('every pattern gets an answer, whatever it is made of', async t => {
  const parts = ['a', '*', '**', '.', '/', '%2A', '%', 'xn--', '\0', '\ud83d', 'ü', '。', '[', '::', '10', '\u202e', '?', ' ']
  for (const a of parts) for (const b of parts) for (const c of parts) {
    const text = a + b + c
    for (const checked of [checkHostPattern(text, true), checkHostPattern(text, false), checkPathPattern(`/${text}`), checkPathPattern(text), checkCidr(text, true), checkValuePattern(text)]) {
      if (checked.kind === 'refused' && checked.problem === '') t.fail(JSON.stringify(text))
    }
  }
})

t.test('the registrable domain is what its owner registered', async t => {
  for (const [host, domain] of [['a.b.example.co.uk', 'example.co.uk'], ['me.github.io', 'me.github.io'], ['github.io', null], ['10.0.0.1', null], ['::1', null], ['a.xn--bcher-kva.example', 'xn--bcher-kva.example']] as const) {
    t.equal(registrableDomain(host), domain, host)
  }
})
