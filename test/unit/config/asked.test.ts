/** What an agent may ask for, and when one rule lies within another. What is refused of single rules is in answers.test.ts. */
import t from 'tap'
import { liesWithin, parseTask } from '../../../lib/config/asked.ts'
import type { RuleShape } from '../../../lib/model/policy.ts'

const CLOSED = new Set(['own.internal'])
const problemsOf = (value: unknown): string[] => {
  const parsed = parseTask(value, CLOSED)
  return parsed.kind === 'refused' ? parsed.problems.map(({ pointer, problem }) => `${pointer} ${problem}`) : []
}
const ask = (...rules: unknown[]): string[] => problemsOf({ reason: 'r', rules })

t.test('a reason and sound rules are taken, as a value of its own', t => {
  const given = { reason: 'the digest', rules: [{ host: '*.example.com', access: 'read-only' }, { cidr: '8.8.8.8', scheme: 'tcp', port: 53 }] }
  const parsed = parseTask(given, CLOSED)
  t.match(parsed, { kind: 'task', ...given })
  given.rules[0]!.host = '**'
  t.match(parsed, { rules: [{ host: '*.example.com' }] })
  t.end()
})

t.test('a request that is none is refused with what is wrong', t => {
  for (const [value, problem] of [
    [null, /is an object/], ['x', /is an object/], [[], /is an object/], [{}, /no "reason"[^]*no "rules"/], [{ reason: ' ', rules: [] }, /no "reason"[^]*no "rules"/],
    [{ reason: 'r'.repeat(2_001), rules: [{ host: 'a.example' }] }, /more than 2000/], [{ reason: 'r', rules: [{ host: 'a.example' }], verdict: 'approve' }, /"verdict" is no part/],
    [{ reason: 'r', rules: [null] }, /\/rules\/0/], [{ reason: 'r', rules: { 0: {} } }, /no "rules"/],
    [JSON.parse('{"reason":"r","rules":[],"__proto__":{}}'), /__proto__/],
  ] as const) t.match(problemsOf(value).join('\n'), problem, JSON.stringify(value).slice(0, 60))
  t.end()
})

t.test('a rule is narrower than what an approval could give', t => {
  t.match(ask({ host: 'a.example' }, { host: 'a.example', id: 'x' }), [/^\/rules\/1\/id/])
  t.match(ask({ host: 'a.example', note: 'approved' }), [/^\/rules\/0\/note/])
  t.match(ask({ host: 'OWN.internal' }), [/no approval/])
  t.match(ask({ cidr: ['8.8.8.8', '2001:4860:4860::/48'] }), [/whole network/])
  t.match(ask({ host: 'a.example', scheme: 'tcp', port: [22, 23] }), [/one port/])
  t.match(ask({ host: 'a.example', scheme: 'tcp', port: '1-65535' }), [/one port/])
  t.match(ask({ host: 'a.example', scheme: 'tcp' }), [/names no "port"/])
  t.strictSame(ask({ host: 'db.example', scheme: 'tcp', port: 5432 }), [])
  t.end()
})

// [what it shows, narrow, wide, does it lie within]
const cases: readonly (readonly [string, RuleShape, RuleShape, boolean])[] = [
  ['the same', { host: 'a.example', maxUses: 3 }, { host: 'a.example', maxUses: 3 }, true],
  ['a path below', { host: 'a.example', path: '/v1/x' }, { host: 'a.example', path: '/v1/**' }, true],
  ['one host of many', { host: 'b.example.com' }, { host: ['a.example', '*.example.com'] }, true],
  ['fewer uses', { host: 'a.example', maxUses: 1 }, { host: 'a.example', maxUses: 3 }, true],
  ['an earlier end', { host: 'a.example', expires: '2030-01-01T00:00:00Z' }, { host: 'a.example', expires: '2031-01-01T00:00:00Z' }, true],
  ['reading of everything', { host: 'a.example', access: 'read-only' }, { host: 'a.example' }, true],
  ['more uses', { host: 'a.example' }, { host: 'a.example', maxUses: 3 }, false],
  ['a later end', { host: 'a.example' }, { host: 'a.example', expires: '2031-01-01T00:00:00Z' }, false],
  ['another port', { host: 'a.example', port: 8443 }, { host: 'a.example' }, false],
  ['another scheme', { host: 'a.example', scheme: 'http' }, { host: 'a.example' }, false],
  ['one method more', { host: 'a.example', method: ['GET', 'POST'] }, { host: 'a.example', method: 'GET' }, false],
  ['without the query', { host: 'a.example' }, { host: 'a.example', query: { q: 'x' } }, false],
  ['an address for a name', { cidr: '8.8.8.8' }, { host: 'a.example' }, false],
]
for (const [shows, narrow, wide, isWithin] of cases) t.equal(liesWithin(narrow, wide), isWithin, shows)
