import t from 'tap'
import { chunkSizeIn, isChunkedCoding, lengthIn, readFieldLine, readRequestLine } from '../../../lib/identify/head-lines.ts'
import type { FieldRole } from '../../../lib/identify/head-lines.ts'
import { mutationsOf } from './mutations.ts'

const LIMIT = 20
/** Between other bytes, so that a look past either end is seen. */
const inside = (text: string): [Uint8Array, number, number] => [Buffer.from(`GET \0 x:${text} HTTP/1.1\r\n`, 'latin1'), 8, 8 + text.length]
const first = (line: string) => readRequestLine(...inside(line), LIMIT)

t.strictSame(first('GET / HTTP/1.1'), { kind: 'request-line', isHttp10: false, isConnect: false }, 'a request line')
t.strictSame(first('GET / HTTP/1.0'), { kind: 'request-line', isHttp10: true, isConnect: false }, 'an old request line')
t.strictSame(first('CONNECT a:1 HTTP/1.1'), { kind: 'request-line', isHttp10: false, isConnect: true }, 'a CONNECT')
t.strictSame(first('CONNECT a:1 HTTP/1.0'), { kind: 'request-line', isHttp10: true, isConnect: true }, 'an old CONNECT')
t.match(first('CONNECTS a:1 HTTP/1.1'), { isConnect: false }, 'a method that begins like CONNECT')
t.equal(first(`GET /${'a'.repeat(LIMIT - 1)} HTTP/1.1`).kind, 'request-line', 'the longest target')

// [why, request line, code, part of the reason]
const badFirst: [string, string, string, RegExp][] = [
  ['nothing', '', 'malformed_request', /method/],
  ['a space before the method', ' GET / HTTP/1.1', 'malformed_request', /method/],
  ['a method that is no token', 'GE(T / HTTP/1.1', 'malformed_request', /method/],
  ['a NUL in the method', 'G\0T / HTTP/1.1', 'malformed_request', /method/],
  ['a tab for a space', 'GET\t/\tHTTP/1.1', 'malformed_request', /method/],
  ['a method alone', 'GET', 'malformed_request', /method/],
  ['HTTP/0.9', 'GET /', 'malformed_request', /version/],
  ['two spaces before the target', 'GET  / HTTP/1.1', 'malformed_request', /two spaces/],
  ['two spaces before the version', 'GET /  HTTP/1.1', 'malformed_request', /HTTP\/1/],
  ['a space behind the version', 'GET / HTTP/1.1 ', 'malformed_request', /HTTP\/1/],
  ['a fourth word', 'GET / HTTP/1.1 extra', 'malformed_request', /HTTP\/1/],
  ['a space in the target', 'GET /a b HTTP/1.1', 'malformed_request', /HTTP\/1/],
  ['HTTP/2.0', 'GET / HTTP/2.0', 'malformed_request', /HTTP\/1/],
  ['HTTP/1.2', 'GET / HTTP/1.2', 'malformed_request', /HTTP\/1/],
  ['HTTP/1.01', 'GET / HTTP/1.01', 'malformed_request', /HTTP\/1/],
  ['HTTP/11', 'GET / HTTP/11', 'malformed_request', /HTTP\/1/],
  ['lower case', 'GET / http/1.1', 'malformed_request', /HTTP\/1/],
  ['a control byte in the target', 'GET /\x01 HTTP/1.1', 'malformed_target', /printable/],
  ['DEL in the target', 'GET /\x7f HTTP/1.1', 'malformed_target', /printable/],
  ['a tab in the target', 'GET /a\tb HTTP/1.1', 'malformed_target', /printable/],
  ['a bare CR in the target', 'GET /a\rb HTTP/1.1', 'malformed_target', /printable/],
  ['a byte beyond ASCII in the target', 'GET /\xff HTTP/1.1', 'malformed_target', /printable/],
  ['a target over the limit', `GET /${'a'.repeat(LIMIT)} HTTP/1.1`, 'target_too_long', /longer/],
]
for (const [why, line, code, reason] of badFirst) t.match(first(line), { kind: 'refused', code, reason }, why)

// [why, field line, role]
const fields: [string, string, FieldRole][] = [
  ['an ordinary field', 'Accept: */*', 'plain'],
  ['an empty value', 'X:', 'plain'],
  ['a tab and bytes beyond ASCII in a value', 'X: a\tb\xff', 'plain'],
  ['every character of a name', "!#$%&'*+-.^_`|~09azAZ: x", 'plain'],
  ['the length', 'Content-Length: 5', 'content-length'],
  ['the length in odd case', 'cONTENT-lENGTH:5', 'content-length'],
  ['the coding', 'Transfer-Encoding: chunked', 'transfer-encoding'],
  ['a name as long as the length', 'Content_Length: 5', 'plain'],
  ['a name that begins like the length', 'Content-Length-X: 5', 'plain'],
]
for (const [why, line, role] of fields) t.strictSame(readFieldLine(...inside(line)), { kind: 'field', role }, why)

