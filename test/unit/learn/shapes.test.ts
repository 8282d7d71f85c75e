import t from 'tap'
import { endpointPath, exactPath, identifierPattern, isIdentifier, isNameableMethod, pathBelow, pinnedQuery } from '../../../lib/learn/shapes.ts'

// [reading, exactly it, the endpoint, what lies below, why]
const paths: [string, string | null, string | null, string | null, string][] = [
  ['/', '/', '/', null, 'below the root is the whole host'],
  ['/v1/items', '/v1/items', '/v1/items', '/v1/items/**', 'a version is no identifier'],
  ['/v1/items/42', '/v1/items/42', '/v1/items/*', '/v1/items/**', 'a number names one of many'],
  ['/users/42/repos', '/users/42/repos', '/users/*/repos', '/users/*/repos/**', 'also in the middle'],
  ['/42', '/42', '/*', null, 'below the root is the whole host'],
  ['/files/report.pdf', '/files/report.pdf', '/files/report.pdf', '/files/**', 'a file has nothing below it'],
  ['/v1/items/', '/v1/items/', '/v1/items/', '/v1/items/**', 'a trailing slash is an empty last piece'],
  ['/a*b', '/a%2Ab', '/a%2Ab', '/a%2Ab/**', 'a star of the client is a literal one'],
  ['/a%2Fb', '/a%2Fb', '/a%2Fb', '/a%2Fb/**', 'the data reading'],
  ["/@x/!$&'()+,;=:~", "/@x/!$&'()+,;=:~", "/@x/!$&'()+,;=:~", "/@x/!$&'()+,;=:~/**", 'these stand for themselves'],
  ['/caf%C3%A9/%20', '/caf%C3%A9/%20', '/caf%C3%A9/%20', '/caf%C3%A9/%20/**', 'escapes may stand'],
  ['//a', null, null, null, 'an empty piece can\'t be written'],
  ['/a//', null, null, null, 'an empty piece can\'t be written'],
  ['/a[1]', null, null, null, 'the grammar refuses brackets'],
  ['/a{b}', null, null, null, 'the grammar refuses braces'],
  ['/a|b', null, null, null, 'the grammar refuses a bar'],
  ['/a"b', null, null, null, 'the grammar refuses quotes'],
  ['/a^b', null, null, null, 'the grammar refuses a caret'],
  ['/é', null, null, null, 'the grammar is ASCII'],
  ['/a%', null, null, null, 'a bad escape'],
  [`/${'a'.repeat(1_022)}`, `/${'a'.repeat(1_022)}`, `/${'a'.repeat(1_022)}`, null, 'a pattern has at most 1,024 bytes'],
  [`/${'a'.repeat(1_024)}`, null, null, null, 'a pattern has at most 1,024 bytes'],
  [`${'/1'.repeat(8)}`, '/1'.repeat(8), '/*'.repeat(8), `${'/*'.repeat(7)}/**`, 'a pattern has at most 8 stars'],
  [`${'/1'.repeat(10)}`, '/1'.repeat(10), null, null, 'a pattern has at most 8 stars'],
]
for (const [reading, exact, endpoint, below, why] of paths) {
  const name = `${reading.slice(0, 30)}: ${why}`
  t.equal(exactPath(reading), exact, `exactly ${name}`)
  t.equal(endpointPath(reading), endpoint, `endpoint of ${name}`)
  t.equal(pathBelow(reading), below, `below ${name}`)
}

// [segment, whether it names one thing of many]
const segments: [string, boolean][] = [
  ['42', true], ['0', true], ['2024', true],
  ['3f2504e0-4f89-41d3-9a0c-0305e82c3301', true], ['3F2504E0-4F89-41D3-9A0C-0305E82C3301', true],
  ['9fceb02', false], ['9fceb02d', true], ['e83c5163316f89bfbde7d9ab23ca2e25604af290', true],
  ['deadbeef', false], ['facade', false],
  ['chatcmpl-9xY2kQ7bLm4Nn8', true], ['xoxb1a2b3c4d5e6f7g8h9', true],
  ['gpt-4o-mini-2024-07-18', false], ['text-embedding-3-large', false], ['v1', false], ['v1beta2', false],
  ['items', false], ['', false], ['a.b', false], ['claude-3-5-sonnet-20241022', false],
]
for (const [segment, is] of segments) t.equal(isIdentifier(segment), is, `${segment} is ${is ? 'an identifier' : 'a name'}`)

