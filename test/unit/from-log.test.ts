import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkPolicy } from '../../lib/config/load.ts'
import { compileGrants, compileRuleset } from '../../lib/decide/compile.ts'
import { decide } from '../../lib/decide/decide.ts'
import { addSuggested, withSuggested } from '../../lib/add-suggested.ts'
import { suggestPolicy } from '../../lib/from-log.ts'
import type { AuditRecord } from '../../lib/model/audit.ts'
import type { PolicyDocument } from '../../lib/model/policy.ts'
import { describeRequest } from '../../lib/normalize/offline.ts'

let flows = 0
const record = (over: Partial<AuditRecord> = {}): AuditRecord => ({
  event: 'closed', time: '2026-01-31T12:00:00.000Z', flow: `f${flows++}`, client: 'agent', scheme: 'https', host: 'api.example.com', port: 443, method: 'GET', path: '/',
  action: 'allow', rule: null, reason: null, code: null, wouldHold: false, policy: { name: null, hash: 'h', generation: 1 }, held: null, address: '93.184.215.14',
  status: 200, bytesUp: 0, bytesDown: 2, durationMs: 3, error: null, details: null, ...over,
})

function log(t: { testdir(files: Record<string, string>): string }, records: readonly (AuditRecord | string)[]): string {
  return join(t.testdir({ 'audit.jsonl': records.map(each => `${typeof each === 'string' ? each : JSON.stringify(each)}\n`).join('') }), 'audit.jsonl')
}

const digest = (): AuditRecord[] => [
  ...Array.from({ length: 40 }, (_, n) => record({ host: 'news.example.com', path: `/v0/item/${8_863 + n}.json?print=…`, wouldHold: true })),
  record({ host: 'news.example.com', path: '/v0/topstories.json', rule: 'news' }),
  record({ host: 'chat.example.com', method: 'POST', path: '/api/chat.postMessage', bytesUp: 41, held: { question: 'q', ms: 1, by: 'ann', door: 'terminal', grant: 'once', waiters: 0 } }),
]

t.test('what was let through is allowed by the policy, whoever let it through, and nothing else', async t => {
  const records = [
    ...digest(),
    record({ host: '8.8.8.8', path: '/dns-query' }),
    record({ scheme: 'wss', host: 'live.example.com', path: '/socket', bytesUp: 900 }),
    record({ scheme: 'tcp', host: 'db.example.com', port: 5432, method: 'CONNECT', path: null }),
    record({ scheme: 'http', host: 'old.example.com', port: 80, path: '/a%2Fb/;v=1' }),
    record({ host: 'evil.example.net', action: 'deny', code: 'policy_denied' }),
    record({ host: 'slow.example.net', action: 'refuse', code: 'approval_pending' }),
    record({ host: 'left.example.net', action: 'hold' }),
  ]
  const { policy, rules, leftOut, requests, unused } = await suggestPolicy(log(t, records), { name: 'digest' })
  const loaded = checkPolicy(policy)
  if (loaded.kind !== 'policy') throw new Error(JSON.stringify(loaded.problems))
  t.match(policy, { version: 1, name: 'digest', unmatched: 'hold' })
  t.match(policy.rules?.find(({ host }) => host === 'news.example.com'), { id: 'news.example.com', method: 'GET', path: ['/v0/item/*.json', '/v0/topstories.json'], note: /41 requests/ })
  t.match(rules.find(({ rule }) => rule.host === 'news.example.com')?.paths[0], { requests: 40, examples: ['GET /v0/item/8863.json', 'GET /v0/item/8864.json', 'GET /v0/item/8865.json'] })
  t.same([leftOut, unused], [[], []])
  t.same(requests, { allowed: 46, known: 0, refused: 3 })

  const ruleset = compileRuleset({ ...loaded.document, unmatched: 'deny' }, '')
  for (const { action, scheme, host, port, method, path } of records) {
    const described = describeRequest({ method: method!, url: path === null ? `tcp://${host}:${port}` : `${scheme}://${host}:${port}${path.replace('…', '1')}` })
    if (described.kind === 'refused') throw new Error(described.reason)
    t.equal(decide(ruleset, compileGrants([]), described.facts, { now: 0, used: () => 0 }).kind, action === 'allow' ? 'allow' : 'deny', `${method} ${host}${path}`)
  }
})

