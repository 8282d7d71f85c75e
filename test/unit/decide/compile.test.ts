/** A policy becomes an index: nothing is lost on the way, whatever its size. */
import t from 'tap'
import { compileGrants, compileRuleset } from '../../../lib/decide/compile.ts'
import { covers } from '../../../lib/decide/covers.ts'
import { decide } from '../../../lib/decide/decide.ts'
import { nearest } from '../../../lib/decide/explain.ts'
import type { RuleDocument } from '../../../lib/model/policy.ts'
import { request } from './facts.ts'
import { seeded } from './seeded.ts'

const context = { now: 0, used: () => 0 }
const none = compileGrants([])

t.test('what is known of a policy', async t => {
  const rule: RuleDocument = { id: 'a', host: 'a.example', expires: '1970-01-01T00:00:02Z' }
  const ruleset = compileRuleset({ version: 1, name: 'n', rules: [rule, { ...rule, id: 'b', expires: '1970-01-01T00:00:01Z' }, { id: 'c', host: 'c.example' }] }, 'hash')
  t.match(ruleset, { name: 'n', hash: 'hash', unmatched: 'hold', size: 3 })
  t.same(ruleset.rule('a'), rule)
  t.equal(ruleset.rule('z'), null)
  t.same([0, 1000, 1999, 2000].map(ruleset.nextExpiry), [1000, 2000, 2000, null], 'the next end is one still to come')
  t.match(compileRuleset({ version: 1 }, 'h'), { name: null, unmatched: 'hold', size: 0 })
  t.throws(() => { (ruleset as { hash: string }).hash = 'x' }, 'it cannot be changed')
})

t.test('what was never checked does not compile', async t => {
  const bad: RuleDocument[] = [{ id: 'r', host: '[a]' }, { id: 'r', host: 'a', path: 'x' }, { id: 'r', cidr: '10.0.0.1/8' }, { id: 'r', host: 'a', port: 'x' }, { id: 'r', host: 'a', private: ['lan'] }]
  for (const rule of bad) t.throws(() => compileRuleset({ version: 1, rules: [rule] }, 'h'), JSON.stringify(rule))
  t.throws(() => compileRuleset({ version: 1, rules: [{ id: 'r', host: 'a' }, { id: 'r', host: 'a', action: 'deny' }] }, 'h'), 'two rules of one id')
})

const { seed, pick, upTo } = seeded()

t.test(`the index finds whatever asking each rule by itself finds (seed ${seed})`, async t => {
  const hosts = ['a.example', 'b.a.example', '*.a.example', '**.a.example', '*.b.a.example', 'x*.a.example', '*.*.example', '**']
  const paths = ['/', '/v1', '/v1/**', '/v1/*', '/v1/*/x', '/**/x', '/**/*', '/v1/**/x', '/a*/x', '/%2A', '/**/v1/**']
  const rules = Array.from({ length: 120 }, (_, n): RuleDocument => ({
    id: `r${n}`, host: upTo(2) === 0 ? pick(hosts) : [pick(hosts), pick(hosts)], anyHost: true, path: upTo(2) === 0 ? pick(paths) : [pick(paths), pick(paths)], method: pick(['GET', 'POST']), action: pick(['allow', 'hold', 'deny'] as const),
  }))
  const names = ['a.example', 'b.a.example', 'c.a.example', 'xy.a.example', 'c.b.a.example', 'z']
  const targets = ['/', '/v1', '/v1/', '/v1/q', '/v1/q/x', '/q/x', '/a/x', '/v1/a/b/x', '/*', '/x', '/v1//x', '/q%2Fx']
  for (const action of ['allow', 'hold', 'deny'] as const) {
    const kept = rules.filter(rule => rule.action === action)
    const together = compileRuleset({ version: 1, unmatched: 'observe', rules: kept }, 'h')
    const apart = kept.map(rule => compileRuleset({ version: 1, unmatched: 'observe', rules: [rule] }, 'h'))
    for (const host of names) for (const target of targets) for (const method of ['GET', 'POST']) {
      const facts = request(target, { host, method })
      const whole = decide(together, none, facts, context)
      const single = apart.map(ruleset => decide(ruleset, none, facts, context)).filter(decision => decision.rule !== null)
      if (action === 'allow' && facts.readings.length > 1) continue // readings may be ruled by different rules
      if ((whole.rule !== null) !== (single.length > 0)) return t.fail(`${action} ${method} ${host}${target}: ${JSON.stringify(single[0])}`)
      if (whole.rule !== null && !single.some(decision => decision.rule === whole.rule)) return t.fail(`${whole.rule} is no match by itself`)
    }
  }
})