// [segment, the piece that stands for identifiers like it; null where it is none]
const patterns: [string, string | null][] = [
  ['42', '*'], ['8863.json', '*.json'], ['9fceb02d11.tar.gz', '*.tar.gz'], ['2026-01-31', '*'], ['2026-01-31T12:00:00Z', '*'], ['report.json', null],
  ['sha256:9fceb02d11aa', 'sha256:*'], ['cus_a1b2c3d4e5f6g7h8', 'cus_*'], ['log-2026-01-31', 'log-*'], ['abcde123-89f4-41d3-9a0c-0305e82c3301', '*'], ['gpt-5', null], ['PROJ-123', null], ['v1', null], ['1.0', null], ['', null], ['*', null],
]
for (const [segment, pattern] of patterns) t.equal(identifierPattern(segment), pattern, `${segment} is one of ${pattern ?? 'a kind'}`)

// [method, whether a rule may name it]
const methods: [string, boolean][] = [['GET', true], ['M-SEARCH', true], ['get', false], ['*', false], ['G*', false], ['', false], ['GET POST', false], ['A'.repeat(65), false]]
for (const [method, is] of methods) t.equal(isNameableMethod(method), is, `a rule may ${is ? '' : 'not '}name ${method.slice(0, 20)}`)

// [query, what a rule says of it, why]
const queries: [string, ReturnType<typeof pinnedQuery>, string][] = [
  ['a=1', { a: '1' }, 'one value'],
  ['a=1&b=x%2Fy', { a: '1', b: 'x/y' }, 'an escape is the character'],
  ['a=1&a=2&a=1', { a: ['1', '2'] }, 'every value that was sent'],
  ['%61=1', { a: '1' }, 'also in a name'],
  ['', null, 'no parameter'],
  ['a', null, 'no value: it can\'t be written'],
  ['a=', null, 'an empty value can\'t be written'],
  ['=1', null, 'no name'],
  ['a=1&', null, 'an empty parameter'],
  ['a=x+y', null, '`+` is read in two ways'],
  ['a=x%2By', null, '`+` is read in two ways'],
  ['a=1;b=2', null, '`;` is read in two ways'],
  ['a=*', null, 'a star would match everything'],
  ['a=%2A', null, 'a star would match everything'],
  ['a=%20b', { a: ' b' }, 'a space may be written, where it was one'],
  ['a=[1]', null, 'the grammar refuses brackets'],
  ['a=%0a', null, 'the grammar refuses controls'],
  ['a=%zz', null, 'a bad escape'],
  ['a=%ff', null, 'no UTF-8'],
  ['a=é', null, 'the grammar is ASCII'],
  ['__proto__=1', null, 'a name that JSON readers lose'],
  [Array.from({ length: 17 }, (_, i) => `a${i}=1`).join('&'), null, 'too many to read for a person'],
  [`a=${'1'.repeat(300)}`, null, 'too long to read for a person'],
]
for (const [query, pinned, why] of queries) t.same(pinnedQuery(query), pinned, `?${query.slice(0, 30)}: ${why}`)

t.test('a long path or query costs no time', async t => {
  const start = process.hrtime.bigint()
  for (const text of ['/1'.repeat(500_000), `/${'a1'.repeat(500_000)}`, '/%'.repeat(500_000), '/*'.repeat(500_000)]) {
    exactPath(text)
    endpointPath(text)
    pathBelow(text)
  }
  for (const text of ['a=1&'.repeat(500_000), '&'.repeat(1_000_000), `a=${'%41'.repeat(300_000)}`]) pinnedQuery(text)
  t.ok(process.hrtime.bigint() - start < 10_000_000_000n)
})
