/** A ruling in words: each rule says what kept it from matching. */
import t from 'tap'
import { compileGrants, compileRuleset } from '../../../lib/decide/compile.ts'
import { explain, nearest } from '../../../lib/decide/explain.ts'
import type { RuleDocument } from '../../../lib/model/policy.ts'
import type { Facts } from '../../../lib/model/request.ts'
import { request, stream } from './facts.ts'

const HOST = 'api.example.com'
const context = { now: 0, used: () => 1 }
const told = (facts: Facts, rules: RuleDocument[]): ReturnType<typeof explain> => explain(compileRuleset({ version: 1, rules }, 'h'), compileGrants([]), facts, context)

// [facts, rule, what is said]
const rows: [Facts, Partial<RuleDocument>, string][] = [
  [request('/'), { host: ['example.com', '*.example.org'] }, 'host is api.example.com, rule has example.com, *.example.org'],
  [request('/', { host: '8.8.8.8' }), { host: undefined as never, cidr: '10.0.0.0/8' }, 'host is 8.8.8.8, rule has 10.0.0.0/8'],
  [request('/', { scheme: 'wss' }), {}, 'scheme is wss, rule has https'],
  [request('/', { port: 8443 }), {}, 'port is 8443, rule has the default port of https'],
  [request('/', { port: 8443 }), { port: [443, '8000-8080'] }, 'port is 8443, rule has 443, 8000-8080'],
  [request('/', { method: 'DELETE' }), { access: 'read-only' }, 'method is DELETE, rule has GET, HEAD, OPTIONS'],
  [request('/', { hasContent: true }), { access: 'read-only' }, 'the GET request has content or is an upgrade, rule has access read-only'],
  [request('/v2'), { path: ['/v1/**', '/x'] }, 'path is /v2, rule has /v1/**, /x'],
  [request('/'), { query: { a: ['1', '2'] } }, 'query is absent, rule has a: 1 or 2'],
  [request('/?a=3'), { query: { a: '1' }, onlyQuery: true }, 'query is "a=3", rule has a: 1 and nothing else'],
  [request('/', { fields: ['X-Key', 'secret'] }), { header: { 'x-key': 'other' } }, 'the header does not agree with the rule, which has x-key: other'],
  [request('/'), { expires: '1970-01-01T00:00:00Z' }, 'it ended at 1970-01-01T00:00:00Z'],
  [request('/'), { maxUses: 1 }, 'its 1 uses are spent'],
  [stream('https', 443), {}, 'the connection would be passed through unread, and the rule has no "tls": "passthrough"'],
  [stream('tcp', 22), { action: 'deny', path: '/x' }, 'the connection is a stream that is not read, and the rule asks for something of a request'],
  [request('/'), {}, 'it matches'],
  [request('/a%2Fb'), { path: '/a/b' }, 'it matches in one way of reading the request, not in all'],
  [request('/', { alsoMethods: ['POST'], method: 'DELETE' }), { method: 'POST' }, 'it matches in one way of reading the request, not in all'],
]
for (const [facts, rule, why] of rows) t.equal(told(facts, [{ id: 'r', host: HOST, ...rule }]).considered[0]?.why, why, why)

t.test('every rule is told, and the ruling is the one that is given', async t => {
  const rules: RuleDocument[] = [{ id: 'a', host: HOST }, { id: 'no', action: 'deny', host: HOST, path: '/x' }, { id: 'b', host: 'b.example' }]
  t.match(told(request('/x'), rules), {
    action: 'deny', rule: 'no', decision: { kind: 'deny', rule: 'no' },
    matched: [{ rule: 'a', action: 'allow' }, { rule: 'no', action: 'deny' }],
    considered: [{ rule: 'a', matches: true }, { rule: 'no', action: 'deny', matches: true }, { rule: 'b', matches: false }],
  })
})

t.test('the nearest rule is the one that came closest', async t => {
  const rules: RuleDocument[] = [
    { id: 'far', host: HOST, port: 8443 },
    { id: 'near', host: HOST, path: '/v1/models/**' },
    { id: 'less', host: HOST, path: '/v2/**' },
    { id: 'no', host: HOST, action: 'deny', path: '/v1/model' },
    { id: 'other', host: 'www.example.com' },
  ]
  const ruleset = compileRuleset({ version: 1, rules }, 'h')
  t.match(nearest(ruleset, request('/v1/mode'), context), { rule: 'near', why: /^path is/ })
  t.match(nearest(ruleset, request('/', { host: 'web.example.com' }), context), { rule: /./, why: /^host is web\.example\.com/ }, 'a rule for the same domain')
  t.equal(nearest(ruleset, request('/', { host: 'example.org' }), context), null, 'no rule is near')
  t.equal(nearest(ruleset, request('/', { host: '8.8.8.8' }), context), null)
  t.match(nearest(compileRuleset({ version: 1, rules: [{ id: 'p', host: HOST, path: '/x' }] }, 'h'), request(`/${'a'.repeat(8000)}`), context), { why: /^.{0,300}$/ }, 'a long path is cut')
})
