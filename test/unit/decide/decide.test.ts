/** The judgement: which ruling wins, what a grant opens, what is denied whatever the rules say. */
import t from 'tap'
import { compileGrants, compileRuleset } from '../../../lib/decide/compile.ts'
import { decide, termsOf } from '../../../lib/decide/decide.ts'
import type { DecideContext } from '../../../lib/decide/decide.ts'
import { Permit } from '../../../lib/model/decision.ts'
import type { Decision } from '../../../lib/model/decision.ts'
import type { Grant } from '../../../lib/model/hold.ts'
import { PUBLIC_ONLY } from '../../../lib/model/policy.ts'
import type { RuleDocument, RuleShape, Unmatched } from '../../../lib/model/policy.ts'
import { twinKey } from '../../../lib/model/request.ts'
import type { Facts } from '../../../lib/model/request.ts'
import { request, stream } from './facts.ts'

const NOW = Date.parse('2030-01-01T00:00:00Z')
const HOST = 'api.example.com'
const PUBLIC = { scope: PUBLIC_ONLY, maxRequestBytes: null, maxResponseBytes: null }

interface Setting extends Partial<DecideContext> { rules?: RuleDocument[], unmatched?: Unmatched, grants?: Grant[] }

const ruled = (facts: Facts, { rules = [], unmatched = 'hold', grants = [], ...context }: Setting = {}): Decision =>
  decide(compileRuleset({ version: 1, unmatched, rules }, 'h'), compileGrants(grants), facts, { now: NOW, used: () => 0, ...context })

const grant = (answers: string | null, rule: RuleShape = { host: HOST }, more: Partial<Grant> = {}): Grant =>
  ({ id: 'g', question: 'q', answers, rule, terms: PUBLIC, expiresAt: null, maxUses: null, by: null, door: 'd', createdAt: NOW, ...more })

