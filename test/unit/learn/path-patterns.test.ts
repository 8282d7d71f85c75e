import t from 'tap'
import { gatherPaths, isWritable } from '../../../lib/learn/path-patterns.ts'
import type { PathPattern } from '../../../lib/learn/path-patterns.ts'

/** `POST /a` or `/a`, each asked for once; `3× /a` that often. */
function gather(lines: readonly string[]): readonly PathPattern[] {
  const gatherer = gatherPaths()
  for (const line of lines) {
    const [, times = '1', method = 'GET', path = ''] = /^(?:(\d+)× )?(?:([A-Z]+) )?(\/.*)$/.exec(line)!
    gatherer.add(path, method, Number(times), path)
  }
  return gatherer.patterns()
}
const paths = (lines: readonly string[]): string[] => gather(lines).map(({ methods, path }) => `${methods.join('+')} ${path}`)
const each = (list: string, make: (name: string) => string): string[] => list.split(' ').map(make)

const PLAIN = 'amber birch cedar delta ember flint'
const ODD = 'amber birch7 Cedar delta22 ember flint'

// [what it shows, requests, patterns]
const cases: [string, string[], string[]][] = [
  ['plain words side by side are words', each(PLAIN, name => `/v1/${name}`), each(PLAIN, name => `GET /v1/${name}`)],
  ['also behind a plural, where nothing else speaks for names', each(PLAIN, name => `/users/${name}`), each(PLAIN, name => `GET /users/${name}`)],
  ['odd names behind a plural are values', each(ODD, name => `/users/${name}`), ['GET /users/*']],
  ['and in a log that repeats itself plain ones are too', [...each(PLAIN, name => `/users/${name}`), '3× /me', '3× /feed'], ['GET /feed', 'GET /me', 'GET /users/*']],
  ['nor are names that stand beside words of more weight', [...each(ODD, name => `/items/${name}`), '9× /items/active/now', '9× POST /items/import'], [...each('Cedar', name => `GET /items/${name}`), 'GET /items/active/now', ...each('amber birch7 delta22 ember flint', name => `GET /items/${name}`), 'POST /items/import']],
  ['three are too few', each('a1 b2 c3', name => `/users/${name}`), each('a1 b2 c3', name => `GET /users/${name}`)],
  ['what is asked for again and again is a word', each(ODD, name => `5× /users/${name}`), each('Cedar amber birch7 delta22 ember flint', name => `GET /users/${name}`)],
  ['names that stand under several items, one under each', ['/o/1/t/amber', '/o/2/t/birch', '/o/3/t/cedar', '/o/4/t/delta7', '/o/5/t/ember'], ['GET /o/*/t/*']],
  ['words that stand under several items', ['/o/1/amber', '/o/2/amber', '/o/3/amber', '/o/1/birch', '/o/2/birch', '/o/4/birch'], ['GET /o/*/amber', 'GET /o/*/birch']],
  ['a word among values keeps what is its own', [...each(ODD, name => `/users/${name}`), 'POST /users/search', 'POST /users/search', 'POST /users/search'], ['GET /users/*', 'POST /users/search']],
  ['a star swallows no empty segment', ['/n/1', '/n/2', '/n/'], ['GET /n/*', 'GET /n/'].sort()],
  ['an API of .json is no folder', ['/a/x.json', '/a/b/y.json', '/a/b/c/z.json', '/a/w.json'], ['GET /a/b/c/z.json', 'GET /a/b/y.json', 'GET /a/w.json', 'GET /a/x.json']],
  ['a folder is laid down where it begins, with its slash', ['/p/1/raw/', '/p/1/raw/a.md', '/p/1/raw/src/b.ts', '/p/1/raw/lib/c.json', '/p/1/raw/d.py', '/p/1/raw/e/f/g.ts'], ['GET /p/1/raw/', 'GET /p/1/raw/*/**']],
  ['a star stands for no slash: a deep path keeps its end', [`/${'a/'.repeat(30)}1`, `/${'a/'.repeat(30)}2`], [`GET /${'a/'.repeat(30)}1`, `GET /${'a/'.repeat(30)}2`]],
  ['more stars than a pattern may have end in anything', ['/1'.repeat(12), '/2'.repeat(12)], [`GET ${'/*'.repeat(8)}/**`]],
]
for (const [shows, requests, expected] of cases) t.same(paths(requests), expected, shows)

t.test('what a pattern stands for is counted', async t => {
  t.match(gather(['2× /u/1', '/u/2', 'POST /u/1']), [{ path: '/u/*', methods: ['GET', 'POST'], requests: 4, paths: 3, examples: ['GET /u/1', 'GET /u/2', 'POST /u/1'] }])
  t.match(gather(['/t/1', '/t/2', '/t/latest']), [{ path: '/t/*', requests: 3, paths: 3 }], 'also what it covers by the way')
})

t.test('only a path that begins with two slashes can\'t be written', async t => {
  for (const path of ['/', '/a', '/a//b', '/a/', `/${'x'.repeat(9_000)}`]) t.ok(isWritable(path))
  t.notOk(isWritable('//a'))
})
