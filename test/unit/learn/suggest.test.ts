import t from 'tap'
import { covers } from '../../../lib/decide/covers.ts'
import { riskNotes, suggestRules } from '../../../lib/learn/suggest.ts'
import type { RuleShape } from '../../../lib/model/policy.ts'
import type { CanonicalHost, HostKind, RequestFacts, StreamFacts } from '../../../lib/model/request.ts'

type Over = Partial<Omit<RequestFacts, 'host'>> & { readonly host?: string }

function request(over: Over = {}): RequestFacts {
  const { host = 'api.example.com', method = 'GET', target = '/v1/items/42', ...rest } = over
  const [path = '/', query = null] = target.split('?', 2)
  return {
    kind: 'request', client: 'agent', scheme: 'https', host: host as CanonicalHost, hostKind: 'name', port: 443, method, methods: [method],
    target, path, query, readings: [path], fields: [], hasContent: false, contentLength: 0, ...rest,
  }
}

function stream(host: string, port: number, over: { hostKind?: HostKind, scheme?: 'tcp' | 'https' } = {}): StreamFacts {
  return { kind: 'stream', client: 'agent', scheme: 'tcp', host: host as CanonicalHost, hostKind: 'name', port, ...over }
}

const rules = (facts: RequestFacts | StreamFacts): Record<string, RuleShape> =>
  Object.fromEntries(suggestRules(facts).map(({ shape, rule }) => [shape, rule]))

const host = 'api.example.com'