t.test('the most specific rule is found in a crowd', async t => {
  const crowd = (make: (n: number) => Partial<RuleDocument>): RuleDocument[] => Array.from({ length: 3000 }, (_, n) => ({ id: `r${n}`, ...make(n) }))
  // [shape, rules, host, target]
  const shapes: [string, RuleDocument[], string, string][] = [
    ['hosts', crowd(n => ({ host: `h${n}.example.com` })), 'h7.example.com', '/'],
    ['host patterns', crowd(n => ({ host: `*.h${n}.example.com` })), 'a.h7.example.com', '/'],
    ['wildcards in the middle', crowd(n => ({ host: `h${n}.*.example.com` })), 'h7.eu.example.com', '/'],
    ['paths', crowd(n => ({ host: 'a.example.com', path: `/v1/x${n}/**` })), 'a.example.com', '/v1/x7/y'],
    ['paths behind a wildcard', crowd(n => ({ host: 'a.example.com', path: `/*/x${n}` })), 'a.example.com', '/q/x7'],
    ['paths behind `**`', crowd(n => ({ host: 'a.example.com', path: `/**/x${n}` })), 'a.example.com', '/q/r/x7'],
    ['networks', crowd(n => ({ cidr: `20.${n >> 8}.${n & 255}.0/24` })), '20.0.7.9', '/'],
  ]
  for (const [shape, rules, host, target] of shapes) {
    const ruleset = compileRuleset({ version: 1, rules }, 'h')
    t.match(decide(ruleset, none, request(target, { host }), context), { kind: 'allow', rule: 'r7' }, shape)
    t.match(decide(ruleset, none, request('/none', { host: 'none.test' }), context), { kind: 'hold', rule: null }, `${shape}: no match`)
    let asked = 0
    decide(compileRuleset({ version: 1, rules: rules.map(rule => ({ ...rule, maxUses: 1 })) }, 'h'), none, request(target, { host }), { now: 0, used: () => { asked++; return 0 } })
    t.ok(asked <= 16, `${shape}: ${asked} of ${rules.length} rules were asked`)
    asked = 0
    nearest(compileRuleset({ version: 1, rules: rules.map(rule => ({ ...rule, maxUses: 1 })) }, 'h'), request('/none', { host }), { now: 0, used: () => { asked++; return 0 } })
    t.ok(asked <= 64, `${shape}: nearest asked ${asked}`)
  }
})

t.test('a rule covers a request, in every reading of it, or it does not', async t => {
  t.ok(covers({ host: 'api.example.com', path: ['/a%2Fb', '/a/b'] }, request('/a%2Fb')))
  t.notOk(covers({ host: 'api.example.com', path: '/a%2Fb' }, request('/a%2Fb')))
  t.notOk(covers({ cidr: '10.0.0.0/8', private: true }, request('/', { host: '10.0.0.1' })), 'what is not public, no rule that is granted opens')
  t.ok(covers({ cidr: '8.8.8.8/32' }, request('/', { host: '8.8.8.8' })))
  t.notOk(covers({ host: 'api.example.com', path: '/[' }, request('/')), 'a rule that is not sound covers nothing')
})
