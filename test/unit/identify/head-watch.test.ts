import t from 'tap'
import { createHeadWatch } from '../../../lib/identify/head-watch.ts'
import type { HeadWatch } from '../../../lib/identify/head-watch.ts'
import { mutationsOf } from './mutations.ts'
import { rawCases } from './raw-requests.ts'

const limits = { headBytes: 16_384, targetBytes: 8_192, fields: 200 }
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** Everything that can be told about a connection, whatever the chunks were. */
interface Report { verdicts: readonly string[], heads: number, phase: HeadWatch['phase'], fault: string | null }
function report(watch: HeadWatch): Report {
  const verdicts: string[] = []
  for (let verdict = watch.take(); verdict !== null; verdict = watch.take()) verdicts.push(verdict.kind === 'sound' ? 'sound' : verdict.code)
  return { verdicts, heads: watch.heads, phase: watch.phase, fault: watch.fault === null ? null : `${watch.fault.code}: ${watch.fault.reason}` }
}
function watched(text: string, size = Infinity, within = limits): Report {
  const watch = createHeadWatch(within)
  const all = bytes(text)
  for (let at = 0; at < all.length; at += size) watch.push(all.subarray(at, at + size))
  return report(watch)
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const post = (fields: string, body: string, version = '1.1'): string => `POST / HTTP/${version}\r\nHost: a\r\n${fields}\r\n${body}`
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body)