t.test('the ruling', async t => {
  const all: RuleDocument = { id: 'all', host: HOST }
  const ask: RuleDocument = { id: 'ask', host: HOST, action: 'hold', path: '/x/**', note: 'why we ask' }
  const never: RuleDocument = { id: 'never', host: HOST, action: 'deny', path: '/x/y' }
  // [why, facts, setting, ruling]
  const rows: [string, Facts, Setting, object][] = [
    ['hold outranks allow, and says why it asks', request('/x/z'), { rules: [all, ask] }, { kind: 'hold', rule: 'ask', note: 'why we ask' }],
    ['deny outranks a grant', request('/x/y'), { rules: [ask, never], grants: [grant('ask')] }, { kind: 'deny', code: 'policy_denied', rule: 'never' }],
    ['a grant answers the hold rule it came from', request('/x/z'), { rules: [all, ask], grants: [grant('ask')] }, { kind: 'allow', rule: 'ask', grant: 'g', isOnce: false }],
    ['a grant for an unmatched request answers no hold rule', request('/x/z'), { rules: [ask], grants: [grant(null)] }, { kind: 'hold', rule: 'ask' }],
    ['a grant for a hold rule answers no other', request('/x/z'), { rules: [ask], grants: [grant('other')] }, { kind: 'hold', rule: 'ask' }],
    ['a grant for a hold rule opens nothing that no rule matches', request('/z'), { rules: [ask], grants: [grant('ask')] }, { kind: 'hold', rule: null }],
    ['a grant opens what no rule matches', request('/z'), { grants: [grant(null)] }, { kind: 'allow', rule: null, grant: 'g' }],
    ['but not where the policy denies that by now and the grant does not cover it', request('/z'), { unmatched: 'deny', grants: [grant(null, { host: 'b.example' })] }, { kind: 'deny', rule: null }],
    ['an allow rule needs no grant', request('/z'), { rules: [all], grants: [grant(null)] }, { kind: 'allow', rule: 'all', grant: null }],
    ['a grant has to cover every reading', request('/a%2Fb'), { grants: [grant(null, { host: HOST, path: '/a%2Fb' })] }, { kind: 'hold' }],
    ['and then opens', request('/a%2Fb'), { grants: [grant(null, { host: HOST, path: ['/a%2Fb', '/a/b'] })] }, { kind: 'allow', grant: 'g' }],
    ['every method is judged', request('/z', { alsoMethods: ['DELETE'] }), { rules: [{ ...all, access: 'read-only' }] }, { kind: 'hold', rule: null }],
    ['a deny on either method is a deny', request('/z', { alsoMethods: ['DELETE'] }), { rules: [all, { id: 'no', action: 'deny', host: HOST, method: 'DELETE' }] }, { kind: 'deny', rule: 'no' }],
    ['observe lets pass what no rule matches, and says so', request('/z'), { unmatched: 'observe' }, { kind: 'allow', rule: null, wouldHold: true }],
    ['observe passes if one reading is unmatched', request('/a%2Fb'), { unmatched: 'observe', rules: [{ ...all, path: '/a/b' }] }, { kind: 'allow', rule: null, wouldHold: true }],
    ['observe asks where one reading is held', request('/x%2Fz'), { unmatched: 'observe', rules: [ask] }, { kind: 'hold', rule: 'ask' }],
    ['a reading that is denied as unmatched outranks one that is held', request('/x%2Fz'), { unmatched: 'deny', rules: [ask] }, { kind: 'deny', rule: null }],
    ['a request with content is more than a read', request('/z', { hasContent: true }), { rules: [{ ...all, access: 'read-only' }] }, { kind: 'hold' }],
    ['but content takes no request out of a deny', request('/z', { hasContent: true }), { rules: [all, { id: 'no', action: 'deny', host: HOST, access: 'read-only' }] }, { kind: 'deny', rule: 'no' }],
    ['an upgrade is more than a read', request('/z', { scheme: 'wss' }), { rules: [{ ...all, scheme: ['https', 'wss'], access: 'read-only' }] }, { kind: 'hold' }],
    ['fewer wildcards are more specific than more fixed characters', request('/x/ayyyyb'), { rules: [{ ...all, id: 'a', path: '/x/*yyyy*' }, { ...all, id: 'b', path: '/x/*' }] }, { kind: 'allow', rule: 'b' }],
    ['a rule has ended when its time comes', request('/z'), { rules: [{ ...all, expires: '2030-01-01T00:00:00Z' }] }, { kind: 'hold' }],
    ['and not before', request('/z'), { rules: [{ ...all, expires: '2030-01-01T00:00:01Z' }] }, { kind: 'allow' }],
    ['a clock that is no number keeps a deny', request('/z'), { now: NaN, rules: [all, { id: 'no', action: 'deny', host: HOST, expires: '2031-01-01T00:00:00Z' }] }, { kind: 'deny', rule: 'no' }],
    ['and ends an allow', request('/z'), { now: NaN, rules: [{ ...all, expires: '2031-01-01T00:00:00Z' }] }, { kind: 'hold' }],
    ['a grant ends', request('/z'), { grants: [grant(null, { host: HOST }, { expiresAt: NOW })] }, { kind: 'hold' }],
    ['a grant is used up', request('/z'), { used: key => key === 'g' ? 2 : 0, grants: [grant(null, { host: HOST }, { maxUses: 2 })] }, { kind: 'hold' }],
    ['a grant with uses left says what to count', request('/z'), { used: () => 1, grants: [grant(null, { host: HOST }, { maxUses: 2 })] }, { kind: 'allow', useKeys: ['g'] }],
    ['a use counts for the rule of every reading, whichever is named', request('/a%2Fb'), { rules: [{ ...all, id: 'a', path: '/a/b', maxUses: 1 }, { ...all, id: 'b', path: '/a%2Fb' }] }, { kind: 'allow', rule: 'b', useKeys: { length: 1 } }],
    ['and where the other reading is observed', request('/a%2Fb'), { unmatched: 'observe', rules: [{ ...all, path: '/a/b', maxUses: 1 }] }, { kind: 'allow', rule: null, wouldHold: true, useKeys: { length: 1 } }],
    ['limits of the rule and of the grant both count', request('/z'), { used: () => 1, grants: [grant(null, { host: HOST, maxUses: 1 }, { maxUses: 2 })] }, { kind: 'hold' }],
  ]
  for (const [why, facts, setting, expected] of rows) t.match(ruled(facts, setting), expected, why)
})