// [what it shows, request, the rules by shape]
const cases: [string, RequestFacts | StreamFacts, Record<string, RuleShape>][] = [
  ['a GET is offered five rules, from narrow to wide', request(), {
    exact: { host, method: 'GET', path: '/v1/items/42' },
    endpoint: { host, method: 'GET', path: '/v1/items/*' },
    below: { host, method: 'GET', path: '/v1/items/**' },
    'read-only': { host, access: 'read-only' },
    host: { host },
  }],
  ['a POST is not offered reading', request({ method: 'POST', target: '/v1/items', hasContent: true, contentLength: 5 }), {
    exact: { host, method: 'POST', path: '/v1/items' },
    below: { host, method: 'POST', path: '/v1/items/**' },
    host: { host },
  }],
  ['a GET with a body is not offered reading', request({ target: '/', hasContent: true, contentLength: 5 }), {
    exact: { host, method: 'GET', path: '/' },
    host: { host },
  }],
  ['rules that coincide are offered once', request({ target: '/' }), {
    exact: { host, method: 'GET', path: '/' },
    'read-only': { host, access: 'read-only' },
    host: { host },
  }],
  ['the query is pinned where it can be, and open from then on', request({ target: '/search?q=cats&page=2' }), {
    exact: { host, method: 'GET', path: '/search', query: { q: 'cats', page: '2' }, onlyQuery: true },
    endpoint: { host, method: 'GET', path: '/search' },
    below: { host, method: 'GET', path: '/search/**' },
    'read-only': { host, access: 'read-only' },
    host: { host },
  }],
  ['a query that can\'t be pinned is left open', request({ target: '/search?q=a+b' }), {
    exact: { host, method: 'GET', path: '/search' },
    below: { host, method: 'GET', path: '/search/**' },
    'read-only': { host, access: 'read-only' },
    host: { host },
  }],
  ['every reading is listed', request({ target: '/a%2F1;x', readings: ['/a%2F1;x', '/a%2F1', '/a/1;x', '/a/1'] }), {
    exact: { host, method: 'GET', path: ['/a%2F1;x', '/a%2F1', '/a/1;x', '/a/1'] },
    endpoint: { host, method: 'GET', path: ['/a%2F1;x', '/a%2F1', '/a/1;x', '/a/*'] },
    below: { host, method: 'GET', path: ['/a%2F1;x/**', '/a%2F1/**', '/a/1;x/**', '/a/**'] },
    'read-only': { host, access: 'read-only' },
    host: { host },
  }],
  ['a path that can\'t be written leaves what needs none', request({ target: '/a[1]' }), {
    'read-only': { host, access: 'read-only' },
    host: { host },
  }],
  ['one reading that can\'t be written takes the path away', request({ target: '/a//b', readings: ['/a//b', '/a/b'] }), {
    'read-only': { host, access: 'read-only' },
    host: { host },
  }],
  ['a method that no rule may name leaves what needs none', request({ target: '/', method: 'get' }), { host: { host } }],
  ['an overriding method is named too', request({ target: '/', method: 'POST', methods: ['POST', 'DELETE'] }), {
    exact: { host, method: ['POST', 'DELETE'], path: '/' },
    host: { host },
  }],
  ['http is named, its usual port is not', request({ target: '/', scheme: 'http', port: 80 }), {
    exact: { host, scheme: 'http', method: 'GET', path: '/' },
    'read-only': { host, scheme: 'http', access: 'read-only' },
    host: { host, scheme: 'http' },
  }],
  ['another port is named', request({ target: '/', port: 8443 }), {
    exact: { host, port: 8443, method: 'GET', path: '/' },
    'read-only': { host, port: 8443, access: 'read-only' },
    host: { host, port: 8443 },
  }],
  ['a WebSocket is named and offered no reading', request({ target: '/socket', scheme: 'wss' }), {
    exact: { host, scheme: 'wss', method: 'GET', path: '/socket' },
    below: { host, scheme: 'wss', method: 'GET', path: '/socket/**' },
    host: { host, scheme: 'wss' },
  }],
  ['an IPv4 address is a network of one', request({ target: '/', host: '8.8.8.8', hostKind: 'ipv4' }), {
    exact: { cidr: '8.8.8.8/32', method: 'GET', path: '/' },
    'read-only': { cidr: '8.8.8.8/32', access: 'read-only' },
    host: { cidr: '8.8.8.8/32' },
  }],
  ['an IPv6 address is a network of one', request({ target: '/', host: '2606:4700::1111', hostKind: 'ipv6', method: 'PUT' }), {
    exact: { cidr: '2606:4700::1111/128', method: 'PUT', path: '/' },
    host: { cidr: '2606:4700::1111/128' },
  }],
  ['a stream is offered its host and port, nothing wider', stream('db.example.com', 5432), {
    exact: { host: 'db.example.com', scheme: 'tcp', port: 5432 },
  }],
  ['a stream on a usual port names it all the same', stream('db.example.com', 443), {
    exact: { host: 'db.example.com', scheme: 'tcp', port: 443 },
  }],
  ['what passes through unread is offered nothing', stream('db.example.com', 443, { scheme: 'https' }), {}],
]
for (const [shows, facts, expected] of cases) {
  t.same(rules(facts), expected, shows)
  t.same(Object.keys(rules(facts)), Object.keys(expected), `${shows}, in that order`)
}

for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '192.168.1.1', '::1', 'fd00::1', 'fe80::1']) {
  const hostKind = address.includes(':') ? 'ipv6' : 'ipv4'
  t.same(suggestRules(request({ host: address, hostKind })), [], `${address} is not public: only the policy opens it`)
  t.same(suggestRules(stream(address, 22, { hostKind })), [], `a stream to ${address} neither`)
}

t.test('exactly this matches nothing else', async t => {
  const { exact } = rules(request({ target: '/v1/items/42?a=1' }))
  for (const other of ['/v1/items/43?a=1', '/v1/items/42/?a=1', '/v1/items/42/x?a=1', '/v1/items?a=1', '/V1/items/42?a=1', '/v1/items/42?a=2', '/v1/items/42', '/v1/items/42?a=1&b=2', '/v1/items/42?a=1&a=2']) {
    t.notOk(covers(exact!, request({ target: other })), other)
  }
  t.notOk(covers(exact!, request({ target: '/v1/items/42?a=1', method: 'POST' })), 'nor another method')
})