// [why, bytes, heads, phase]
const sound: [string, string, number, HeadWatch['phase']][] = [
  ['nothing has come', '', 0, 'between'],
  ['one byte of a head starts its deadline', 'G', 0, 'head'],
  ['a head without its empty line is not complete', GET.slice(0, -2), 0, 'head'],
  ['a request without a body', GET, 1, 'between'],
  ['two requests in one chunk', GET + GET, 2, 'between'],
  ['an old request', post('Content-Length: 2\r\n', 'ab', '1.0'), 1, 'between'],
  ['an empty line before a request', `\r\n${GET}`, 1, 'between'],
  ['an empty line before each of two', `\r\n${GET}\r\n${GET}`, 2, 'between'],
  ['an empty line before a body and another behind it', `\r\n${post('Content-Length: 2\r\n', 'ab')}\r\n${GET}`, 2, 'between'],
  ['half an empty line', '\r', 0, 'head'],
  ['a length of zero is no body', post('Content-Length: 0\r\n', GET), 2, 'between'],
  ['a body that is not all there', post('Content-Length: 5\r\n', 'hell'), 1, 'body'],
  ['a body that looks like a request is a body', post(`Content-Length: ${GET.length}\r\n`, GET), 1, 'between'],
  ['what is behind a body is a request', post('Content-Length: 5\r\n', `hello${GET}`), 2, 'between'],
  ['no length and no coding is no body', post('', GET), 2, 'between'],
  ['a chunked body', chunked('5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n'), 1, 'between'],
  ['a chunk that holds a request is a chunk', chunked(`${GET.length.toString(16)}\r\n${GET}\r\n0\r\n\r\n`), 1, 'between'],
  ['a chunked body without its last line', chunked('5\r\nhello\r\n0\r\n'), 1, 'body'],
  ['trailers are passed over, framing fields too', chunked(`0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n${GET}`), 2, 'between'],
  ['trailers that frame twice over', chunked(`0\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\nContent-Length: x\r\n\r\n${GET}`), 2, 'between'],
  ['trailers are counted by themselves', post(`${'a:b\r\n'.repeat(150)}Transfer-Encoding: chunked\r\n`, `0\r\n${'a:b\r\n'.repeat(150)}\r\n`), 1, 'between'],
  ['bytes behind a CONNECT are no HTTP', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n\x16\x03\x01\0\0 GET', 1, 'between'],
  ['a CONNECT that says it has no body', 'CONNECT a:1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n', 1, 'between'],
]
for (const [why, text, heads, phase] of sound) {
  t.strictSame(watched(text), { verdicts: Array(heads).fill('sound'), heads, phase, fault: null }, why)
}

// [why, bytes, heads that were sound, code, part of the reason]
const faults: [string, string, number, string, RegExp][] = [
  ['a bare LF behind the request line', GET.replace('\r\n', '\n'), 0, 'malformed_request', /LF/],
  ['bare LFs everywhere, known at the first', 'GET / HTTP/1.1\nHost: a\n\n', 0, 'malformed_request', /LF/],
  ['a bare LF before a request', `\n${GET}`, 0, 'malformed_request', /LF/],
  ['two empty lines before a request', `\r\n\r\n${GET}`, 0, 'malformed_request', /method/],
  ['a bare CR', 'GET / HTTP/1.1\r\nX: a\rb\r\n\r\n', 0, 'malformed_request', /CR/],
  ['HTTP/0.9, known without waiting for more', 'GET /\r\n', 0, 'malformed_request', /version/],
  ['a folded line', 'GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n', 0, 'malformed_request', /folded/],
  ['white space before the first field', 'GET / HTTP/1.1\r\n X: a\r\n\r\n', 0, 'malformed_request', /folded/],
  ['both framings', post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', ''), 0, 'malformed_request', /both/],
  ['both framings, the other way round', post('Transfer-Encoding: chunked\r\nContent-Length: 0\r\n', ''), 0, 'malformed_request', /both/],
  ['one length twice', post('Content-Length: 5\r\ncontent-length: 5\r\n', 'hello'), 0, 'malformed_request', /twice/],
  ['a length that is none', post('Content-Length: +5\r\n', 'hello'), 0, 'malformed_request', /decimal/],
  ['a coding that is not chunked', post('Transfer-Encoding: gzip\r\n', ''), 0, 'malformed_request', /alone/],
  ['chunked on two lines', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', ''), 0, 'malformed_request', /alone/],
  ['chunked in HTTP/1.0', post('Transfer-Encoding: chunked\r\n', '', '1.0'), 0, 'malformed_request', /HTTP\/1\.0/],
  ['a CONNECT with a length', 'CONNECT a:1 HTTP/1.1\r\nContent-Length: 5\r\n\r\n', 0, 'malformed_request', /CONNECT/],
  ['a CONNECT with a coding', 'CONNECT a:1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n', 0, 'malformed_request', /CONNECT/],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 0, 'malformed_request', /HTTP\/1/],
  ['a second head that is malformed', `${GET}GET  / HTTP/1.1\r\n\r\n`, 1, 'malformed_request', /spaces/],
  ['a chunk extension', chunked('5;x\r\nhello\r\n0\r\n\r\n'), 1, 'malformed_request', /size/],
  ['an empty size', chunked('\r\n'), 1, 'malformed_request', /size/],
  ['a size that goes on and on', chunked('0'.repeat(40)), 1, 'malformed_request', /size/],
  ['a bare LF behind a size', chunked('5\nhello'), 1, 'malformed_request', /LF/],
  ['a chunk longer than its size', chunked('5\r\nhelloXX\r\n0\r\n\r\n'), 1, 'malformed_request', /as long/],
  ['a chunk with no line end', chunked('5\r\nhello0\r\n\r\n'), 1, 'malformed_request', /as long/],
  ['a chunk with other bytes behind, known without a line end', chunked('5\r\nhelloXXX'), 1, 'malformed_request', /as long/],
  ['a malformed trailer', chunked('0\r\nX : y\r\n\r\n'), 1, 'malformed_request', /white space/],
  ['one field over the limit', `GET / HTTP/1.1\r\n${'a:b\r\n'.repeat(201)}\r\n`, 0, 'header_too_large', /limit/],
  ['one trailer over the limit', chunked(`0\r\n${'a:b\r\n'.repeat(201)}\r\n`), 1, 'header_too_large', /limit/],
  ['a head over the limit', `GET / HTTP/1.1\r\nX: ${'a'.repeat(16_384)}\r\n\r\n`, 0, 'header_too_large', /limit/],
  ['a head over the limit in many fields', `GET / HTTP/1.1\r\n${`X: ${'a'.repeat(1_000)}\r\n`.repeat(17)}\r\n`, 0, 'header_too_large', /limit/],
  ['a field that never ends', `GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}`, 0, 'header_too_large', /limit/],
  ['trailers that never end', chunked(`0\r\nX: ${'a'.repeat(20_000)}`), 1, 'header_too_large', /limit/],
  ['a target over the limit', `GET /${'a'.repeat(8_192)} HTTP/1.1\r\n\r\n`, 0, 'target_too_long', /target/],
  ['a target that never ends', `GET /${'a'.repeat(9_000)}`, 0, 'target_too_long', /target/],
]
for (const [why, text, heads, code, reason] of faults) {
  const found = watched(text)
  const isOfHead = !chunkedBody(text)
  t.match(found, { heads, phase: 'broken', fault: reason }, why)
  t.ok(found.fault?.startsWith(`${code}:`), `${why}: ${code}`)
  t.strictSame(found.verdicts, [...Array(heads).fill('sound'), ...isOfHead ? [code] : []], `${why}: a fault of a head is its verdict, a fault of a body is not`)
}
function chunkedBody(text: string): boolean {
  return text.startsWith(chunked(''))
}

t.test('the limits themselves are kept', async t => {
  const most = 'a:b\r\n'.repeat(200)
  t.equal(watched(`GET / HTTP/1.1\r\n${most}\r\n`).phase, 'between', '200 fields')
  t.equal(watched(`GET /${'a'.repeat(8_191)} HTTP/1.1\r\n\r\n`).phase, 'between', 'a target of 8,192 bytes')
  const line = 'GET / HTTP/1.1\r\n'
  const field = `X: ${'a'.repeat(16_384 - line.length - 7)}\r\n`
  for (const size of [1, 1_000, Infinity]) {
    t.equal(watched(`${line}${field}\r\n`, size).phase, 'between', `a head of 16,384 bytes in chunks of ${size}`)
    t.equal(watched(`${line}Y${field}\r\n`, size).fault?.slice(0, 16), 'header_too_large', `one more in chunks of ${size}`)
  }
  t.match(watched(GET, Infinity, { ...limits, headBytes: 8 }), { fault: /header_too_large/ }, 'a limit smaller than a request line')
  t.match(watched(GET, 1, { ...limits, headBytes: 8 }), { fault: /header_too_large/ }, 'and the same byte by byte')
})

t.test('chunks do not change what is read', async t => {
  const texts = [...sound.map(row => row[1]), ...faults.map(row => row[1]), sound.map(row => row[1]).slice(4, 14).join('')]
  for (const text of texts) {
    const whole = watched(text)
    for (const size of [1, 2, 3, 7, 64]) t.strictSame(watched(text, size), whole, `in chunks of ${size}: ${JSON.stringify(text.slice(0, 60))}`)
  }
})

t.test('cut at any byte a sound message is not complete, and never a fault', async t => {
  const text = chunked('5\r\nhello\r\n0\r\nX: y\r\n\r\n')
  for (let length = 0; length < text.length; length++) {
    const found = watched(text.slice(0, length))
    t.equal(found.fault, null, `${length} bytes`)
    t.equal(found.phase, length === 0 ? 'between' : length < chunked('').length ? 'head' : 'body', `${length} bytes`)
  }
})

t.test('verdicts come first in, first out, and once', async t => {
  const watch = createHeadWatch(limits)
  t.equal(watch.take(), null, 'nothing has come')
  watch.push(bytes(GET + GET))
  t.match(watch.take(), { kind: 'sound' })
  watch.push(bytes('GET / HTTP/9.9\r\n'))
  t.match(watch.take(), { kind: 'sound' })
  t.match(watch.take(), { kind: 'refused', code: 'malformed_request' })
  t.equal(watch.take(), null, 'the refusal is told once')
  watch.push(bytes(GET))
  t.equal(watch.take(), null, 'nothing is read behind a fault')
  t.equal(watch.heads, 2)
})

t.test('a large body passes without being looked at or kept', async t => {
  const watch = createHeadWatch(limits)
  const size = 2 ** 40
  watch.push(bytes(post(`Content-Length: ${size}\r\n`, '')))
  const chunk = bytes('\0\n\r\n'.repeat(16_384))
  for (let i = 0; i < 100; i++) watch.push(chunk)
  t.strictSame(report(watch), { verdicts: ['sound'], heads: 1, phase: 'body', fault: null })
})

t.test('work is linear in the bytes: a long line byte by byte', async t => {
  const text = `GET / HTTP/1.1\r\nX: ${'a'.repeat(16_000)}\r\n\r\n`
  let looked = 0
  const watch = createHeadWatch(limits)
  for (const byte of bytes(text)) {
    const chunk = new Proxy(Uint8Array.of(byte), {
      get(target, key) {
        looked++
        const value = Reflect.get(target, key, target) as unknown
        return typeof value === 'function' ? value.bind(target) as unknown : value
      },
    })
    watch.push(chunk)
  }
  t.equal(watch.heads, 1)
  t.ok(looked < text.length * 12, `${looked} looks at ${text.length} bytes`)
})

t.test('a mutated connection ends in one of the four phases, alike in any chunks', async t => {
  const texts = [...sound.map(row => row[1]), ...faults.map(row => row[1]).filter(text => text.length < 500)]
  const phases = new Set<string>()
  for (const text of mutationsOf(t, texts, 10_000)) {
    const whole = watched(text)
    phases.add(whole.phase)
    if (JSON.stringify(watched(text, 1)) !== JSON.stringify(whole)) t.fail(`chunks change what is read: ${JSON.stringify(text)}`)
    if ((whole.fault !== null) !== (whole.phase === 'broken')) t.fail(`a fault and no break: ${JSON.stringify(text)}`)
  }
  t.strictSame([...phases].sort(), ['between', 'body', 'broken', 'head'])
})

/** Vectors whose 400 is not about bytes or framing: Host, CONNECT's authority, methods, the path, an absolute form. */
const NOT_OURS = /^(?:raw|variant)-(?:host-|conn-(?!nul)|meth-trace-|abs-(?!tab)|tgt-(?:dots|backslash|fragment|escape)-)/

t.test('of the raw requests, what must be forwarded is sound and what is malformed on the wire is found', async t => {
  let forwarded = 0
  let found = 0
  for (const { id, why, bytes, outcomes } of rawCases) {
    for (const size of [Infinity, 100]) {
      const { fault, heads } = watched(bytes.toString('latin1'), size)
      if (outcomes.every(outcome => outcome.status === 'forwarded')) {
        const expected = 1 + (outcomes[0]?.then?.length ?? 0)
        t.strictSame([fault, heads], [null, expected], `${id}: ${why}`)
        forwarded++
      } else if (outcomes.every(outcome => outcome.status === 400)) {
        t.equal(fault === null, NOT_OURS.test(id), `${id}: ${why}`)
        if (fault !== null) found++
      }
    }
  }
  t.ok(rawCases.length >= 455, `${rawCases.length} cases were read`)
  t.ok(forwarded >= 2 * 79, `${forwarded} of them are forwarded`)
  t.ok(found >= 2 * 243, `${found} of them are found`)
})
