import t from 'tap'
import { compileGrants, compileRuleset } from '../../../lib/decide/compile.ts'
import { decide } from '../../../lib/decide/decide.ts'
import { generalise } from '../../../lib/learn/generalise.ts'
import type { Generalised } from '../../../lib/learn/generalise.ts'
import type { RuleShape } from '../../../lib/model/policy.ts'
import type { Facts } from '../../../lib/model/request.ts'
import { describeRequest } from '../../../lib/normalize/offline.ts'

/** `GET https://…`, `https://…` for a GET. */
function facts(line: string): Facts {
  const [first = '', second] = line.split(' ')
  const described = describeRequest(second === undefined ? { url: first } : { method: first, url: second })
  if (described.kind === 'refused') throw new Error(`${line}: ${described.reason}`)
  return described.facts
}
const learn = (lines: readonly string[]): Generalised => generalise(lines.map(line => ({ facts: facts(line), requests: 1 })))
const rules = (lines: readonly string[]): RuleShape[] => learn(lines).learned.map(({ rule }) => rule)
const host = 'api.example.com'
const at = (...paths: string[]): string[] => paths.map(path => path.startsWith('/') ? `https://${host}${path}` : path.replace(' /', ` https://${host}/`))
const many = (count: number, path: (n: number) => string): string[] => at(...Array.from({ length: count }, (_, n) => path(n)))
const NAMES = ['amber', 'brook', 'cedar7', 'delta', 'ember', 'flint22', 'grove', 'heron', 'iris3', 'jasper', 'kelp', 'lotus']

