import t from 'tap'
import { readTarget } from '../../../lib/normalize/path.ts'
import { mutationsOf } from '../identify/mutations.ts'

const readings = (target: string): readonly string[] | null => {
  const found = readTarget(target)
  return found.kind === 'target' ? found.readings : null
}

// [why, target, path, query]
const parts: [string, string, string, string | null][] = [
  ['no query', '/a', '/a', null],
  ['an empty query is a query', '/a?', '/a', ''],
  ['the first question mark begins it', '/a?b?c', '/a', 'b?c'],
  ['path and query as they are written', '/%61//b;c?%61=%2e%2e\\', '/%61//b;c', '%61=%2e%2e\\'],
]
for (const [why, target, path, query] of parts) t.match(readTarget(target), { kind: 'target', path, query }, why)

// [why, target, readings]
const spellings: [string, string, string[]][] = [
  ['an escape of what may stand raw is that character', '/%61%2D%5F%7E%21%24%3A%40', ['/a-_~!$:@']],
  ['other escapes have upper-case digits', '/%c3%a9%20', ['/%C3%A9%20']],
  ['what clients send raw and may not is escaped, as a pattern has to write it', '/a[0]{b}|"<>^`', ['/a%5B0%5D%7Bb%7D%7C%22%3C%3E%5E%60']],
  ['an escape is read once', '/%2561%253B', ['/%2561%253B']],
  ['an escaped parameter is a parameter', '/a%3Bb', ['/a;b', '/a']],
  ['%2f and %5c are slashes together or not at all', '/a%2fb%5cc', ['/a%2Fb%5Cc', '/a/b/c']],
  ['a bad lead byte with nothing to lead is data', '/%c0/%ff', ['/%C0/%FF']],
  ['the last form of two bytes that is not overlong', '/%c2%80', ['/%C2%80']],
  ['five bytes that needed five once are data, and no slash to anybody', '/%f8%88%80%80%80%fc%84', ['/%F8%88%80%80%80%FC%84']],
  ['three dots', '/...', ['/...']],
  ['a dot at the end of a name', '/a./b', ['/a./b']],
  ['two slashes and nothing else', '/a//b', ['/a//b', '/a/b']],
  ['a slash too many at the end', '/a//', ['/a//', '/a/']],
  ['dots inside a parameter', '/a;../b', ['/a;../b', '/a/b']],
]
for (const [why, target, expected] of spellings) t.strictSame(readings(target), expected, why)

t.test('three doubts make eight readings and no number of doubts makes more', async t => {
  t.equal(readings('/a;x//b%2Fc')?.length, 8)
  t.ok(readings(`/${'a;x//b%2Fc%5Cd/'.repeat(500)}`)!.length <= 8)
})

