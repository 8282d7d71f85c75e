import t from 'tap'
import { checkPolicy } from '../../../lib/config/load.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')

function warn(rules: object[], document: object = {}): { pointer: string, problem: string }[] {
  const loaded = checkPolicy({ version: 1, ...document, rules: rules.map((rule, at) => ({ id: `r${at}`, ...rule })) }, { now: NOW })
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems))
  return loaded.warnings.map(({ pointer, problem }) => ({ pointer, problem }))
}

// [what it shows, rules, pointer and words of the one warning, or null]
const cases: [string, object[], [string, RegExp] | null][] = [
  ['an ordinary rule', [{ host: 'a.example.com', access: 'read-only' }], null],
  ['it has expired', [{ host: 'a.example.com', expires: '2030-01-01T00:00:00Z' }], ['/rules/0/expires', /expired/]],
  ['it will expire', [{ host: 'a.example.com', expires: '2030-01-01T00:00:01Z' }], null],
  ['every host', [{ host: '**', anyHost: true }], ['/rules/0/host', /every domain/]],
  ['every host, denied', [{ host: '**', anyHost: true, action: 'deny' }], null],
  ['any depth below a domain', [{ host: '**.example.com' }], ['/rules/0/host', /any depth/]],
  ['passthrough', [{ host: 'a.example.com', tls: 'passthrough' }], ['/rules/0/tls', /unread/]],
  ['many patterns that are looked for anywhere', Array.from({ length: 12 }, (_, n) => ({ host: 'a.example.com', action: 'deny', path: Array.from({ length: 100 }, (_, m) => `/**/a${n}-${m}/**`) })), ['/rules/10/path', /"r10" so many patterns for "a\.example\.com"/]],
  ['as many, each for a host', Array.from({ length: 12 }, (_, n) => ({ host: `a${n}.example.com`, action: 'deny', path: Array.from({ length: 100 }, (_, m) => `/**/a${m}/**`) })), null],
  ['uses of a deny', [{ host: 'a.example.com', action: 'deny', maxUses: 1 }], ['/rules/0/maxUses', /not counted/]],
  ['read-only of a WebSocket', [{ host: 'a.example.com', scheme: 'wss', access: 'read-only' }], ['/rules/0/access', /allows nothing/]],
  ['a name that IDNA maps', [{ host: 'bücher.example' }], ['/rules/0/host', /xn--bcher-kva/]],
  ['a method that is never served', [{ host: 'a.example.com', method: ['GET', 'TRACE'] }], ['/rules/0/method/1', /TRACE/]],
  ['the same twice', [{ host: 'a.example.com' }, { host: 'A.example.com', action: 'allow' }], ['/rules/1', /"r1" says the same as "r0"/]],
  ['the wider stands last', [{ host: 'a.example.com', method: 'GET' }, { host: '*.example.com' }], ['/rules/0', /"r0" adds nothing: "r1"/]],
  ['denied altogether', [{ host: 'a.example.com', method: 'GET' }, { host: '*.example.com', action: 'deny' }], ['/rules/0', /never applies: "r1" denies/]],
  ['held altogether', [{ host: 'a.example.com' }, { host: 'a.example.com', action: 'hold' }], ['/rules/0', /never applies: "r1" asks/]],
  ['denied in part', [{ host: 'a.example.com' }, { host: 'a.example.com', action: 'deny', path: '/admin/**' }], null],
  ['a WebSocket is no part of an allow', [{ host: 'a.example.com' }, { host: 'a.example.com', scheme: ['https', 'wss'] }], ['/rules/0', /"r0" adds nothing: "r1"/]],
  ['another port', [{ host: 'a.example.com' }, { host: 'a.example.com', port: 8443 }], null],
  ['read-only takes no body, which its methods do', [{ host: 'a.example.com', access: 'read-only' }, { host: 'a.example.com', method: 'GET' }], null],
  ['a private network more', [{ host: '*.example.com' }, { host: 'a.example.com', private: true }], null],
  ['private addresses of every network', [{ host: 'a.example.com', private: '0.0.0.0/0' }], ['/rules/0/private', /every network/]],
  ['and of IPv6', [{ host: 'a.example.com', private: ['10.0.0.0/8', 'fc00::/7'] }], ['/rules/0/private', /every network/]],
  ['a large network of one\'s own', [{ host: 'a.example.com', private: ['10.0.0.0/8', 'fd00:1234::/32'] }], null],
  ['a cap', [{ host: '*.example.com' }, { host: 'a.example.com', maxRequestBytes: 1 }], null],
  ['uses that run out leave it to the other', [{ host: '*.example.com', maxUses: 1 }, { host: 'a.example.com' }], null],
  ['the wider ends first', [{ host: '*.example.com', expires: '2031-01-01T00:00:00Z' }, { host: 'a.example.com' }], null],
  ['a query that the wider asks for', [{ host: '*.example.com', query: { a: '*' } }, { host: 'a.example.com' }], null],
  ['a query more', [{ host: '*.example.com' }, { host: 'a.example.com', query: { a: '*' } }], ['/rules/1', /adds nothing/]],
  ['a header in another case', [{ host: '*.example.com', header: { 'X-A': 'b' } }, { host: 'a.example.com', header: { 'x-a': 'b' } }], ['/rules/1', /adds nothing/]],
  ['a network within another', [{ cidr: '10.0.0.0/8' }, { cidr: '10.1.0.0/16' }], ['/rules/1', /adds nothing/]],
  ['a path in a list', [{ host: 'a.example.com', action: 'deny', path: ['/x', '/y'] }, { host: 'a.example.com', action: 'deny', path: '/y' }], ['/rules/1', /adds nothing/]],
]
for (const [shows, rules, expected] of cases) {
  const found = warn(rules)
  if (expected === null) t.strictSame(found, [], shows)
  else t.match(found, [{ pointer: expected[0], problem: expected[1] }], shows)
  if (expected !== null) t.equal(found.length, 1, `${shows}: said once`)
}

t.test('observe is said to pass what it passes', async t => {
  t.match(warn([], { unmatched: 'observe' }), [{ pointer: '/unmatched', problem: /passes/ }])
  t.strictSame(warn([], { unmatched: 'deny' }), [])
})

t.test('a policy that relies on paths is told of the fields that name another', async t => {
  const rule = { host: 'a.example.com', path: '/v1/**' }
  t.match(warn([rule, { ...rule, host: 'b.example.com' }]), [{ pointer: '/rules/0/path', problem: /x-original-url or x-rewrite-url/ }], 'once, however many rules there are')
  const denying = ['X-Original-URL', 'x-rewrite-url'].map(name => ({ host: '**', anyHost: true, action: 'deny', header: { [name]: '*' } }))
  t.strictSame(warn([rule, ...denying]), [], 'not where rules name them')
})

t.test('ten thousand rules are compared while one waits', async t => {
  const shapes: Record<string, (at: number) => object> = {
    'for many hosts': at => ({ host: `h${at % 3_000}.example.com`, path: `/p/${at}` }),
    'for one host': at => ({ host: 'h.example.com', path: `/p/${at}/**` }),
    'for hosts with wildcards': at => ({ host: `*.h${at}.example.com` }),
  }
  for (const [shows, shape] of Object.entries(shapes)) {
    const started = performance.now()
    warn(Array.from({ length: 10_000 }, (_, at) => shape(at)))
    t.ok(performance.now() - started < 10_000, shows)
  }
})