t.test('uses are counted by id and content, so that an edited rule counts anew', async t => {
  const rule: RuleDocument = { id: 'r', host: HOST, maxUses: 1 }
  const keyOf = (rule: RuleDocument): string => {
    const decision = ruled(request('/'), { rules: [rule] })
    return decision.kind === 'allow' ? decision.useKeys[0] ?? '' : ''
  }
  t.ok(keyOf(rule).includes('r'))
  t.equal(keyOf({ maxUses: 1, host: HOST, id: 'r' }), keyOf(rule), 'the order of its properties is no edit')
  t.not(keyOf({ ...rule, maxUses: 2 }), keyOf(rule))
  t.not(keyOf({ ...rule, id: 's' }), keyOf(rule))
  t.match(ruled(request('/'), { rules: [rule], used: key => key === keyOf(rule) ? 1 : 0 }), { kind: 'hold' }, 'a rule that is used up does not exist')
  t.match(ruled(request('/'), { rules: [{ ...rule, action: 'deny' }], used: () => 9 }), { kind: 'deny' }, 'a deny is never used up')
})

t.test('an answer for once is for the twins of one request, and for the question that was asked', async t => {
  const ask: RuleDocument = { id: 'ask', host: HOST, action: 'hold', private: '10.0.0.0/8', maxRequestBytes: 5 }
  const facts = request('/x?a=1')
  const once = { id: 'o', answers: 'ask', twin: twinKey(facts) }
  const opened = ruled(facts, { rules: [ask], once })
  t.match(opened, { kind: 'allow', rule: 'ask', grant: 'o', isOnce: true, useKeys: [], permit: { terms: { scope: { private: ['10.0.0.0/8'] }, maxRequestBytes: 5 } } })
  t.match(ruled(request('/x?a=2'), { rules: [ask], once }), { kind: 'hold', rule: 'ask' }, 'another target')
  t.match(ruled(request('/x?a=1', { method: 'POST' }), { rules: [ask], once }), { kind: 'hold', rule: 'ask' }, 'another method')
  t.match(ruled(facts, { once }), { kind: 'hold', rule: null }, 'the rule is gone')
  t.match(ruled(facts, { rules: [ask], once: { ...once, answers: null } }), { kind: 'hold', rule: 'ask' }, 'it was asked before the rule came')
  t.match(ruled(facts, { rules: [ask, { id: 'no', action: 'deny', host: HOST }], once }), { kind: 'deny', rule: 'no' }, 'a deny came in between')
  t.match(ruled(facts, { unmatched: 'deny', once: { ...once, answers: null } }), { kind: 'deny' }, 'nothing is asked any more')
  t.match(ruled(request('/x%2Fy'), { rules: [{ id: 'h', action: 'hold', host: HOST, path: '/x/y' }], once: { id: 'o', answers: 'h', twin: twinKey(request('/x%2Fy')) } }), { kind: 'allow', isOnce: true }, 'whoever answered saw every reading of it')
})

t.test('terms are those of the rule that rules', async t => {
  const termsFor = (facts: Facts, setting: Setting): unknown => {
    const decision = ruled(facts, setting)
    return decision.kind === 'allow' ? decision.permit.terms : decision
  }
  const wide: RuleDocument = { id: 'wide', host: '*.example.com', private: true, maxResponseBytes: 9 }
  const narrow: RuleDocument = { id: 'narrow', host: HOST, path: '/in/**', private: ['192.168.0.0/16', '10.0.0.0/8'], maxRequestBytes: 4 }
  t.match(termsFor(request('/out'), { rules: [wide, narrow] }), { scope: { private: true }, maxRequestBytes: null, maxResponseBytes: 9 })
  t.match(termsFor(request('/in/a'), { rules: [wide, narrow] }), { scope: { private: ['192.168.0.0/16', '10.0.0.0/8'] }, maxRequestBytes: 4, maxResponseBytes: null })
  t.match(termsFor(request('/in%2Fa'), { rules: [wide, narrow] }), { scope: PUBLIC_ONLY, maxRequestBytes: 4, maxResponseBytes: 9 }, 'readings ruled by two rules are held to both')
  t.match(termsFor(request('/x'), { grants: [grant(null, { host: HOST, private: true, maxRequestBytes: 1 })] }), PUBLIC, 'a grant lays nothing down itself')

  const rules: RuleDocument[] = [{ id: 'h', action: 'hold', host: HOST, private: true }]
  const ruleset = compileRuleset({ version: 1, rules }, 'h')
  t.match(termsOf(ruleset, 'h'), { scope: { private: true } })
  t.same(termsOf(ruleset, null), PUBLIC)
  t.same(termsOf(ruleset, 'gone'), PUBLIC)
  const same = compileRuleset({ version: 1, rules: [{ ...narrow }, { ...narrow, id: 'b', private: ['10.0.0.0/8', '192.168.0.0/16'] }] }, 'h')
  t.equal(termsOf(same, 'narrow').scope.key, termsOf(same, 'b').scope.key, 'the same scope has the same key')
  const lists = compileRuleset({ version: 1, rules: [{ id: 'a', cidr: ['10.0.0.0/8', '8.8.8.8'] }, { id: 'b', cidr: ['8.8.8.8/32', '10.0.0.0/8'] }, { id: 'c', cidr: '8.8.8.8', private: '10.0.0.0/8' }] }, 'h')
  t.equal(termsOf(lists, 'a').scope.key, termsOf(lists, 'b').scope.key)
  t.not(termsOf(lists, 'a').scope.key, termsOf(lists, 'c').scope.key, 'and another scope another')
})

