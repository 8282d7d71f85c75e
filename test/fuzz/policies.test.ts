/**
 * Whatever a policy or an answer holds, it is refused with its reasons or it rules as the language says.
 * `property.ts` says how a run is repeated and made longer.
 */
import t from 'tap'
import fc from 'fast-check'
import { parseAnswer } from '../../lib/config/answers.ts'
import { checkPolicy, parsePolicy } from '../../lib/config/check.ts'
import type { Loaded } from '../../lib/config/check.ts'
import { createRegistries } from '../../lib/config/registries.ts'
import { compileGrants, compileRuleset } from '../../lib/decide/compile.ts'
import { checkPathPattern } from '../../lib/decide/patterns.ts'
import { decide } from '../../lib/decide/decide.ts'
import { explain } from '../../lib/decide/explain.ts'
import { PUBLIC_ONLY } from '../../lib/model/policy.ts'
import type { RuleShape } from '../../lib/model/policy.ts'
import type { RequestFacts } from '../../lib/model/request.ts'
import { readTarget } from '../../lib/normalize/path.ts'
import { request, stream } from '../unit/decide/facts.ts'
import { naiveRuling } from './naive-policy.ts'
import { SEED, holds, textOf } from './property.ts'

t.comment(`SEED=${SEED}`)

const NOW = Date.parse('2030-01-01T00:00:00Z')
/** No tool of this machine is asked. */
const QUIET = { now: NOW, registries: createRegistries(async () => ({ kind: 'failed', problem: 'none here' }) as never) }
const CONTEXT = { now: NOW, used: () => 0 }
const NO_GRANTS = compileGrants([])

const some = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const oneOrMore = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | T[]> => fc.oneof({ weight: 3, arbitrary: one }, fc.array(one, { minLength: 1, maxLength: 4 }))
const segments = fc.array(some('a', 'b', 'ab', '*', 'a*', '*b', 'a*b*', '**', '%2A', '%2F', ''), { maxLength: 5 }).map(pieces => `/${pieces.join('/')}`).filter(path => checkPathPattern(path).kind === 'sound')
const value = some('a', 'b', '*', 'a*', '*b*', 'a b', '1')
const rule = (id: number): fc.Arbitrary<Record<string, unknown>> => fc.record({
  id: fc.constant(`r${id}`),
  action: some('allow', 'hold', 'deny'),
  host: oneOrMore(some('a.test', 'b.test', 'x.a.test', '*.a.test', '**.test', '**.a.test', 'x*.a.test', '*.*.test', '**')),
  anyHost: fc.constant(true),
  path: oneOrMore(segments),
  method: oneOrMore(some('GET', 'POST', 'HEAD', 'DELETE')),
  scheme: oneOrMore(some('https', 'http', 'wss')),
  port: oneOrMore<number | string>(some<number | string>(443, 80, 8080, '80-8080')),
  query: fc.dictionary(some('a', 'b', 'a b'), oneOrMore(value), { minKeys: 1, maxKeys: 2 }),
  header: fc.dictionary(some('x-a', 'X-B', 'connection'), oneOrMore(value), { minKeys: 1, maxKeys: 2 }),
  expires: some('2029-12-31T23:59:59Z', '2030-01-01T00:00:00Z', '2030-01-01T01:00:01+01:00'),
}, { requiredKeys: ['id', 'host', 'anyHost'] })
// Few fields in most rules, or nothing would ever be covered.
const plainRule = (id: number): fc.Arbitrary<Record<string, unknown>> => fc.tuple(rule(id), fc.uniqueArray(some<string>('method', 'scheme', 'port', 'query', 'header', 'expires'), { minLength: 4 }))
  .map(([whole, out]) => Object.fromEntries(Object.entries(whole).filter(([name]) => !out.includes(name))))
const policy = fc.record({
  version: fc.constant(1),
  unmatched: some('hold', 'deny', 'observe'),
  rules: fc.integer({ min: 0, max: 24 }).chain(count => fc.tuple(...Array.from({ length: count }, (_, id) => fc.oneof({ weight: 3, arbitrary: plainRule(id) }, rule(id))))),
})

