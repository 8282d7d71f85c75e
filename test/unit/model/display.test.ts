import t from 'tap'
import { describeLine, displayHost, unicodeForm, visible } from '../../../lib/model/display.ts'
import type { CanonicalHost, RequestFacts } from '../../../lib/model/request.ts'

/** Independent of the code: the characters of Unicode that steer, hide or join, by number. */
const FORBIDDEN: [number, number, string][] = [
  [0x00, 0x1f, 'C0 controls'], [0x7f, 0x9f, 'delete and C1 controls'], [0xad, 0xad, 'soft hyphen'], [0xa0, 0xa0, 'a space that is none'],
  [0x34f, 0x34f, 'grapheme joiner'], [0x61c, 0x61c, 'Arabic letter mark'], [0x115f, 0x1160, 'Hangul fillers'], [0x17b4, 0x17b5, 'inherent vowels'],
  [0x180b, 0x180f, 'Mongolian selectors'], [0x2000, 0x200f, 'wide and zero-width spaces, joiners, marks'], [0x2028, 0x202f, 'line ends, bidi embeddings'],
  [0x205f, 0x206f, 'bidi isolates and invisible operators'], [0x2800, 0x2800, 'empty braille'], [0x3000, 0x3000, 'wide space'], [0x3164, 0x3164, 'Hangul filler'],
  [0xd800, 0xdfff, 'lone surrogates'], [0xe000, 0xf8ff, 'private use'], [0xfe00, 0xfe0f, 'variation selectors'], [0xfeff, 0xfeff, 'byte order mark'], [0xffa0, 0xffa0, 'half-width filler'],
  [0xfff0, 0xfffb, 'annotations'], [0x1d173, 0x1d17a, 'musical controls'], [0xe0000, 0xe0fff, 'tags and selectors'],
]
const isForbidden = (code: number): boolean => FORBIDDEN.some(([from, to]) => code >= from && code <= to)

for (const [from, to, what] of FORBIDDEN) {
  t.test(`${what} are written as numbers`, async t => {
    for (let code = from; code <= to; code++) {
      const shown = visible(`a${String.fromCodePoint(code)}b`, 100)
      if (shown !== `a\\u{${code.toString(16)}}b`) t.fail(`U+${code.toString(16)} shows as ${shown}`)
    }
    t.pass()
  })
}

// [what it shows, text, longest, what is shown]
const texts: [string, string, number, string][] = [
  ['plain text stays as it is', 'GET /a?b=c&d=%20', 100, 'GET /a?b=c&d=%20'],
  ['letters of every script stay', 'naïve Ελλάδα 日本語 हिन्दी', 100, 'naïve Ελλάδα 日本語 हिन्दी'],
  ['an emoji stays, its joiners do not', '👩\u200d💻', 100, '👩\\u{200d}💻'],
  ['a terminal escape is no escape any more', '\x1b[2J\x1b]0;x\x07', 100, '\\u{1b}[2J\\u{1b}]0;x\\u{7}'],
  ['a reversed file name reads as it is written', 'gpj\u202eexe', 100, 'gpj\\u{202e}exe'],
  ['a second line is none', 'a\r\nallow? y', 100, 'a\\u{d}\\u{a}allow? y'],
  ['half a surrogate pair is written as a number', 'a\ud83d', 100, 'a\\u{d83d}'],
  ['a pile of marks is cut to what a letter may carry', `a${'\u0301'.repeat(5)}`, 100, 'a\u0301\u0301\u0301\\u{301}\\u{301}'],
  ['a mark without a letter is written as a number', '\u0338/x', 100, '\\u{338}/x'],
  ['a text of exactly the longest length is whole', 'abcdef', 6, 'abcdef'],
  ['a longer one is cut in the middle', 'abcdefghij', 6, 'abc…ij'],
  ['a cut never leaves half an escape', 'abcd\u202e\u202e\u202ewxyz', 16, 'abcd…wxyz'],
  ['a cut never leaves half a character', '💻💻💻💻', 5, '💻…💻'],
  ['a cut never sets a mark on the ellipsis', 'aaaaaaaae\u0301b', 6, 'aaa…b'],
  ['one is room for the ellipsis alone', 'abc', 1, '…'],
  ['no room is no text', 'abc', 0, ''],
  ['less than no room is no text', 'abc', -5, ''],
  ['nothing is nothing', '', 0, ''],
]
for (const [shows, text, max, expected] of texts) t.equal(visible(text, max), expected, shows)

t.test('whatever comes in, what goes out is safe and not too long', async t => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  t.comment(`SEED=${seed}`)
  const random = lcg(seed)
  const below = (n: number): number => Math.floor(random() * n)
  for (let round = 0; round < 5_000; round++) {
    const text = Array.from({ length: below(60) }, () => {
      const [from, to] = random() < 0.5 ? FORBIDDEN[below(FORBIDDEN.length)]! : [0, random() < 0.5 ? 0x7f : 0x10ffff]
      return String.fromCodePoint(from + below(to - from + 1))
    }).join('')
    const max = below(80)
    const shown = visible(text, max)
    if (shown.length > max) t.fail(`${JSON.stringify(text)} at ${max} has ${shown.length}`)
    for (const character of shown) if (isForbidden(character.codePointAt(0)!)) t.fail(`${JSON.stringify(text)} shows ${JSON.stringify(character)}`)
    if (!/^(?:[^\\]|\\u\{[0-9a-f]+\}|\\)*$/su.test(shown)) t.fail(`${JSON.stringify(shown)} has half an escape`)
  }
  t.pass()
})

