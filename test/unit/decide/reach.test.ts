/** What a policy could ever let through, by the name alone. */
import t from 'tap'
import { compileGrants, compileRuleset } from '../../../lib/decide/compile.ts'
import { couldAllow, meansWithin } from '../../../lib/decide/reach.ts'
import type { PolicyDocument } from '../../../lib/model/policy.ts'
import type { CanonicalHost } from '../../../lib/model/request.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')
const host = (text: string): CanonicalHost => text as CanonicalHost
const could = (policy: Omit<PolicyDocument, 'version'>, name: string): boolean => couldAllow(compileRuleset({ version: 1, ...policy }, 'h'), compileGrants([]), host(name), NOW)

t.test('where what no rule knows is denied, only a name that a rule allows or holds could be allowed', async t => {
  const policy: Omit<PolicyDocument, 'version'> = { unmatched: 'deny', rules: [
    { id: 'a', host: 'api.example.com', path: '/v1/**' },
    { id: 'b', action: 'hold', host: '*.held.example' },
    { id: 'c', action: 'deny', host: 'shut.example' },
    { id: 'd', host: 'old.example', expires: '2020-01-01T00:00:00Z' },
    { id: 'e', host: 'db.example', scheme: 'tcp', port: 5432 },
  ] }
  for (const name of ['api.example.com', 'x.held.example', 'db.example']) t.ok(could(policy, name), name)
  for (const name of ['other.example.com', 'held.example', 'shut.example', 'old.example', 'data.api.example.com']) t.notOk(could(policy, name), name)
})

t.test('where it is held or observed, any name could be', async t => {
  for (const unmatched of ['hold', 'observe'] as const) t.ok(could({ unmatched }, 'anything.example'))
})

t.test('a rule means a host within a domain when it names the domain', async t => {
  const means = (pattern: string): boolean => meansWithin(compileRuleset({ version: 1, rules: [{ id: 'a', host: pattern }] }, 'h'), compileGrants([]), host('db.corp.example'), host('corp.example'), NOW)
  t.ok(means('db.corp.example'))
  t.ok(means('*.corp.example'))
  t.notOk(means('*.example'), 'it means all in example')
  t.notOk(means('other.corp.example'))
})