// [why, target, part of the reason]
const refused: [string, string, RegExp][] = [
  ['nothing', '', /slash/], ['an asterisk', '*', /slash/], ['an absolute form', 'http://a/', /slash/],
  ['a space', '/a b', /control byte, a space/], ['a fragment', '/a#', /fragment/], ['a fragment in the query', '/?#', /fragment/],
  ['a backslash', '/a\\b', /backslash/],
  ['a cut escape', '/%', /percent/], ['half an escape', '/%2', /percent/], ['no digits', '/%u0041', /percent/],
  ['an escaped NUL', '/%00', /control/], ['an escaped line feed', '/%0a', /control/], ['the last of the controls', '/%1F', /control/], ['an escaped DEL', '/%7f', /control/],
  ['an overlong dot', '/%c0%ae', /overlong/], ['an overlong slash', '/%C0%AF', /overlong/], ['three bytes for a slash', '/%e0%80%af', /overlong/],
  ['four bytes for a slash', '/%f0%80%80%af', /overlong/], ['an overlong form, escaped twice', '/%25c0%25ae', /overlong/], ['the second overlong lead', '/%c1%81', /overlong/],
  ['five bytes for a dot, as UTF-8 had them once', '/%f8%80%80%80%ae', /overlong/], ['six bytes for a slash', '/%FC%80%80%80%80%AF', /overlong/], ['the last overlong forms of five and six', '/%f8%87', /overlong/], ['of six', '/%fc%83', /overlong/], ['five bytes, escaped twice', '/%25f8%2580', /overlong/],
  ['one dot', '/.', /dot/], ['one dot in the middle', '/a/./b', /dot/], ['two dots', '/a/../b', /dot/], ['dots at the end', '/a/..', /dot/],
  ['dots behind a double slash', '//..', /dot/],
  ['escaped dots', '/%2e%2E/', /dot/], ['dots escaped twice', '/%252e%252e/', /dot/], ['dots escaped thrice', '/%25252e%25252e', /dot/], ['one escaped twice, one raw', '/.%252e', /dot/],
  ['dots with a parameter', '/..;x/', /dot/], ['dots with an escaped parameter', '/..%3Bx', /dot/], ['dots with a parameter escaped twice', '/..%253bx', /dot/], ['one dot with a parameter', '/.;', /dot/],
  ['dots behind an escaped slash', '/a%2f..', /dot/], ['dots before an escaped slash', '/..%2Fa', /dot/], ['dots between escaped backslashes', '/a%5c..%5Cb', /dot/], ['dots before a slash escaped twice', '/..%252fa', /dot/],
]
for (const [why, target, reason] of refused) t.match(readTarget(target), { kind: 'refused', reason }, why)

t.test('in the query, all but control bytes, raw bytes beyond ASCII and fragments is data', async t => {
  for (const query of ['..', '%', '%zz', '%00', '%c0%ae', '\\', '//', ';', '"<>']) t.strictSame(readings(`/a?${query}`), ['/a'], query)
  for (const query of ['\x01', '\xe9', '#', ' ']) t.equal(readings(`/a?${query}`), null, JSON.stringify(query))
})

t.test('no target takes longer than its length', async t => {
  // Each of them makes an expression that backtracks slow.
  for (const piece of ['%25', '25', '%2525', '%', '/', ';', './', '%e0%25', '%c0%2525', '%2f', ';x//%2F', '%252', '[']) {
    const target = `/${piece.repeat(Math.floor(60_000 / piece.length))}`
    const begun = process.hrtime.bigint()
    readTarget(target)
    const ms = Number(process.hrtime.bigint() - begun) / 1e6
    t.ok(ms < 500, `${JSON.stringify(piece)} took ${ms.toFixed(1)} ms`)
  }
})

/** Every way in which the most lenient origin may read a path: decoded again and again, parameters off, backslashes turned. */
function climbs(path: string): boolean {
  let text = path
  for (let depth = 0; depth < 6; depth++) {
    if (text.replaceAll('\\', '/').split('/').some(segment => /^\.\.?$/.test(segment.split(';')[0]!))) return true
    text = text.replace(/%[\da-f]{2}/gi, escape => String.fromCharCode(parseInt(escape.slice(1), 16)))
  }
  return false
}

t.test('a mutated target is refused or has 1 to 8 readings, none of which climbs', async t => {
  const texts = [...parts, ...spellings, ...refused].map(row => row[1])
  for (const text of mutationsOf(t, texts, 30_000)) {
    const found = readTarget(text)
    if (found.kind === 'refused') continue
    const { path, query, readings } = found
    const asWritten = query === null ? path : `${path}?${query}`
    if (asWritten !== text) t.fail(`not as written: ${JSON.stringify(text)}`)
    if (climbs(path)) t.fail(`climbs: ${JSON.stringify(text)}`)
    if (readings.length < 1 || readings.length > 8 || new Set(readings).size !== readings.length) t.fail(`${readings.length} readings: ${JSON.stringify(text)}`)
    for (const reading of readings) {
      if (!/^\/(?:[\w\-.~!$&'()*+,;=:@/]|%[\dA-F]{2})*$/.test(reading)) t.fail(`not in one spelling: ${JSON.stringify(reading)}`)
      if (climbs(reading)) t.fail(`a reading climbs: ${JSON.stringify(text)}`)
    }
  }
})