// [what it shows, requests, rules]
const cases: [string, string[], RuleShape[]][] = [
  ['one request is itself', at('/v1/users/42'), [{ host, method: 'GET', path: '/v1/users/42' }]],
  ['the same request again changes nothing', at('/v1/users/42', '/v1/users/42'), [{ host, method: 'GET', path: '/v1/users/42' }]],
  ['numbers that vary are a star', at('/v1/users/42', '/v1/users/7'), [{ host, method: 'GET', path: '/v1/users/*' }]],
  ['and what is behind them is laid together', at('/u/1/a', '/u/2/b'), [{ host, method: 'GET', path: ['/u/*/a', '/u/*/b'] }]],
  ['a file\'s ending stays', at('/v0/item/8863.json', '/v0/item/8864.json'), [{ host, method: 'GET', path: '/v0/item/*.json' }]],
  ['a kind in front stays', at('/c/cus_a1b2c3d4e5f6g7h8', '/c/cus_h8g7f6e5d4c3b2a1'), [{ host, method: 'GET', path: '/c/cus_*' }]],
  ['hashes and UUIDs and days', at('/c/9fceb02d11aa', '/c/e83c5163316f', '/d/2026-01-01', '/d/2026-01-02'), [{ host, method: 'GET', path: ['/c/*', '/d/*'] }]],
  ['siblings are one rule', at('/a', '/b'), [{ host, method: 'GET', path: ['/a', '/b'] }]],
  ['methods are joined where the paths are the same', at('/a', 'POST /a'), [{ host, method: ['GET', 'POST'], path: '/a' }]],
  ['and nowhere else', at('/a', 'POST /b'), [{ host, method: 'GET', path: '/a' }, { host, method: 'POST', path: '/b' }]],
  ['GET is HEAD too', at('/a', 'HEAD /a'), [{ host, method: 'GET', path: '/a' }]],
  ['a few plain words are words', at('/v1/users', '/v1/teams', '/v1/projects', '/v1/events', '/v1/keys', '/v1/notes'), [{ host, method: 'GET', path: ['/v1/events', '/v1/keys', '/v1/notes', '/v1/projects', '/v1/teams', '/v1/users'] }]],
  ['names below a collection are a star', at(...NAMES.map(name => `/users/${name}`)), [{ host, method: 'GET', path: '/users/*' }]],
  ['words behind names stay words', at(...NAMES.flatMap(name => [`/repos/${name}/issues`, `/repos/${name}/pulls`])), [{ host, method: 'GET', path: ['/repos/*/issues', '/repos/*/pulls'] }]],
  ['a path that a star stands for is not listed', at('/t/1', '/t/2', '/t/latest', 'POST /t/latest'), [
    { host, method: 'GET', path: '/t/*' }, { host, method: 'POST', path: '/t/latest' },
  ]],
  ['many titles of one kind are a star', many(40, n => `/wiki/${'ABCDEFGH'[n % 8]}${'abcdefgh'[n >> 3]}xyz`), [{ host, method: 'GET', path: '/wiki/*' }]],
  ['a folder of files is everything below it', at('/raw/README.md', '/raw/src/a.ts', '/raw/src/lib/b.ts', '/raw/docs/c.json', '/raw/d.yml', '/raw/x/y/z.py'), [{ host, method: 'GET', path: '/raw/*/**' }]],
  ['every reading is covered', at('/b/x%2Fy'), [{ host, method: 'GET', path: ['/b/x%2Fy', '/b/x/y'] }]],
  ['a literal star is no wildcard', at('/a*b'), [{ host, method: 'GET', path: '/a%2Ab' }]],
  ['hosts do not mix', ['https://a.example.com/1', 'https://b.example.net/1'], [{ host: 'a.example.com', method: 'GET', path: '/1' }, { host: 'b.example.net', method: 'GET', path: '/1' }]],
  ['hosts of one domain with the same rules are one rule', ['https://a.example.com/x', 'https://b.example.com/x'], [{ host: ['a.example.com', 'b.example.com'], method: 'GET', path: '/x' }]],
  ['but not across registrable domains', ['https://a.github.io/x', 'https://b.github.io/x'], [{ host: 'a.github.io', method: 'GET', path: '/x' }, { host: 'b.github.io', method: 'GET', path: '/x' }]],
  ['shards are a star', ['https://17.cdn.example.com/x', 'https://18.cdn.example.com/x'], [{ host: '*.cdn.example.com', method: 'GET', path: '/x' }]],
  ['but not below a public suffix', ['https://17.co.uk/x', 'https://18.co.uk/x', 'https://19.github.io/x', 'https://20.github.io/x'], [
    { host: '17.co.uk', method: 'GET', path: '/x' }, { host: '18.co.uk', method: 'GET', path: '/x' }, { host: '19.github.io', method: 'GET', path: '/x' }, { host: '20.github.io', method: 'GET', path: '/x' },
  ]],
  ['scheme and port are named where they are not the usual ones', ['http://h.example.com/', 'https://h.example.com:8443/', 'wss://h.example.com/s'], [
    { host: 'h.example.com', method: 'GET', path: '/', port: 8443 } as RuleShape,
    { host: 'h.example.com', scheme: 'http', method: 'GET', path: '/' },
    { host: 'h.example.com', scheme: 'wss', method: 'GET', path: '/s' },
  ]],
  ['a public address is a network of one', ['https://8.8.8.8/dns-query'], [{ cidr: '8.8.8.8/32', method: 'GET', path: '/dns-query' }]],
  ['a stream is its host and port', ['tcp://db.example.com:5432'], [{ host: 'db.example.com', scheme: 'tcp', port: 5432 }]],
]
for (const [shows, requests, expected] of cases) {
  t.same(rules(requests), expected, shows)
  t.same(rules([...requests].reverse()), expected, `${shows}, in any order`)
}

t.test('private and metadata addresses are left out, and said', async t => {
  const lines = ['https://10.0.0.1/', 'http://169.254.169.254/latest', 'http://[fd00:ec2::254]/', 'http://metadata.google.internal/', 'http://127.0.0.1/', 'tcp://192.168.0.1:22']
  const { learned, leftOut } = learn([...lines, lines[0]!])
  t.same(learned, [])
  t.same(new Set(leftOut.map(({ why }) => why)), new Set(['private-address']))
  t.equal(leftOut.find(({ place }) => place === 'https://10.0.0.1:443')?.requests, 2)
})