const asked: fc.Arbitrary<RequestFacts> = fc.record({
  host: some('a.test', 'b.test', 'x.a.test', 'xy.x.a.test', 'c.test', 'metadata.google.internal'),
  scheme: fc.oneof({ weight: 4, arbitrary: some('https' as const) }, some('https' as const, 'http' as const, 'wss' as const)),
  method: some('GET', 'GET', 'POST', 'HEAD', 'DELETE'),
  alsoMethods: fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, fc.constant(['DELETE'])),
  hasContent: fc.boolean(),
  fields: fc.array(fc.tuple(some('x-a', 'X-A', 'x-b', 'Connection', 'Accept'), some('a', 'b', 'x-a', 'close, X-A', '1', 'a b')), { maxLength: 3 }).map(fields => fields.flat()),
  target: fc.tuple(fc.array(some('a', 'b', 'ab', 'aab', '*', '%2A', '%2F', '%2f', 'a;v=1', '', 'a%2Fb', '%61'), { maxLength: 5 }), fc.option(fc.array(some('a=a', 'a=b', 'b=1', 'a+b=a', 'a%20b=a%2Bb', 'c', '&', ';', 'a', '=a'), { maxLength: 4 }).map(parts => parts.join('&')), { nil: null }))
    .map(([pieces, query]) => `/${pieces.join('/')}${query === null ? '' : `?${query}`}`),
  port: some(443, 443, 80, 8080),
}).map(({ target, ...wanted }) => request(readTarget(target).kind === 'target' ? target : '/a', wanted))

await t.test('rulings', { timeout: 900_000 }, t => holds(t, { name: 'rulings', says: 'a request is ruled as a second judge rules it, who asks every rule', cases: 300, inputs: fc.tuple(policy, fc.array(asked, { minLength: 8, maxLength: 8 })) },
  ([document, requests]) => {
    const loaded = checkPolicy(document, QUIET)
    if (loaded.kind === 'invalid') return `it should load: ${loaded.problems[0]!.pointer} ${loaded.problems[0]!.problem}`
    const ruleset = compileRuleset(loaded.document, loaded.hash)
    for (const facts of requests) {
      const decision = decide(ruleset, NO_GRANTS, facts, CONTEXT)
      const expected = naiveRuling(loaded.document, facts, NOW)
      if (decision.kind !== expected) return `${facts.method} ${facts.scheme}://${facts.host}:${facts.port}${facts.target}: ${JSON.stringify(decision)}, and the other judge says ${expected}`
    }
    return null
  }))

/** Anything in the place of anything: what an editor, a template or an enemy may leave in a file. */
const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }), fc.anything({ maxDepth: 2, withBigInt: true, withMap: true, withSparseArray: true, withObjectString: true }),
  some<unknown>('', '**', '*', '*.com', 'localhost', '0.0.0.0/0', '::/0', '10.0.0.1/8', -1, 0, 65_536, 1.5, NaN, true, null, [], {}, '1-2-3', 'GET', 'tcp', 'passthrough', '__proto__', '/..', '/%2e', '/a?b', '*'.repeat(9), 'a'.repeat(2_000), 'xn--a', '\u202e', '\0'),
  textOf(['*', '**', '/', '.', 'a', '%', '%2F', ':', '{', 'ü', '-', '8', '[', '0x7f'], 6),
)
const FIELDS = ['id', 'action', 'host', 'cidr', 'anyHost', 'port', 'scheme', 'method', 'access', 'path', 'query', 'onlyQuery', 'header', 'tls', 'private', 'maxRequestBytes', 'maxResponseBytes', 'expires', 'maxUses', 'maxBytes', 'maxRequestsPerMinute', 'note', 'constructor', 'toString']
const oddRule = fc.tuple(fc.nat(4).chain(plainRule), fc.array(fc.tuple(some(...FIELDS), junk), { maxLength: 3 })).map(([sound, odd]) => ({ ...sound, ...Object.fromEntries(odd) }))
const oddPolicy = fc.oneof(
  { weight: 1, arbitrary: junk },
  { weight: 8, arbitrary: fc.record({
    version: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, junk), rules: fc.oneof({ weight: 9, arbitrary: fc.array(fc.oneof({ weight: 5, arbitrary: oddRule }, junk), { maxLength: 4 }) }, junk),
    use: fc.oneof({ weight: 3, arbitrary: fc.array(fc.oneof(some('github', 'npm', 'openai', 'none', '../x'), fc.record({ preset: some('github', 'npm', 'docker', 'jira'), access: junk, registry: junk, site: junk })), { maxLength: 2 }) }, junk), unmatched: junk, name: junk,
  }, { requiredKeys: ['version'] }) },
)

await t.test('loading', { timeout: 900_000 }, t => holds(t, { name: 'loading', says: 'a policy is loaded or refused with a place and a sentence for each problem; what is loaded is judged by without failing', cases: 600, inputs: fc.tuple(oddPolicy, fc.array(asked, { minLength: 2, maxLength: 2 })) },
  ([document, requests]) => {
    const loaded = checkPolicy(document, QUIET)
    if (loaded.kind === 'invalid') return problemIn(loaded)
    const ruleset = compileRuleset(loaded.document, loaded.hash)
    for (const facts of [...requests, stream('tcp', 443, 'a.test'), stream('https', 443, '10.0.0.1')]) {
      const decision = decide(ruleset, NO_GRANTS, facts, CONTEXT)
      if (decision.kind === 'deny' && decision.code === 'judgement_failed') return decision.reason
      explain(ruleset, NO_GRANTS, facts, CONTEXT)
    }
    // What is written is what is meant: it loads again from its text, and is the same policy.
    const again = parsePolicy(JSON.stringify(loaded.document), QUIET)
    return again.kind === 'invalid' && loaded.document.rules!.every(({ id }) => !id.includes('.')) ? `it does not load again: ${again.problems[0]!.problem}` : null
  }))

