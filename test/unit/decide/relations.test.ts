/** How patterns stand to each other, checked against what they match. */
import t from 'tap'
import { compileHostPattern, compilePathPattern, hostPatternCovers, hostPatternsOverlap, pathPatternCovers } from '../../../lib/decide/patterns.ts'
import { seeded } from './seeded.ts'

// [why, one, the other, whether one name may match both]
const overlaps: [string, string, string, boolean][] = [
  ['a name with itself', 'a.example', 'a.example', true],
  ['two names', 'a.example', 'b.example', false],
  ['a name under a wildcard', '*.example', 'a.example', true],
  ['a wildcard takes one label', '*.example', 'a.b.example', false],
  ['`**` takes several', '**.example', 'a.b.example', true],
  ['`**` takes at least one', '**.example', 'example', false],
  ['two `**`, one below the other', '**.example', '**.b.example', true],
  ['two `**` apart', '**.a.example', '**.b.example', false],
  ['everything', '**', 'a', true],
  ['runs that meet', 'api-*.example', '*-eu.example', true],
  ['runs that cannot', 'api-*.example', 'web-*.example', false],
  ['a run may be empty', 'a*b.example', 'ab.example', true],
  ['runs that could only meet by sharing a character', 'ab*.example', '*ba.example', true],
  ['`**` and a name that is too short', '**.b.example', 'b.example', false],
  ['`**` and two wildcards', '**.example', '*.*.example', true],
]
for (const [why, a, b, expected] of overlaps) {
  t.equal(hostPatternsOverlap(a, b), expected, why)
  t.equal(hostPatternsOverlap(b, a), expected, `${why}, the other way round`)
}

// [why, wide, narrow, certain]
const hosts: [string, string, string, boolean][] = [
  ['itself', '*.example', '*.example', true],
  ['a name', '*.example', 'a.example', true],
  ['not the other way round', 'a.example', '*.example', false],
  ['`**` over `*`', '**.example', '*.example', true],
  ['`*` not over `**`', '*.example', '**.example', false],
  ['`**` over a deeper `**`', '**.example', '**.a.example', true],
  ['a deeper `**` not over `**`', '**.a.example', '**.example', false],
  ['`**.*` needs two labels', '**.*.example', '**.example', false],
  ['runs', 'a*.example', 'ab*.example', true],
  ['runs that reach further', 'ab*.example', 'a*.example', false],
]
for (const [why, wide, narrow, expected] of hosts) t.equal(hostPatternCovers(wide, narrow), expected, `host: ${why}`)

const paths: [string, string, string, boolean][] = [
  ['everything', '/**', '/a/**/b', true],
  ['a trailing `/**` over the path before it', '/v1/**', '/v1', true],
  ['below a prefix', '/v1/**', '/v1/*/x', true],
  ['another prefix', '/v1/**', '/v2/x', false],
  ['`*` over a name', '/v1/*', '/v1/a', true],
  ['`*` not over the empty piece', '/v1/*', '/v1/', false],
  ['`*` not over `**`', '/*', '/**', false],
  ['`**` in the middle', '/**/x', '/a/b/x', true],
  ['two `**`', '/**/a/**', '/x/a/y', true],
  ['a literal star is no run', '/*A', '/x%2A', false],
  ['a literal star under a wildcard', '/*', '/%2A', true],
]
for (const [why, wide, narrow, expected] of paths) t.equal(pathPatternCovers(wide, narrow), expected, `path: ${why}`)

const { seed, pick, upTo } = seeded()
const text = (pieces: readonly string[], by: string): string => Array.from({ length: 1 + upTo(3) }, () => pick(pieces)).join(by)

t.test(`what is said of two patterns is true of what they match (seed ${seed})`, async t => {
  const pieces = ['a', 'b', 'ab', '*', 'a*', '*b', '*']
  const names = Array.from({ length: 300 }, () => text(['a', 'b', 'ab', 'aab', 'bb', 'ba'], '.'))
  const routes = Array.from({ length: 300 }, () => `/${text(['a', 'b', 'ab', 'aab', '', 'ba'], '/')}`)
  for (let round = 0; round < 1500; round++) {
    const [a, b] = [0, 0].map(() => (upTo(3) === 0 ? '**.' : '') + text(pieces, '.')) as [string, string]
    const [inA, inB] = [compileHostPattern(a), compileHostPattern(b)]
    if (!hostPatternsOverlap(a, b)) for (const name of names) if (inA(name) && inB(name)) return t.fail(`${name} is in ${a} and ${b}`)
    if (hostPatternCovers(a, b)) for (const name of names) if (inB(name) && !inA(name)) return t.fail(`${name} is in ${b} and not in ${a}`)
    const [wide, narrow] = [0, 0].map(() => `/${text([...pieces, '**', ''], '/')}`) as [string, string]
    if (!pathPatternCovers(wide, narrow)) continue
    const [inWide, inNarrow] = [compilePathPattern(wide), compilePathPattern(narrow)]
    for (const route of routes) if (inNarrow(route) && !inWide(route)) return t.fail(`${route} is in ${narrow} and not in ${wide}`)
  }
})