t.test('a literal of a class that nothing opens is denied at once', async t => {
  const lan: RuleDocument = { id: 'lan', cidr: '10.0.0.0/8' }
  // [why, host, setting, ruling]
  const rows: [string, string, Setting, object][] = [
    ['private, with no rule', '10.0.0.1', {}, { kind: 'deny', code: 'address_forbidden', rule: null }],
    ['under observe too', '10.0.0.1', { unmatched: 'observe' }, { kind: 'deny', code: 'address_forbidden' }],
    ['under deny too', '10.0.0.1', { unmatched: 'deny' }, { kind: 'deny', code: 'address_forbidden' }],
    ['whatever was approved', '10.0.0.1', { grants: [grant(null, { cidr: '10.0.0.1/32' })] }, { kind: 'deny', code: 'address_forbidden' }],
    ['a rule that lists it opens it', '10.0.0.1', { rules: [lan] }, { kind: 'allow', rule: 'lan' }],
    ['and a hold rule may ask about it', '10.0.0.1', { rules: [{ ...lan, action: 'hold' }] }, { kind: 'hold', rule: 'lan' }],
    ['and its answer opens it', '10.0.0.1', { rules: [{ ...lan, action: 'hold' }], grants: [grant('lan', { cidr: '10.0.0.1/32' }, { terms: { ...PUBLIC, scope: { key: 'k', private: false, cidrs: ['10.0.0.0/8'] } } })] }, { kind: 'allow', grant: 'g' }],
    ['a deny rule is named', '10.0.0.1', { rules: [{ ...lan, action: 'deny' }] }, { kind: 'deny', code: 'policy_denied', rule: 'lan' }],
    ['metadata needs a rule that names it', '169.254.169.254', { rules: [{ id: 'm', cidr: '169.254.0.0/16' }] }, { kind: 'deny', code: 'address_forbidden' }],
    ['such a rule opens it', '169.254.169.254', { rules: [{ id: 'm', cidr: '169.254.169.254' }] }, { kind: 'allow', rule: 'm' }],
    ['a public literal may be asked about', '8.8.8.8', {}, { kind: 'hold', rule: null }],
    ['a mapped address is matched as IPv4 by allow', '[::ffff:10.0.0.1]', { rules: [lan] }, { kind: 'allow', rule: 'lan' }],
    ['and not as what it looks like', '[::ffff:8.8.8.8]', { rules: [{ id: 'v6', cidr: '::ffff:0:0/96' }] }, { kind: 'hold', rule: null }],
    ['a deny matches it as either', '[::ffff:8.8.8.8]', { rules: [{ id: 'v6', action: 'deny', cidr: '::ffff:0:0/96' }] }, { kind: 'deny', rule: 'v6' }],
    ['and as IPv4', '[64:ff9b::808:808]', { rules: [{ id: 'v4', action: 'deny', cidr: '8.8.8.0/24' }] }, { kind: 'deny', rule: 'v4' }],
    ['an allow needs every address inside', '[2001:0:808:808:0:0:f6f6:f6f6]', { rules: [{ id: 'v4', cidr: '8.8.8.0/24' }] }, { kind: 'deny', code: 'address_forbidden' }],
    ['also where the rule opens every private address', '[2001:0:a00:1:0:0:3f57:fffe]', { rules: [{ id: 'lan', cidr: '10.0.0.0/8', private: true }] }, { kind: 'deny', code: 'address_forbidden' }],
    ['no host pattern matches a literal', '8.8.8.8', { rules: [{ id: 'any', host: '**', anyHost: true }] }, { kind: 'hold', rule: null }],
    ['the metadata name is metadata', 'metadata.google.internal', { rules: [{ id: 'm', host: 'metadata.google.internal', private: true }] }, { kind: 'deny', code: 'address_forbidden' }],
    ['in any spelling', 'Metadata.Google.Internal.', {}, { kind: 'deny', code: 'address_forbidden' }],
  ]
  for (const [why, host, setting, expected] of rows) t.match(ruled(request('/', { host }), setting), expected, `${host}: ${why}`)
})

