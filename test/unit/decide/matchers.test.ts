/** What patterns match: compared with a second, naive reading of the grammar, and timed on what was made to be slow. */
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { checkHostPattern, checkPathPattern, checkValuePattern, compileHostPattern, compilePathPattern, compileValuePattern } from '../../../lib/decide/patterns.ts'
import { naiveHost, naivePath, naiveValue } from './naive.ts'
import { seeded } from './seeded.ts'

const { seed, pick, upTo } = seeded()
const listOf = (make: () => string, most: number): string[] => Array.from({ length: 1 + upTo(most) }, make)

t.test(`a path matcher agrees with the naive one (seed ${seed})`, async t => {
  const patternPieces = ['a', 'b', 'ab', '*', 'a*', '*a', '*a*', 'a*b', '**', '**', '%2A', 'x%2A*', '(a)', '(a|b)', '.a', '.*', 'a+', '+(a)', '!a', '@(a)', '$', '~', "'", 'a,b', '%2F', '%20', '']
  const targetPieces = ['a', 'b', 'ab', 'aab', 'ba', '', '*', 'x*', 'x*a', '(a)', '.a', '.b', 'a+', '+(a)', '!a', '!b', '@(a)', '$', "'", 'a,b', '%2F', '%20', '...']
  let matched = 0
  let tried = 0
  for (let round = 0; round < 6000; round++) {
    const checked = checkPathPattern(`/${listOf(() => pick(patternPieces), 4).join('/')}`)
    if (checked.kind === 'refused') continue
    const matches = compilePathPattern(checked.canonical)
    for (let target = 0; target < 6; target++) {
      const pieces = listOf(() => pick(targetPieces), 4)
      const expected = naivePath(checked.canonical, `/${pieces.join('/')}`)
      tried++
      if (expected) matched++
      if (matches(`/${pieces.join('/')}`) !== expected) return t.fail(`${checked.canonical} and /${pieces.join('/')}: the grammar says ${expected}`)
    }
  }
  t.ok(tried > 15_000 && matched > 500, `${matched} of ${tried} matched: the comparison means something`)
})

t.test(`a host matcher agrees with the naive one (seed ${seed})`, async t => {
  const patternLabels = ['a', 'b', 'a-b', '_a', '*', '*', 'a*', '*-b', 'a*b', '*a*']
  const hostLabels = ['a', 'b', 'a-b', 'ab', 'aab', '_a', '-', 'b-b']
  let matched = 0
  for (let round = 0; round < 4000; round++) {
    const labels = [...upTo(3) === 0 ? ['**'] : [], ...listOf(() => pick(patternLabels), 3)]
    const checked = checkHostPattern(labels.join('.'), true)
    if (checked.kind === 'refused') continue
    const matches = compileHostPattern(checked.canonical)
    for (let target = 0; target < 6; target++) {
      const host = listOf(() => pick(hostLabels), 4)
      const expected = naiveHost(checked.canonical, host.join('.'))
      if (expected) matched++
      if (matches(host.join('.')) !== expected) return t.fail(`${checked.canonical} and ${host.join('.')}: the grammar says ${expected}`)
    }
  }
  t.ok(matched > 500, `${matched} matched`)
})

t.test(`a value matcher agrees with the naive one (seed ${seed})`, async t => {
  const characters = ['a', 'b', '/', '.', '*', '*', ' ', '%', '2A']
  let matched = 0
  for (let round = 0; round < 4000; round++) {
    const checked = checkValuePattern(listOf(() => pick(characters), 5).join(''))
    if (checked.kind === 'refused') continue
    const value = upTo(10) === 0 ? '' : listOf(() => pick(['a', 'b', '/', '.', ' ', '%', '2A', '*']), 6).join('')
    const expected = naiveValue(checked.canonical, value)
    if (expected) matched++
    if (compileValuePattern(checked.canonical)(value) !== expected) return t.fail(`"${checked.canonical}" and "${value}": the grammar says ${expected}`)
  }
  t.ok(matched > 100, `${matched} matched`)
})