t.test('what only the whole host would match is left out, and said', async t => {
  t.match(learn(at('//x')), { learned: [], leftOut: [{ why: 'path', requests: 1 }] })
  t.match(learn(at('get /x')), { learned: [], leftOut: [{ why: 'method' }] })
  t.same(rules(at('/a//x')), [{ host, method: 'GET', path: '/a/**' }], 'an empty piece further on is anything')
})

t.test('each path says what it stands for, safe to show', async t => {
  const { learned: [rule] } = generalise([
    ...[1, 2, 3, 4, 5].map(n => ({ facts: facts(`https://${host}/u/${n}`), requests: n })),
    { facts: facts(`https://${host}/${'x'.repeat(250)}%E2%80%AE`), requests: 1 },
  ])
  t.equal(rule?.requests, 16)
  const star = rule?.paths.find(({ path }) => path === '/u/*')
  t.match(star, { methods: ['GET'], requests: 15, paths: 5, examples: ['GET /u/1', 'GET /u/2', 'GET /u/3'] })
  t.ok(rule?.paths.every(({ examples }) => examples.every(example => example.length <= 160 && /^[\x20-\x7e…]*$/.test(example))))
})

t.test('whatever was asked for is allowed, and no other host', async t => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  t.comment(`SEED=${seed}`)
  const random = lcg(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const pieces = ['a', 'b', 'items', 'users', '42', '7', '9fceb02d11', 'Kiwi', 'x.json', '1.json', 'a%2Fb', ';p=1', '%2A', '*', '[', '"', '', 'x'.repeat(400), '@', '2026-01-01', 'cus_1a', 'cus_2b']
  for (let round = 0; round < 200; round++) {
    const all = Array.from({ length: 1 + Math.floor(random() * 60) }, () => {
      const path = Array.from({ length: 1 + Math.floor(random() * (random() < 0.1 ? 40 : 5)) }, () => `/${pick(pieces)}`).join('')
      return facts(`${pick(['GET', 'POST', 'DELETE'])} https://${pick(['h', '1', '2', 'x3'])}.${pick(['example.com', 'example.org'])}${path}`)
    })
    const { learned, leftOut } = generalise(all.map(facts => ({ facts, requests: 1 })))
    const ruleset = compileRuleset({ version: 1, unmatched: 'deny', rules: learned.map(({ rule }, n) => ({ ...rule, id: `r${n}` })) }, '')
    const isAllowed = (facts: Facts): boolean => decide(ruleset, compileGrants([]), facts, { now: 0, used: () => 0 }).kind === 'allow'
    const uncovered = all.find(facts => !isAllowed(facts) && !leftOut.some(({ place }) => place === `https://${facts.host}:443`))
    if (uncovered !== undefined) t.fail(`nothing covers ${JSON.stringify(uncovered)}`)
    if (isAllowed(facts('https://h.example.net/a')) || isAllowed(facts('PATCH https://h.example.com/a'))) t.fail('more than was asked for')
    const again = generalise([...all].reverse().map(facts => ({ facts, requests: 1 })))
    if (JSON.stringify(again) !== JSON.stringify({ learned, leftOut })) t.fail('the order matters')
  }
  t.pass()
})

t.test('many requests take no long time, whatever a client makes up', async t => {
  const start = process.hrtime.bigint()
  for (const path of [(n: number) => `/u/${n}/x`, (n: number) => `/${letters(n)}`, (n: number) => `/${'1/'.repeat(20)}${n}`, (n: number) => `/a/${letters(n)}/${letters(n * 7)}.txt`]) {
    t.ok(learn(many(20_000, path)).learned.length > 0)
  }
  t.ok(process.hrtime.bigint() - start < 40_000_000_000n)
})

const letters = (n: number): string => n.toString(36).replace(/[0-9]/g, digit => 'ghijklmnop'[Number(digit)]!)

function lcg(seed: number): () => number {
  let state = seed >>> 0
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}