t.test('a stream is ruled as a whole', async t => {
  const db: RuleDocument = { id: 'db', host: HOST, scheme: 'tcp', port: 5432 }
  const pin: RuleDocument = { id: 'pin', host: HOST, tls: 'passthrough' }
  const rows: [string, Facts, Setting, object][] = [
    ['a tcp rule opens its port', stream('tcp', 5432), { rules: [db] }, { kind: 'allow', rule: 'db' }],
    ['a grant may open a stream', stream('tcp', 22), { grants: [grant(null, { host: HOST, scheme: 'tcp', port: 22 })] }, { kind: 'allow', grant: 'g' }],
    ['a deny of the host is a deny of its streams', stream('tcp', 5432), { rules: [db, { id: 'no', action: 'deny', host: '*.example.com' }] }, { kind: 'deny', rule: 'no' }],
    ['a deny that asks for a path says nothing about streams', stream('tcp', 5432), { rules: [db, { id: 'no', action: 'deny', host: HOST, path: '/x' }] }, { kind: 'allow', rule: 'db' }],
    ['a rule for requests opens no stream', stream('https', 443), { rules: [{ id: 'r', host: HOST }] }, { kind: 'hold', rule: null }],
    ['passthrough does', stream('https', 443), { rules: [pin] }, { kind: 'allow', rule: 'pin' }],
    ['of WebSockets too', stream('https', 443), { rules: [{ ...pin, scheme: 'wss' }] }, { kind: 'allow', rule: 'pin' }],
    ['a deny of WebSockets denies what might be one', stream('https', 443), { rules: [pin, { id: 'no', action: 'deny', host: HOST, scheme: 'wss' }] }, { kind: 'deny', rule: 'no' }],
    ['passthrough may ask', stream('https', 443), { rules: [{ ...pin, action: 'hold' }] }, { kind: 'hold', rule: 'pin' }],
    ['no grant passes TLS through', stream('https', 443), { rules: [{ ...pin, action: 'hold' }], grants: [grant('pin', { host: HOST, tls: 'passthrough' })] }, { kind: 'hold', rule: 'pin' }],
    ['an answer for once does', stream('https', 443), { rules: [{ ...pin, action: 'hold' }], once: { id: 'o', answers: 'pin', twin: twinKey(stream('https', 443)) } }, { kind: 'allow', isOnce: true }],
  ]
  for (const [why, facts, setting, expected] of rows) t.match(ruled(facts, setting), expected, why)
})

t.test('whatever goes wrong while judging is a denial', async t => {
  const rules: RuleDocument[] = [{ id: 'r', host: HOST, maxUses: 1 }]
  t.match(ruled(request('/'), { rules, used: () => { throw new Error('broken counter') } }), { kind: 'deny', code: 'judgement_failed', rule: null, reason: /broken counter/ })
  t.match(ruled(request('/'), { rules, used: () => { throw null } }), { kind: 'deny', code: 'judgement_failed' })
  t.match(ruled(request('/'), { rules, used: () => NaN }), { kind: 'hold' }, 'a count that is no number is no use left')
  t.match(ruled({ ...request('/'), readings: [] }, { rules: [{ id: 'r', host: HOST }] }), { kind: 'deny' }, 'a request that can be read in no way')
  t.match(ruled(null as never), { kind: 'deny', code: 'judgement_failed' })
  t.match(ruled({ ...request('/'), fields: null as never }, { rules: [{ id: 'r', host: HOST, header: { a: 'b' } }] }), { kind: 'deny', code: 'judgement_failed' })
})

t.test('a permit is for the facts that were judged', async t => {
  const facts = request('/x')
  const decision = ruled(facts, { rules: [{ id: 'r', host: HOST }] })
  t.ok(decision.kind === 'allow' && Permit.is(decision.permit) && decision.permit.facts === facts && decision.permit.ruleId === 'r')
})