// [why, pattern, path, matches]
const rows: [string, string, string, boolean][] = [
  ['only a path is a path', '/**', 'v1', false],
  ['a star in a request is a star', '/a/%2A', '/a/*', true],
  ['a star in a request is no wildcard', '/a/b', '/a/*', false],
  ['an escaped slash is data', '/a%2Fb', '/a%2Fb', true],
  ['two runs in one piece are beyond micromatch', '/*a*b', '/xaxb', true],
  ['a run does not lend its end to what follows', '/*ab*b', '/xxab', false],
  ['the middle between two `**` is found wherever it is', '/**/a/b/**/c', '/a/a/b/x/c', true],
  ['and only as a whole', '/**/a/b/**/c', '/a/x/b/x/c', false],
  ['nothing between two `**` is nothing to find', '/a/**/**/b', '/a/b', true],
  ['the middle does not take the pieces of the tail', '/**/a/**/a', '/a', false],
  ['more than 32 pieces between two `**`', `/**${'/a'.repeat(40)}/b/**`, `/x${'/a'.repeat(41)}/b/y`, true],
  ['and one too few of them', `/**${'/a'.repeat(40)}/b/**`, `/x${'/a'.repeat(39)}/b/y`, false],
]
for (const [why, pattern, path, matches] of rows) t.equal(compilePathPattern(pattern)(path), matches, why)

t.test(`no pattern takes a millisecond on 8 KiB (seed ${seed})`, async t => {
  const long = (piece: string): string => piece.repeat(Math.ceil(8192 / piece.length)).slice(0, 8192)
  const targets = [long('/a'), `${long('/a').slice(0, 8186)}/b/bb`, long('/'), `/${'a'.repeat(8191)}`, `/${'a'.repeat(8185)}b/bcc`, long('/aaab'), long('/ab'), `/${long('ab').slice(0, 8191)}`, `/b${'a'.repeat(8190)}`, long('/aa').slice(0, 8190) + 'c']
  const patterns = [
    '/*a*a*a*b', '/**/*a*a*a*a*a*a*b', '/a*a*a*a*a*a*b', '/**/*a*/*a*/**/b', `/**${'/a'.repeat(500)}/b`, `/**${'/a'.repeat(500)}/b/**`, `/**${'/a'.repeat(490)}/*/a*/b/**/c`,
    '/**/*/*/*/*/*/*/*/z', '/**/a*/a*/a*/a*/a*/a*/a*/b*/**', '/**/*a/*a/*a/*a/*b/**', `/*${'a'.repeat(1000)}b*`, `/*b${'a'.repeat(1000)}*`, `/*${'ab'.repeat(490)}aa*`, `/**/*${'a'.repeat(900)}b`,
    '/*/*/*/*/*/*/*/*', '/**/**/b', '/a/**', '/**/x', '/**/', `${'/a'.repeat(500)}/**`, '/*a*', '/**/*a*', '/*-*-*-*-*-*-*-*',
    ...Array.from({ length: 60 }, () => `/${listOf(() => pick(['a', 'a', 'aa', '*', 'a*', '*a', '*a*b', 'b']), 40).join('/')}`.replace('/', pick(['/', '/**/']))),
  ].map(checkPathPattern).flatMap(checked => checked.kind === 'sound' ? checked.canonical : [])
  t.ok(patterns.length > 25)
  timed('path', patterns, targets).forEach((ms, n) => t.ok(ms < 1, `${ms.toFixed(2)} ms for ${patterns[n]!.slice(0, 60)}`))
  const values = ['*a*a*a*a*a*a*a*b', `*${'a'.repeat(1000)}b*`, `*b${'a'.repeat(1000)}*`, `*${'ab'.repeat(500)}b*`, '*']
  for (const pattern of values) t.equal(checkValuePattern(pattern).kind, 'sound')
  timed('value', values, targets).forEach((ms, n) => t.ok(ms < 1, `a value: ${ms.toFixed(2)} ms for ${values[n]!.slice(0, 40)}`))
  const name = [...Array<string>(120).fill('a'), 'b'].join('.')
  const hosts = ['**.*.*.*.*.*.*.*.c', '*a*a*a*a*a*a*b.example', '**.a.a.a.a.a.a.a.c', `**.${'a.'.repeat(100)}c`]
  timed('host', hosts, [name, `${'a'.repeat(63)}.example`]).forEach((ms, n) => t.ok(ms < 1, `a host: ${ms.toFixed(2)} ms for ${hosts[n]!.slice(0, 40)}`))
})

/** In a process of its own: coverage, which this one is watched for, makes code several times slower. */
function timed(kind: 'path' | 'value' | 'host', patterns: readonly string[], targets: readonly string[]): number[] {
  const out = execFileSync(process.execPath, [fileURLToPath(new URL('../../helpers/match-timing.mjs', import.meta.url))], {
    input: JSON.stringify({ kind, patterns, targets }), env: { PATH: process.env['PATH'] }, encoding: 'utf8',
  })
  return JSON.parse(out) as number[]
}
