import t from 'tap'
import { checkGrantRule, parseAnswer } from '../../../lib/config/load.ts'

const RULE = { host: 'api.example.com' }

t.test('a typed verdict is an answer', async t => {
  const answers = [
    { verdict: 'approve', grant: 'once' },
    { verdict: 'approve', grant: 'once', by: 'ana', note: 'checked' },
    { verdict: 'approve', grant: { rule: RULE } },
    { verdict: 'approve', grant: { rule: { host: '*.example.com', port: [443, '8000-8999'], scheme: ['https', 'wss'], method: ['GET', 'POST'], path: '/v1/**', query: { a: '*' }, onlyQuery: true, expires: '2030-01-01T00:00:00Z', maxUses: 2, note: 'x', id: 'mine' }, ttlMs: 1, maxUses: 3 } },
    { verdict: 'approve', grant: { rule: { cidr: '8.8.8.0/24', access: 'read-only' }, persist: true } },
    { verdict: 'deny' },
    { verdict: 'deny', reason: 'no', ttlMs: 60_000, by: 'ana' },
    { verdict: 'pass' },
    { verdict: 'approve', grant: 'once', shown: 'q1.3' },
    { verdict: 'approve', grant: { rules: 'asked' }, shown: 'q1.3' },
  ]
  for (const answer of answers) {
    const parsed = parseAnswer(answer)
    t.same(parsed, { kind: 'answer', answer }, JSON.stringify(answer))
    if (parsed.kind === 'answer') t.ok(parsed.answer !== answer && Object.isFrozen(parsed.answer), 'a frozen value of its own')
  }
})

t.test('anything else is refused', async t => {
  const values: unknown[] = [
    true, false, 1, 0, null, undefined, '', 'yes', 'approve', 'once', [], ['approve'], {}, { allow: true }, { approve: true }, { ok: true }, { verdict: true },
    { verdict: 'allow' }, { verdict: 'Approve' }, { verdict: 'approve ' }, { verdict: ['approve'] }, { verdict: { toString: () => 'approve' } },
    { verdict: 'approve' }, { verdict: 'approve', grant: null }, { verdict: 'approve', grant: true }, { verdict: 'approve', grant: 'always' }, { verdict: 'approve', grant: ['once'] },
    { verdict: 'approve', grant: {} }, { verdict: 'approve', grant: { rule: null } }, { verdict: 'approve', grant: { rule: {} } }, { verdict: 'approve', grant: { rule: RULE, ttl: 5 } },
    { verdict: 'approve', grant: { rule: RULE, ttlMs: 0 } }, { verdict: 'approve', grant: { rule: RULE, ttlMs: '1h' } }, { verdict: 'approve', grant: { rule: RULE, ttlMs: Infinity } }, { verdict: 'approve', grant: { rule: RULE, maxUses: 0.5 } },
    { verdict: 'approve', grant: { rule: RULE, persist: 'yes' } }, { verdict: 'approve', grant: { rule: RULE, persist: true, ttlMs: 5 } }, { verdict: 'approve', grant: 'once', rule: RULE }, { verdict: 'approve', grant: 'once', by: 5 },
    { verdict: 'deny', grant: 'once' }, { verdict: 'deny', reason: 5 }, { verdict: 'deny', ttlMs: -1 }, { verdict: 'pass', grant: 'once' },
    { get verdict() { throw new Error('no') } }, new Proxy({}, { get() { throw new Error('no') } }), Promise.resolve({ verdict: 'approve', grant: 'once' }), () => ({ verdict: 'pass' }),
    Object.create({ verdict: 'approve', grant: 'once' }), JSON.parse('{"__proto__":{"verdict":"approve","grant":"once"}}'),
  ]
  for (const [at, value] of values.entries()) {
    const parsed = parseAnswer(value)
    t.ok(parsed.kind === 'refused' && parsed.problems.length > 0 && parsed.problems.every(({ problem, fix }) => problem !== '' && fix !== ''), `value ${at} is refused with a sentence`)
  }
})

t.test('a verdict that changes while it is read cannot become an approval', async t => {
  let asked = 0
  const parsed = parseAnswer({ get verdict() { return asked++ === 0 ? 'pass' : 'approve' }, get grant() { return asked === 1 ? undefined : 'once' } })
  t.same(parsed, { kind: 'answer', answer: { verdict: 'pass' } })
})

t.test('an approval grants no more than the language lets it', async t => {
  // [what it shows, the rule, where it is told]
  const refused: [string, unknown, string][] = [
    ['a private address', { cidr: '10.0.0.0/8' }, '/cidr'],
    ['one of two', { cidr: ['8.8.8.8', '127.0.0.1'] }, '/cidr/1'],
    ['cloud metadata', { cidr: '169.254.169.254' }, '/cidr'],
    ['cloud metadata at a public address', { cidr: '168.63.129.0/24' }, '/cidr'],
    ['a private address in an IPv6 one', { cidr: '::ffff:10.0.0.1' }, '/cidr'],
    ['a tunnel to anywhere', { cidr: '2002::/16' }, '/cidr'],
    ['every address', { cidr: '0.0.0.0/0' }, '/cidr'],
    ['half of them', { cidr: '0.0.0.0/1' }, '/cidr'],
    ['every host', { host: '**' }, '/host'],
    ['a public suffix', { host: '*.co.uk' }, '/host'],
    ['every host, said so', { host: '**', anyHost: true }, '/anyHost'],
    ['private', { ...RULE, private: true }, '/private'],
    ['passthrough', { ...RULE, tls: 'passthrough' }, '/tls'],
    ['another action', { ...RULE, action: 'deny' }, '/action'],
    ['a header', { ...RULE, header: { a: '*' } }, '/header'],
    ['caps', { ...RULE, maxRequestBytes: 1 }, '/maxRequestBytes'],
    ['no place', { method: 'GET' }, ''],
    ['two places', { ...RULE, cidr: '8.8.8.8' }, ''],
    ['nothing', null, ''],
    ['a list', [RULE], ''],
  ]
  for (const [shows, rule, pointer] of refused) {
    const checked = checkGrantRule(rule)
    t.ok(checked.kind === 'refused' && checked.problems.some(problem => problem.pointer === pointer), shows, { checked })
    const parsed = parseAnswer({ verdict: 'approve', grant: { rule } })
    t.equal(parsed.kind, 'refused', `${shows}, in an answer`)
  }
  t.match(parseAnswer({ verdict: 'approve', grant: { rule: { host: '*' } } }), { problems: [{ pointer: '/grant/rule/host' }] }, 'in an answer it is told where it stands in the answer')
})

t.test('a granted rule is a frozen value of its own', async t => {
  const rule = { host: ['a.example.com'] }
  const checked = checkGrantRule(rule)
  t.same(checked, { kind: 'rule', rule })
  rule.host.push('b.example.com')
  t.same(checked, { kind: 'rule', rule: { host: ['a.example.com'] } })
  if (checked.kind === 'rule') t.ok(Object.isFrozen(checked.rule) && Object.isFrozen(checked.rule.host))
})