await t.test('texts', { timeout: 900_000 }, t => holds(t, { name: 'texts', says: 'a text is a policy or has its problems, and is never thrown', cases: 400, inputs: fc.tuple(policy, fc.array(fc.tuple(fc.nat(2_000), fc.nat(6), textOf(['"', '{', '}', '[', ',', ':', '\\u', '\\', '__proto__', '\ufeff', '1e999', '//', '-']))), fc.nat(2)) },
  ([document, cuts, indent]) => {
    const text = cuts.reduce((text, [at, off, put]) => text.slice(0, at % (text.length + 1)) + put + text.slice(at % (text.length + 1) + off), JSON.stringify(document, null, indent))
    const loaded = parsePolicy(text, QUIET)
    return loaded.kind === 'invalid' ? problemIn(loaded) : null
  }))

const answer = fc.oneof({ weight: 1, arbitrary: junk }, { weight: 6, arbitrary: fc.record({
  verdict: fc.oneof({ weight: 6, arbitrary: some('approve', 'deny', 'pass') }, junk),
  grant: fc.oneof(some('once'), fc.record({ rule: fc.oneof(oddRule, plainRule(0)), ttlMs: fc.oneof(some(1, 60_000), junk), maxUses: fc.oneof(some(1), junk), persist: fc.oneof(fc.boolean(), junk) }, { requiredKeys: ['rule'] }), junk),
  by: fc.oneof(some('a'), junk), reason: fc.oneof(some('no'), junk), ttlMs: fc.oneof(some(1), junk),
}, { requiredKeys: ['verdict'] }) })

/** All that an approval may say of requests (docs/policy.md). */
const GRANTABLE = ['id', 'action', 'host', 'cidr', 'port', 'scheme', 'method', 'access', 'path', 'query', 'onlyQuery', 'expires', 'maxUses', 'maxBytes', 'maxRequestsPerMinute', 'note']

await t.test('answers', { timeout: 900_000 }, t => holds(t, { name: 'answers', says: 'an answer is a typed verdict that opens nothing an approval may not open, or is refused with its reasons', cases: 700, inputs: answer }, value => {
  const parsed = parseAnswer(value)
  if (parsed.kind === 'refused') return problemIn({ kind: 'invalid', problems: parsed.problems, warnings: [] })
  const { answer } = parsed
  if (!['approve', 'deny', 'pass'].includes(answer.verdict)) return `the verdict is ${String(answer.verdict)}`
  if (answer.verdict !== 'approve' || answer.grant === 'once') return null
  if (!('rule' in answer.grant)) return null
  const { rule, ttlMs, maxUses } = answer.grant
  const strange = Object.keys(rule).filter(name => !GRANTABLE.includes(name))
  if (strange.length > 0 || (rule.action ?? 'allow') !== 'allow') return `a grant says ${strange.join(', ')} ${String(rule.action)}`
  for (const number of [ttlMs, maxUses]) if (number !== undefined && !(Number.isInteger(number) && number > 0)) return `a grant lasts ${number}`
  compileGrants([{ id: 'g', question: 'q', answers: null, rule: rule as RuleShape, terms: { scope: PUBLIC_ONLY, maxRequestBytes: null, maxResponseBytes: null }, expiresAt: null, maxUses: null, by: null, door: 'd', createdAt: NOW }])
  return null
}))

/** @returns what is wrong with what is said to be wrong */
function problemIn(loaded: Extract<Loaded, { kind: 'invalid' }> | { readonly kind: 'invalid', readonly problems: readonly { pointer: string, problem: string, fix: string }[], readonly warnings: readonly [] }): string | null {
  if (loaded.problems.length === 0) return 'it is refused without a reason'
  for (const { pointer, problem, fix } of loaded.problems) {
    if (pointer !== '' && !pointer.startsWith('/')) return `"${pointer}" is no pointer`
    for (const sentence of [problem, fix]) {
      if (!/^.+[.?]$/su.test(sentence)) return `this is no sentence: ${JSON.stringify(sentence)}`
      if (/[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(sentence)) return `this is not safe to show: ${JSON.stringify(sentence)}`
    }
  }
  return null
}

