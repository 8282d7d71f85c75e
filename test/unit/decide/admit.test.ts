/** At connection time: is the stream ruled as a whole, or each request in it. */
import t from 'tap'
import { admit } from '../../../lib/decide/admit.ts'
import { compileGrants, compileRuleset } from '../../../lib/decide/compile.ts'
import { PUBLIC_ONLY } from '../../../lib/model/policy.ts'
import type { Grant } from '../../../lib/model/hold.ts'
import type { RuleDocument } from '../../../lib/model/policy.ts'
import { stream } from './facts.ts'

const HOST = 'api.example.com'
const db: RuleDocument = { id: 'db', host: HOST, scheme: 'tcp', port: 5432 }
const pin: RuleDocument = { id: 'pin', host: '*.example.com', tls: 'passthrough' }
const grant: Grant = { id: 'g', question: 'q', answers: null, rule: { host: HOST, scheme: 'tcp', port: 22 }, terms: { scope: PUBLIC_ONLY, maxRequestBytes: null, maxResponseBytes: null }, expiresAt: 100, maxUses: null, by: null, door: 'd', createdAt: 0 }

// [why, port, rules, admission]
const rows: [string, number, RuleDocument[], string][] = [
  ['no rule', 443, [], 'intercept'],
  ['a rule for requests', 443, [{ id: 'r', host: HOST }], 'intercept'],
  ['a tcp rule', 5432, [db], 'tunnel'],
  ['a tcp rule for another port', 5433, [db], 'intercept'],
  ['a tcp rule that holds is ruled as a stream too', 5432, [{ ...db, action: 'hold' }], 'tunnel'],
  ['a deny of every scheme names no stream', 5432, [{ id: 'no', action: 'deny', host: HOST }], 'intercept'],
  ['passthrough', 443, [pin], 'passthrough'],
  ['passthrough on another port', 8443, [pin], 'intercept'],
  ['passthrough that holds', 443, [{ ...pin, action: 'hold' }], 'passthrough'],
  ['a denied passthrough is heard inside the tunnel', 443, [{ ...pin, action: 'deny' }], 'intercept'],
  ['tcp before passthrough', 443, [pin, { ...db, port: 443 }], 'tunnel'],
  ['a rule that has ended', 443, [{ ...pin, expires: '1970-01-01T00:00:00.050Z' }], 'intercept'],
  ['a tcp grant', 22, [], 'tunnel'],
]
for (const [why, port, rules, kind] of rows) {
  t.equal(admit(compileRuleset({ version: 1, rules }, 'h'), compileGrants([grant]), stream('tcp', port), { now: 50, used: () => 0 }).kind, kind, why)
}

const none = compileRuleset({ version: 1 }, 'h')
t.equal(admit(none, compileGrants([grant]), stream('tcp', 22), { now: 100, used: () => 0 }).kind, 'intercept', 'a tcp grant that has ended')
t.equal(admit(none, compileGrants([]), null as never, { now: 0, used: () => 0 }).kind, 'intercept', 'what cannot be judged is intercepted, and judged again there')