t.test('a megabyte costs no more than its ends', async t => {
  const start = process.hrtime.bigint()
  for (let i = 0; i < 1_000; i++) visible('\u202e'.repeat(1_000_000), 80)
  t.ok(process.hrtime.bigint() - start < 10_000_000_000n)
})

const LONG = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}`
// [what it shows, host, port, registrable, text]
const hosts: [string, string, number, string | null, string][] = [
  ['a name stands with its port', 'api.example.com', 443, 'example.com', 'api.example.com:443'],
  ['an IPv4 address stands with its port', '192.0.2.1', 8080, null, '192.0.2.1:8080'],
  ['an IPv6 address stands in brackets', '2001:db8::1', 443, null, '[2001:db8::1]:443'],
  ['a name that is too long loses its left', `login.bank.example.${LONG}.evil.test`, 443, 'evil.test', `…${'b'.repeat(5)}.${'c'.repeat(63)}.evil.test:443`],
  ['without knowledge of the domain its last four labels stay', `${LONG}.w.x.y.z`, 443, null, `…${'b'.repeat(7)}.${'c'.repeat(63)}.w.x.y.z:443`],
  ['the name that is shown in full longest', `${'a'.repeat(63)}.abcd.example.com`, 443, 'example.com', `${'a'.repeat(63)}.abcd.example.com:443`],
  ['a domain that is not this name\'s keeps nothing', 'api.example.com', 443, 'other.test', 'api.example.com:443'],
  ['a longer label at the end is not the domain', 'notexample.com', 443, 'example.com', 'notexample.com:443'],
]
for (const [shows, host, port, registrable, text] of hosts) t.equal(displayHost(host, port, registrable), text, shows)

t.test('registrable domain and port are there, whatever stands before them', async t => {
  for (let labels = 0; labels < 60; labels++) {
    const registrable = `${'d'.repeat(63)}.co.test`
    t.ok(displayHost(`${'xyz.'.repeat(labels)}${registrable}`, 65_535, registrable).endsWith(`${registrable}:65535`))
  }
})

// [what it shows, host, Unicode form]
const names: [string, string, string | null][] = [
  ['a look-alike shows its true letters', 'xn--pple-43d.com', 'аpple.com'],
  ['a name in Latin has no other form', 'example.com', null],
  ['a label that does not decode has none', 'xn--a.example', null],
  ['an address has none', '192.0.2.1', null],
  ['xn-- inside a label means nothing', 'axn--b.example', null],
]
for (const [shows, host, unicode] of names) t.equal(unicodeForm(host), unicode, shows)

function facts(over: Partial<Omit<RequestFacts, 'host'>> & { readonly host?: string } = {}): RequestFacts {
  const { host = 'api.example.com', ...rest } = over
  return {
    kind: 'request', client: 'agent-1', scheme: 'https', host: host as CanonicalHost, hostKind: 'name', port: 443, method: 'POST', methods: ['POST'],
    target: '/v1/items', path: '/v1/items', query: null, readings: ['/v1/items'], fields: [], hasContent: false, contentLength: 0, ...rest,
  }
}
t.test('the line says who asks for what, and quotes what the client made up', async t => {
  t.equal(describeLine(facts()), 'agent-1 asks: POST https api.example.com:443 "/v1/items"')
  t.equal(describeLine({ kind: 'stream', client: 'agent-1', scheme: 'tcp', host: 'db.example.com' as CanonicalHost, hostKind: 'name', port: 5432 }), 'agent-1 asks: a tcp stream to db.example.com:5432')
  t.equal(describeLine(facts({ target: '/x" approved, press y "' })), 'agent-1 asks: POST https api.example.com:443 "/x\\u{22} approved, press y \\u{22}"')
  t.equal(describeLine(facts({ methods: ['GET', 'DELETE'] })), 'agent-1 asks: GET or DELETE https api.example.com:443 "/v1/items"', 'an overriding method is told')
  t.equal(describeLine(facts({ host: 'xn--pple-43d.com' })), 'agent-1 asks: POST https xn--pple-43d.com:443 (reads "аpple.com") "/v1/items"')
  t.equal(describeLine(facts({ client: 'a\x1b[1mb' })), 'a\\u{1b}[1mb asks: POST https api.example.com:443 "/v1/items"')
  t.ok(describeLine(facts({ target: `/${'x'.repeat(8_000)}`, methods: Array.from({ length: 50 }, () => 'M'.repeat(100)) })).length < 400)
})

function lcg(seed: number): () => number {
  let state = seed >>> 0
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}
