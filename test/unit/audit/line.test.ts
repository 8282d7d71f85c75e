import t from 'tap'
import { layOut, layOutPolicy, MAX_LINE, redactTarget } from '../../../lib/audit/line.ts'
import type { Known } from '../../../lib/audit/line.ts'
import { POLICY } from './log.ts'

const POLICY_TEXT = layOutPolicy(POLICY)
const laid = (known: Known, flow = 'f1'): string =>
  `${layOut({ event: 'closed', time: '2030-01-01T00:00:00.000Z', flow, known, policy: POLICY_TEXT, durationMs: 1.6, redactQuery: true })}}`

t.test('absent knowledge is null, 0 or false, and every member is there', async t => {
  t.strictSame(JSON.parse(laid({})), {
    event: 'closed', time: '2030-01-01T00:00:00.000Z', flow: 'f1', client: null, scheme: null, host: null, port: null, method: null,
    path: null, action: null, rule: null, reason: null, code: null, wouldHold: false, policy: POLICY, held: null, address: null,
    status: null, bytesUp: 0, bytesDown: 0, durationMs: 2, error: null, details: null,
  })
})

t.test('no text can end a line, end a string or leave printable ASCII', async t => {
  // [why it is here, text, as it reads back]
  const rows: [string, string, string?][] = [
    ['a line end would begin a forged record', 'a\n{"event":"closed"}'],
    ['so would the other one', 'a\r\nb'],
    ['a quote would add members', '","action":"allow'],
    ['a backslash would eat the quote that follows', 'a\\'],
    ['NUL ends strings elsewhere', 'a\0b'],
    ['ESC moves the cursor', '\x1b]8;;http://e.test\x07'],
    ['DEL is a control and legal in JSON', 'a\x7fb'],
    ['C1 holds another ESC', 'a\x9b31mb'],
    ['JavaScript once took it for a line end', 'a\u2028b\u2029c'],
    ['bidi turns the line around', 'a\u202eb\u2066c'],
    ['zero width hides', 'a\u200bb\ufeffc'],
    ['outside the BMP', 'a😀b'],
    ['a lone surrogate makes strict parsers refuse the line', 'a\ud800b\udc00', 'a\ufffdb\ufffd'],
    ['a whole pair is none', '\ud83d\ude00'],
    ['a name of a prototype', '__proto__'],
  ]
  for (const [why, text, back = text] of rows) {
    const line = laid({ client: text, host: text, method: text, path: text, rule: text, reason: text, code: text, address: text, error: text, scheme: text, held: { question: text, ms: 1, by: text, door: text, grant: text, waiters: 1 }, details: { [text]: text } }, text)
    t.match(line, /^[ -~]*$/, `${why}: printable ASCII`)
    const read = JSON.parse(line)
    for (const name of ['flow', 'client', 'scheme', 'host', 'method', 'path', 'rule', 'reason', 'code', 'address', 'error']) t.equal(read[name], back, `${why}: ${name}`)
    t.equal(read.held.by, back)
    t.equal(Object.values(read.details)[0], back)
    t.equal(read.action, null, 'nothing was added')
  }
})

t.test('any UTF-16 unit makes one valid ASCII line', async t => {
  const bad: number[] = []
  for (let unit = 0; unit < 0x10000; unit++) {
    const line = laid({ reason: `a${String.fromCharCode(unit)}b` })
    if (!/^[ -~]*$/.test(line) || JSON.parse(line).reason.length !== 3) bad.push(unit)
  }
  t.strictSame(bad, [])
})

t.test('a text is cut, and cutting twice changes nothing more', async t => {
  for (const [name, max] of [['path', 8_192], ['reason', 1_024], ['host', 1_024]] as const) {
    const once = JSON.parse(laid({ [name]: 'x'.repeat(20_000) }))[name]
    t.equal(once.length, max)
    t.ok(once.endsWith('…'), 'it says so')
    t.equal(JSON.parse(laid({ [name]: once }))[name], once)
  }
  t.equal(JSON.parse(laid({ reason: `${'x'.repeat(1_022)}😀y` })).reason, `${'x'.repeat(1_022)}\ufffd…`, 'also through a pair')
})