// [why, field line, part of the reason]
const badFields: [string, string, RegExp][] = [
  ['no colon', 'foo', /no colon/],
  ['an empty name', ': x', /empty name/],
  ['a folded line', ' folded', /folded/],
  ['a line folded by a tab', '\tfolded', /folded/],
  ['a space before the colon', 'Host : x', /white space/],
  ['a tab before the colon', 'Host\t: x', /white space/],
  ['a space in a name', 'X Y: z', /white space/],
  ['a NUL in a name', 'X\0Y: z', /no name/],
  ['a vertical tab in a name', 'X\x0b: z', /no name/],
  ['a byte beyond ASCII in a name', 'X\xe9: z', /no name/],
  ['a slash in a name', 'X/Y: z', /no name/],
  ['a NUL in a value', 'X: a\0b', /control byte/],
  ['DEL in a value', 'X: \x7f', /control byte/],
  ['a bare CR in a value', 'X: a\rb', /CR stands/],
]
for (const [why, line, reason] of badFields) t.match(readFieldLine(...inside(line)), { kind: 'refused', code: 'malformed_request', reason }, why)

// [why, value, length or -1]
const lengths: [string, string, number][] = [
  ['none', '0', 0], ['some', ' 46 ', 46], ['a tab before', '\t5', 5], ['the largest', '9007199254740991', 9007199254740991],
  ['empty', '', -1], ['blank', ' ', -1], ['a sign', '+5', -1], ['negative', '-5', -1], ['zero-padded', '05', -1], ['two zeros', '00', -1], ['hexadecimal', '0x5', -1],
  ['a fraction', '5.0', -1], ['an exponent', '5e0', -1], ['a list', '5, 5', -1], ['two numbers', '5 6', -1], ['quoted', '"5"', -1],
  ['a superscript', '5\xb2', -1], ['a separator', '1_0', -1], ['one more than a number can say', '9007199254740992', -1], ['wraps in 64 bits', '18446744073709551621', -1],
]
for (const [why, value, length] of lengths) t.equal(lengthIn(...inside(`Content-Length:${value}`)), length, `length: ${why}`)

// [why, value, whether it is chunked]
const codings: [string, string, boolean][] = [
  ['plain', ' chunked', true], ['no case', 'CHUNKED', true], ['blanks around', '\t chunked \t', true],
  ['empty', '', false], ['another', 'gzip', false], ['longer', 'chunkedx', false], ['shorter', 'chunke', false], ['a list', 'gzip, chunked', false], ['twice', 'chunked, chunked', false],
  ['a parameter', 'chunked;q=1', false], ['quoted', '"chunked"', false], ['inner blank', 'chun ked', false], ['a comma behind', 'chunked,', false],
]
for (const [why, value, isChunked] of codings) t.equal(isChunkedCoding(...inside(`Transfer-Encoding:${value}`)), isChunked, `coding: ${why}`)

// [why, line, size or -1]
const sizes: [string, string, number][] = [
  ['the last', '0', 0], ['lower case', 'ff', 255], ['upper case', 'FF', 255], ['padded', '0005', 5], ['the largest', '1fffffffffffff', 9007199254740991],
  ['empty', '', -1], ['a sign', '+5', -1], ['negative', '-5', -1], ['a prefix', '0x5', -1], ['no digit', 'G', -1], ['a blank behind', '5 ', -1], ['an extension', '5;a=b', -1],
  ['too large for a number', '20000000000000', -1], ['wraps in 64 bits', '10000000000000005', -1], ['seventeen digits', '00000000000000005', -1], ['a byte beyond ASCII', '\xb2', -1],
]
for (const [why, line, size] of sizes) t.equal(chunkSizeIn(...inside(line)), size, `chunk: ${why}`)

t.test('a mutated line is sound only if a pattern says so too', async t => {
  for (const line of mutationsOf(t, ['GET / HTTP/1.1', 'CONNECT a:1 HTTP/1.0', ...badFirst.map(row => row[1])], 20_000)) {
    const isSound = /^[\w!#$%&'*+.^`|~-]+ [\x21-\x7e]{1,20} HTTP\/1\.[01]$/.test(line)
    if ((first(line).kind === 'request-line') !== isSound) t.fail(`read otherwise: ${JSON.stringify(line)}`)
  }
  for (const line of mutationsOf(t, [...fields.map(row => row[1]), ...badFields.map(row => row[1])], 20_000)) {
    const isSound = /^[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*$/.test(line)
    if ((readFieldLine(...inside(line)).kind === 'field') !== isSound) t.fail(`read otherwise: ${JSON.stringify(line)}`)
  }
})