t.test('whatever a client makes up, each rule covers it and opens nothing that is not public', async t => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  t.comment(`SEED=${seed}`)
  const random = lcg(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const pieces = ['/', '/', 'a', '42', '*', '**', '%2F', '%2A', '%20', ';p=1', '.', '@', '[', '{', '"', 'é', '\u202e', '?', '&', '=', '+', '..', '0123456789abcdef0123', '!', '(', ')', '|', '^', '\\', '#']
  const ALLOWED = new Set(['host', 'cidr', 'port', 'scheme', 'method', 'access', 'path', 'query', 'onlyQuery'])
  for (let round = 0; round < 2_000; round++) {
    const target = `/${Array.from({ length: Math.floor(random() * 12) }, () => pick(pieces)).join('')}`
    const facts = request({ target, method: pick(['GET', 'POST', 'M-SEARCH', '*', 'get', '']), scheme: pick(['https', 'http', 'wss', 'ws']), port: pick([80, 443, 8443]), hasContent: random() < 0.3 })
    const offered = suggestRules(facts)
    if (offered.length > 5) t.fail(`${offered.length} rules for ${target}`)
    for (const { rule, says } of offered) {
      if (!covers(rule, facts)) t.fail(`${JSON.stringify(rule)} does not cover ${target}`)
      for (const key of Object.keys(rule)) if (!ALLOWED.has(key)) t.fail(`${key} may not be granted`)
      if (/[^\x20-\x7e…é]/.test(says)) t.fail(`${JSON.stringify(says)} is not safe to show`)
    }
  }
  t.pass()
})

// [what it shows, facts, what is known, codes in order]
const risks: [string, RequestFacts | StreamFacts, { registrable: string | null, known?: string[], redirectedBy?: string }, string[]][] = [
  ['a known place has no risk', request(), { registrable: 'example.com', known: ['example.com'] }, []],
  ['a domain nobody was let through to is a first contact', request(), { registrable: 'example.com' }, ['first-contact']],
  ['a known neighbour under a public suffix does not count', request({ host: 'a.example.com' }), { registrable: 'a.example.com', known: ['b.example.com'] }, ['first-contact']],
  ['where there is no domain the host counts', request({ host: '8.8.8.8', hostKind: 'ipv4' }), { registrable: null, known: ['8.8.8.8'] }, []],
  ['an address that is not public', request({ host: '127.0.0.1', hostKind: 'ipv4' }), { registrable: null, known: ['127.0.0.1'] }, ['private-address']],
  ['a body', request({ method: 'POST', hasContent: true, contentLength: 5 }), { registrable: 'x', known: ['x'] }, ['body']],
  ['letters that may look like others', request({ host: 'xn--pple-43d.com' }), { registrable: 'x', known: ['x'] }, ['punycode']],
  ['an odd port', request({ port: 8443 }), { registrable: 'x', known: ['x'] }, ['odd-port']],
  ['any port of a stream', stream('db.example.com', 443), { registrable: 'x', known: ['x'] }, ['odd-port']],
  ['http can be read on the way', request({ scheme: 'http', port: 80 }), { registrable: 'x', known: ['x'] }, ['plaintext']],
  ['a place that a redirect led to', request(), { registrable: 'x', known: ['x'], redirectedBy: 'cdn.example.com' }, ['redirected']],
  ['all at once', request({ host: 'xn--pple-43d.com', scheme: 'ws', port: 8080, hasContent: true, contentLength: null }), { registrable: 'xn--pple-43d.com' }, ['punycode', 'first-contact', 'odd-port', 'plaintext', 'body']],
]
for (const [shows, facts, { registrable, known = [], redirectedBy = null }, codes] of risks) {
  t.same(riskNotes(facts, { registrable, knowsDomain: domain => known.includes(domain), redirectedBy, usedUp: [] }).map(({ code }) => code), codes, shows)
}

function lcg(seed: number): () => number {
  let state = seed >>> 0
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}