t.test('the longest line there can be is no longer than a line may be', async t => {
  const long = '\u2028'.repeat(10_000)
  const details = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${'\u2028'.repeat(70)}${i}`, long]).concat(Array.from({ length: 100 }, (_, i) => [`${i}${'\u2028'.repeat(70)}`, long])))
  const line = `${layOut({
    event: 'interrupted', time: '2030-01-01T00:00:00.000Z', flow: long,
    known: { client: long, scheme: long, host: long, port: 1e300, method: long, path: long, action: 'refuse', rule: long, reason: long, code: long, held: { question: long, ms: 1e300, by: long, door: long, grant: long, waiters: 1e300 }, address: long, status: 1e300, bytesUp: 1e300, bytesDown: 1e300, error: long, details },
    policy: layOutPolicy({ name: long, hash: long, generation: 1e300 }), durationMs: 1e300, redactQuery: true,
  })},"prev":"${'0'.repeat(64)}","hash":"${'0'.repeat(64)}"}`
  JSON.parse(line)
  t.ok(line.length < MAX_LINE, `${line.length} bytes`)
})

t.test('a number that is none is null or 0', async t => {
  const read = JSON.parse(laid({ port: NaN, status: Infinity, bytesUp: -5, bytesDown: NaN, details: { a: NaN } }))
  t.match(read, { port: null, status: null, bytesUp: 0, bytesDown: 0, details: { a: null } })
})

t.test('a target is shown without what may be secret', async t => {
  // [why it is here, target, as it is shown]
  const rows: [string, string, string][] = [
    ['no query, nothing to do', '/v1/items', '/v1/items'],
    ['names stay, values go', '/a?page=2&token=s3cret', '/a?page=…&token=…'],
    ['an empty value tells nothing', '/a?b=&c=1', '/a?b=&c=…'],
    ['an empty query stays', '/a?', '/a?'],
    ['a short word without = is a name', '/a?refresh&x=1', '/a?refresh&x=…'],
    ['a long one may be a key', `/a?${'k'.repeat(33)}`, '/a?…'],
    ['so may an odd one', '/a?s3cret+s3cret', '/a?…'],
    ['only & separates: a second = belongs to the value', '/a?t=x=s3cret', '/a?t=…'],
    ['and so does what follows a ;', '/a?t=1;u=s3cret', '/a?t=…'],
    ['a second ? too', '/a?t=1?u=s3cret', '/a?t=…'],
    ['no name at all', '/a?=s3cret', '/a?=…'],
    ['a name long enough to be a value is cut', `/a?${'n'.repeat(100)}=1`, `/a?${'n'.repeat(63)}…=…`],
    ['userinfo of an absolute form', 'http://u:s3cret@h.test/a?b=1', 'http://…@h.test/a?b=…'],
    ['and of an authority', 'u:s3cret@h.test:443', '…@h.test:443'],
    ['with an @ in it', 'http://u:s3@cret@h.test/', 'http://…@h.test/'],
    ['behind two slashes', '//u:s3cret@h.test/', '//…@h.test/'],
    ['behind backslashes, which some take for slashes', 'http:\\\\u:s3cret@h.test/', 'http:\\\\…@h.test/'],
    ['without any', 'http:u:s3cret@h.test/', '…@h.test/'],
    ['an @ of a path is no userinfo', '/@scope/name@1.0', '/@scope/name@1.0'],
    ['nor is one of an absolute form\'s path', 'http://h.test/@scope', 'http://h.test/@scope'],
    ['only an @', '@', '…@'],
    ['nothing', '', ''],
  ]
  for (const [why, target, shown] of rows) {
    t.equal(redactTarget(target, true), shown, why)
    t.equal(redactTarget(shown, true), shown, `${why}: twice is once`)
  }
  t.equal(redactTarget('/a?b=1', false), '/a?b=1', 'values stay when asked for')
  t.equal(redactTarget('http://u:p@h.test/?b=1', false), 'http://…@h.test/?b=1', 'userinfo never does')
  t.equal(JSON.parse(laid({ host: 'u:s3cret@h.test' })).host, '…@h.test', 'not in the host either')
  t.notMatch(laid({ path: `/a?t=${'s3cret'.repeat(3_000)}` }), /s3cret/, 'also where the path is cut')
})

t.test('a hostile target takes no longer than its length asks for', async t => {
  for (const part of ['&', '=', '?', '@', '/', '\\', 'a', 'a=&', ':', '\ud800']) {
    const target = part.repeat(8_192)
    const start = performance.now()
    redactTarget(target, true)
    t.ok(performance.now() - start < 100, JSON.stringify(part))
  }
})
