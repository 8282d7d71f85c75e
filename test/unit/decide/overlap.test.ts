/** Which rules a rule that is asked for would meet. */
import t from 'tap'
import { compileRuleset } from '../../../lib/decide/compile.ts'
import { rulesMet } from '../../../lib/decide/overlap.ts'
import type { RuleShape } from '../../../lib/model/policy.ts'

const ruleset = compileRuleset({
  version: 1, rules: [
    { id: 'wide', action: 'hold', host: '*.example.com' },
    { id: 'post', action: 'hold', host: 'api.example.com', method: 'POST', path: '/pay' },
    { id: 'plain', action: 'hold', host: 'api.example.com', scheme: 'http' },
    { id: 'high', action: 'hold', host: 'api.example.com', port: '8000-9000' },
    { id: 'net', action: 'hold', cidr: '8.8.8.0/24' },
    { id: 'ended', action: 'hold', host: '**', anyHost: true, expires: '2020-01-01T00:00:00Z' },
    { id: 'deny', action: 'deny', host: 'api.example.com' },
    { id: 'allow', host: 'api.example.com' },
  ],
}, 'h')

// [what it shows, rule, the hold rules that it meets]
const cases: readonly (readonly [string, RuleShape, readonly string[]])[] = [
  ['any method', { host: 'api.example.com' }, ['wide', 'post']],
  ['a method apart', { host: 'api.example.com', method: 'GET' }, ['wide']],
  ['a path is not looked at: rather too many are shown', { host: 'api.example.com', method: 'POST', path: '/free' }, ['wide', 'post']],
  ['in the clear', { host: 'api.example.com', scheme: 'http', method: 'GET' }, ['wide', 'plain']],
  ['a port in a range', { host: 'api.example.com', port: [443, 8443], method: 'GET' }, ['wide', 'high']],
  ['patterns that share a name', { host: 'api.*.com', method: 'GET' }, ['wide']],
  ['another domain', { host: 'api.example.org' }, []],
  ['an address in a network', { cidr: '8.8.8.8' }, ['net']],
  ['an address outside', { cidr: '9.9.9.9' }, []],
  ['a stream', { host: 'api.example.com', scheme: 'tcp', port: 22 }, ['wide', 'post']],
]
for (const [shows, rule, met] of cases) t.strictSame(rulesMet(ruleset, rule, 'hold', Date.parse('2030-01-01T00:00:00Z')), met, shows)
t.strictSame(rulesMet(ruleset, { host: '*.example.com' }, 'deny', 0), ['deny'])