t.test('what is not public is left out, and said', async t => {
  const { policy, leftOut } = await suggestPolicy(log(t, [
    record({ host: '10.0.0.1', address: '10.0.0.1' }), record({ host: '169.254.169.254', scheme: 'http', port: 80 }), record({ host: 'intranet.example.com', address: '10.1.2.3' }),
    record({ host: 'rebound.example.com', code: 'address_forbidden', address: null, status: 403 }), record({ path: '//x' }), record({ path: `/${'x'.repeat(9)}…` }), record({ host: 'a b' }),
  ]))
  t.same(policy.rules, [])
  t.match(leftOut.map(({ place, why }) => `${place} ${why}`).sort().join('\n'), /http:\/\/169\.254.*not public[\s\S]*https:\/\/10\.0\.0\.1.*not public[\s\S]*cut in the log[\s\S]*intranet\.example\.com.*"private": "10\.1\.2\.3\/32"/)
  t.notMatch(JSON.stringify(leftOut), /rebound/, 'a refused address was not let through')
})

t.test('flows that are still open count, and those of a firewall that died; lines that are no records are counted', async t => {
  const open = record({ event: 'open', scheme: 'wss', host: 'open.example.com', path: '/s' })
  const both = record({ host: 'both.example.com' })
  const { policy, requests, unreadable } = await suggestPolicy(log(t, [{ ...both, event: 'open' }, both, open, record({ event: 'open', action: 'hold', host: 'asked.example.com' }), record({ event: 'interrupted', host: 'died.example.com' }), 'garbage', record({ event: 'notice', reason: 'started' })]))
  t.same(policy.rules?.flatMap(({ host }) => host), ['both.example.com', 'died.example.com', 'open.example.com'])
  t.equal(requests.allowed, 3)
  t.equal(unreadable, 1)
})

t.test('what can\'t stand in one policy is not written into one', async t => {
  const stream = { method: 'CONNECT', path: null }
  const { policy, leftOut } = await suggestPolicy(log(t, [record(), record({ ...stream, scheme: 'tcp' }), record(stream), record({ ...stream, host: 'pinned.example.com' })]))
  t.match(policy.rules, [{ host: 'api.example.com', path: '/' }, { host: 'pinned.example.com', tls: 'passthrough' }])
  t.equal(leftOut.length, 2)
  t.match(leftOut, [{ why: /read elsewhere/ }, { why: /read elsewhere/ }])
  t.equal(checkPolicy(policy).kind, 'policy')
})

t.test('merged into a policy, only what is new is added, and what was never used is said', async t => {
  const base: PolicyDocument = { version: 1, rules: [
    { id: 'news', host: 'news.example.com', access: 'read-only' },
    { id: 'old', host: 'old.example.com' },
    { id: 'shut', action: 'deny', host: 'shut.example.com' },
    { id: 'asks', action: 'hold', host: 'ask.example.com' },
    { id: 'search', host: 'q.example.com', query: { q: 'cats' } },
    { id: 'chat.example.com', action: 'deny', host: 'never.example.com' },
  ] }
  const file = log(t, [...digest(), record({ host: 'shut.example.com', action: 'deny', code: 'policy_denied', rule: 'shut' }), record({ host: 'ask.example.com', rule: 'asks' }), record({ host: 'q.example.com', path: '/?q=…', rule: 'search' })])
  const suggested = await suggestPolicy(file, { merge: base })
  t.same(suggested.policy.rules?.slice(0, 6), base.rules)
  t.match(suggested.policy.rules?.slice(6), [{ id: 'chat.example.com-2', host: 'chat.example.com', method: 'POST', path: '/api/chat.postMessage' }])
  t.same(suggested.unused, ['old', 'chat.example.com'])
  t.same(suggested.requests, { allowed: 44, known: 42, refused: 1 })
  t.match(suggested.leftOut, [{ place: 'https://ask.example.com:443', why: /"asks" asks about it/ }], 'a hold rule is answered, not outranked')

  const policy = join(t.testdir({ 'policy.json': `{\n  "version": 1, "rules": [\n    { "id": "news", "host": "news.example.com" }\n  ]\n}\n` }), 'policy.json')
  const before = readFileSync(policy, 'utf8')
  writeFileSync(join(policy, '../audit.jsonl'), digest().map(each => `${JSON.stringify(each)}\n`).join(''))
  const added = await suggestPolicy(join(policy, '../audit.jsonl'), { merge: policy })
  t.equal(readFileSync(policy, 'utf8'), before, 'the file is left alone')
  const text = withSuggested(before, added)
  t.ok(text.startsWith(before.slice(0, before.indexOf('\n  ]'))), 'what stands in it stays as it was written')
  await addSuggested(policy, added)
  t.equal(readFileSync(policy, 'utf8'), text)
  t.same((await suggestPolicy(join(policy, '../audit.jsonl'), { merge: policy })).rules, [], 'and then there is nothing new')
})

t.test('a log or a policy that can\'t be read is an error with a fix', async t => {
  await t.rejects(suggestPolicy(join(t.testdir({}), 'none.jsonl')), { code: 'E_AUDIT_UNREADABLE' })
  await t.rejects(suggestPolicy(log(t, []), { merge: { version: 1, rules: [{ id: 'x' }] } }), { code: 'E_POLICY_INVALID' })
})
