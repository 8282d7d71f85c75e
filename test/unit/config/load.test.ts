/** The room's door: what a policy is made of, and what a text or a file cannot do to us. */
import t from 'tap'
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { appendRule, checkPolicy, loadPolicy, parsePolicy } from '../../../lib/config/load.ts'
import type { Loaded } from '../../../lib/config/load.ts'
import type { PresetSource } from '../../../lib/config/presets.ts'
import { admit } from '../../../lib/decide/admit.ts'
import { compileGrants, compileRuleset } from '../../../lib/decide/compile.ts'
import { decide } from '../../../lib/decide/decide.ts'
import type { RuleDocument } from '../../../lib/model/policy.ts'
import type { CanonicalHost, StreamFacts } from '../../../lib/model/request.ts'

const NOW = { now: Date.parse('2030-01-01T00:00:00Z') }
const RULE = { id: 'r1', host: 'api.example.com' }

type Sound = Extract<Loaded, { kind: 'policy' }>
function sound(loaded: Loaded): Sound {
  if (loaded.kind === 'policy') return loaded
  throw new Error(loaded.problems.map(({ pointer, problem }) => `${pointer} ${problem}`).join('\n'))
}
const problemsOf = (loaded: Loaded): string[] => loaded.kind === 'policy' ? [] : loaded.problems.map(({ pointer, problem }) => `${pointer}: ${problem}`)

t.test('a policy that took effect can be changed by nobody', async t => {
  const mine = { version: 1, rules: [{ id: 'r1', host: ['a.example.com'] }] }
  const { document, source } = sound(checkPolicy(mine, NOW))
  mine.rules[0]!.host.push('evil.example')
  t.strictSame(document.rules, [{ id: 'r1', host: ['a.example.com'] }], 'it is no longer the caller\'s value')
  for (const part of [document, document.rules!, document.rules![0]!, document.rules![0]!.host!, source]) t.ok(Object.isFrozen(part))
})

t.test('the hash is of what takes effect', async t => {
  const hash = (value: unknown): string => sound(checkPolicy(value, NOW)).hash
  const one = hash({ version: 1, rules: [RULE] })
  t.match(one, /^[0-9a-f]{64}$/)
  t.equal(hash({ rules: [{ host: 'api.example.com', id: 'r1' }], version: 1 }), one, 'the order of names means nothing')
  t.equal(hash({ $schema: './x.json', version: 1, rules: [RULE] }), one, 'neither does the schema')
  t.not(hash({ version: 1, rules: [{ ...RULE, access: 'read-only' }] }), one)
  t.not(hash({ version: 1, use: ['anthropic'] }), hash({ version: 1 }), 'a preset is part of it')
})

t.test('rules of a preset take effect under its name, before the policy\'s own', async t => {
  const presets: PresetSource = {
    names: () => ['lab'],
    read: name => name === 'lab' ? {
      name: 'lab', description: '', source: '', date: '', parameters: { access: { kind: 'choice', description: '', values: ['read-only', 'full'], default: 'read-only' } },
      rules: [{ id: 'api', host: 'lab.example.com', access: { parameter: 'access' } }],
    } : null,
  }
  const rules = (use: unknown): unknown => sound(checkPolicy({ version: 1, use, rules: [RULE] }, { ...NOW, presets })).document.rules
  t.strictSame(rules(['lab']), [{ id: 'lab.api', host: 'lab.example.com', access: 'read-only' }, RULE])
  t.match(rules([{ preset: 'lab', access: 'full' }]), [{ access: 'full' }, {}], 'a parameter is filled in')
  t.strictSame(problemsOf(checkPolicy({ version: 1, use: ['lab'], rules: [{ ...RULE, id: 'lab.api' }] }, { ...NOW, presets })).length, 1, 'its ids are taken')
  t.match(problemsOf(checkPolicy({ version: 1, use: ['github'] }, { ...NOW, presets })), [/^\/use\/0: .*"github"/], 'only the given presets exist')
})

// [what it shows, text, what is told]
const texts: [string, string, RegExp][] = [
  ['a name that stands twice', '{"version":1,"unmatched":"deny","unmatched":"observe"}', /^\/unmatched: .*twice/],
  ['a name that stands twice in a rule, once with an escape', '{"version":1,"rules":[{"id":"a","host":"a.example.com","act\\u0069on":"deny","action":"allow"}]}', /^\/rules\/0\/action: .*twice/],
  ['a name that some mergers follow', '{"version":1,"rules":[{"id":"a","host":"a.example.com","__proto__":{"private":true}}]}', /^\/rules\/0\/__proto__: /],
  ['the same as a parameter of the query', '{"version":1,"rules":[{"id":"a","host":"a.example.com","query":{"__proto__":"x"}}]}', /__proto__/],
  ['more behind the end', '{"version":1} {"version":1}', /column 15/],
  ['half of a document', '{"version":1', /text ends/],
  ['a comment', '{"version":1 // first\n}', /column 14/],
  ['a byte order mark', '\ufeff{"version":1}', /byte order mark/],
  ['nothing', '', /text ends/],
]
for (const [shows, text, told] of texts) t.match(problemsOf(parsePolicy(text, NOW))[0], told, shows)

t.test('no text is too long for us to say no', async t => {
  const long = 60 * 1024 * 1024
  t.match(problemsOf(parsePolicy(' '.repeat(64 * 1024 * 1024 + 1), NOW)), [/larger than 64 MiB/])
  t.equal(parsePolicy(`{"version":1,"name":"${'x'.repeat(long)}"}`, NOW).kind, 'policy', 'one long text')
  t.equal(parsePolicy(`{"version":1,"name":"${'\\n'.repeat(long / 2)}"}`, NOW).kind, 'policy', 'one of escapes, where an expression overflows the stack')
  t.match(problemsOf(parsePolicy('[{"a":'.repeat(1_000_000), NOW)), [/deeper than 64/])
  t.equal(parsePolicy(`{"version":${'1'.repeat(1_000_000)}}`, NOW).kind, 'invalid', 'a number without end')
})

t.test('whatever is handed over, it is a policy or it is told why not', async t => {
  const loop: Record<string, unknown> = { version: 1 }
  loop['rules'] = [loop]
  const throwing = { version: 1, get rules(): never { throw new Error('mine') } }
  const cases = [undefined, null, 0, 'policy', [], new Map(), 10n, Symbol('x'), () => 1, loop, throwing, { version: 1, name: NaN }, new Proxy({}, { ownKeys() { throw new Error('mine') } })]
  for (const value of cases) t.equal(checkPolicy(value, NOW).kind, 'invalid', typeof value)
  let asked = 0
  const changing = { version: 1, get unmatched() { return asked++ === 0 ? 'deny' : 'observe' } }
  t.equal(sound(checkPolicy(changing, NOW)).document.unmatched, 'deny', 'a getter is asked once, so what was checked is what takes effect')
})

/** Rules that the language calls errors; the vectors have others. */
const together: [string, object, RegExp][] = [
  ['tcp without a port', { scheme: 'tcp' }, /^\/rules\/0: .*port/],
  ['tcp among others', { scheme: ['tcp', 'https'], port: 1 }, /^\/rules\/0\/scheme: .*tcp/],
  ['tcp and TLS', { scheme: 'tcp', port: 1, tls: 'inspect' }, /^\/rules\/0\/tls: .*tcp/],
  ['tcp and access', { scheme: 'tcp', port: 1, access: 'full' }, /^\/rules\/0\/access: .*tcp/],
  ['passthrough and access', { tls: 'passthrough', access: 'full' }, /^\/rules\/0\/access: .*passthrough/],
  ['passthrough of http', { tls: 'passthrough', scheme: 'http' }, /^\/rules\/0\/scheme: .*passthrough/],
  ['onlyQuery alone', { onlyQuery: true }, /^\/rules\/0\/onlyQuery: .*query/],
  ['onlyQuery of a deny', { onlyQuery: true, query: { a: '*' }, action: 'deny' }, /^\/rules\/0\/onlyQuery: .*allow/],
  ['every method', { method: '*' }, /^\/rules\/0\/method: /],
  ['a method in lower case', { method: 'get' }, /^\/rules\/0\/method: /],
  ['a day that no month has', { expires: '2031-02-29T00:00:00Z' }, /^\/rules\/0\/expires: /],
  ['an hour that no day has', { expires: '2031-01-01T24:00:00Z' }, /^\/rules\/0\/expires: /],
  ['an empty list', { path: [] }, /^\/rules\/0\/path: .*empty/],
  ['an empty object', { query: {} }, /^\/rules\/0\/query: .*empty/],
  ['no use at all', { maxUses: 0 }, /^\/rules\/0\/maxUses: .*small/],
  ['a field that no request can have', { header: { 'x env': '*' } }, /^\/rules\/0\/header\/x env: /],
]
for (const [shows, rule, told] of together) t.match(problemsOf(checkPolicy({ version: 1, rules: [{ ...RULE, ...rule }] }, NOW)), [told], shows)

t.test('no deny is passed by because a connection is not read', async t => {
  const tcp = { id: 'stream', host: 'api.example.com', scheme: 'tcp', port: 443 }
  const about = { https: { scheme: 'https' }, path: { path: '/admin/**' }, method: { method: 'DELETE' }, header: { header: { 'x-a': '*' } }, port: { port: 443, path: '/x' } }
  for (const action of ['deny', 'hold']) {
    for (const [what, rule] of Object.entries(about)) t.match(problemsOf(checkPolicy({ version: 1, rules: [tcp, { ...RULE, action, ...rule }] }, NOW)), [/stream/], `a ${action} by ${what} on the port of a stream`)
  }
  const { document, hash } = sound(checkPolicy({ version: 1, rules: [tcp, { ...RULE, action: 'deny' }] }, NOW))
  const facts: StreamFacts = { kind: 'stream', client: 'c', scheme: 'tcp', host: 'api.example.com' as CanonicalHost, hostKind: 'name', port: 443 }
  const [ruleset, grants, context] = [compileRuleset(document, hash), compileGrants([]), { ...NOW, used: () => 0 }] as const
  t.strictSame([admit(ruleset, grants, facts, context).kind, decide(ruleset, grants, facts, context).kind], ['tunnel', 'deny'], 'a deny of the whole host may stand there: it is heard of a stream')
  t.equal(checkPolicy({ version: 1, rules: [{ ...tcp, port: 22 }, { ...RULE, action: 'hold', path: '/**/git-receive-pack' }] }, NOW).kind, 'policy', 'and one that names no port leaves other services alone')
  t.equal(checkPolicy({ version: 1, rules: [tcp, { id: 'd', host: '**', anyHost: true, action: 'deny', header: { 'x-a': '*' } }] }, NOW).kind, 'policy', 'a stream for a narrower name is an exception on purpose')
})

t.test('ten thousand rules are checked in seconds, whatever they have in common', async t => {
  const many = (rule: (at: number) => object): unknown => ({ version: 1, rules: Array.from({ length: 10_000 }, (_, at) => ({ id: `r${at}`, ...rule(at) })) })
  const shapes: [string, unknown][] = [
    ['a host each', many(at => ({ host: `h${at}.example.com` }))],
    ['one host, a path each', many(at => ({ host: 'a.example.com', path: `/p${at}/**` }))],
    ['one host and path', many(at => ({ host: 'a.example.com', query: { a: `v${at}` } }))],
    ['wildcards that overlap', many(at => ({ host: at % 2 ? `a${at}*.example.com` : `*b${at}.example.com`, ...(at % 2 ? { tls: 'passthrough' } : { port: 8443 }) }))],
    ['networks', many(at => ({ action: 'deny', cidr: `${1 + at % 200}.${Math.floor(at / 200)}.0.0/16` }))],
  ]
  for (const [shows, policy] of shapes) {
    const started = process.cpuUsage()
    checkPolicy(policy, NOW)
    const { user } = process.cpuUsage(started)
    t.ok(user < 20_000_000, `${shows}: ${Math.round(user / 1000)} ms; compared with each other they took minutes`)
  }
})

t.test('a file is read as bytes that mean one text', async t => {
  const folder = t.testdir({ 'good.json': JSON.stringify({ version: 1, rules: [RULE] }), 'latin.json': Buffer.from('{"version":1,"name":"caf\xe9"}', 'latin1'), folder: {} })
  t.match(await loadPolicy(join(folder, 'good.json'), NOW), { kind: 'policy', file: join(folder, 'good.json') })
  t.match(await loadPolicy(join(folder, 'latin.json'), NOW), { kind: 'invalid', problems: [{ problem: /UTF-8/ }] })
  for (const name of ['absent.json', 'folder']) await t.rejects(loadPolicy(join(folder, name), NOW), { code: 'E_POLICY_UNREADABLE' }, name)
  t.match(await loadPolicy('/dev/zero', NOW), { kind: 'invalid', problems: [{ problem: /larger than 64 MiB/ }] }, 'a file without end')
})

const ADDED = { id: 'added', host: 'b.example.com', path: ['/x', '/y'] }

t.test('a rule that is added leaves every other character as it was', async t => {
  // [what it shows, the file before, and after]
  const files: [string, string, string][] = [
    ['a rule a line', '{\n  "version": 1,\n  "rules": [\n    { "id": "r1", "host": "a.example.com" }\n  ]\n}\n', '{\n  "version": 1,\n  "rules": [\n    { "id": "r1", "host": "a.example.com" },\n    { "id": "added", "host": "b.example.com", "path": [ "/x", "/y" ] }\n  ]\n}\n'],
    ['tabs and carriage returns', '{\r\n\t"version": 1,\r\n\t"rules": [\r\n\t\t{ "id": "r1", "host": "a.example.com" }\r\n\t]\r\n}', '{\r\n\t"version": 1,\r\n\t"rules": [\r\n\t\t{ "id": "r1", "host": "a.example.com" },\r\n\t\t{ "id": "added", "host": "b.example.com", "path": [ "/x", "/y" ] }\r\n\t]\r\n}'],
  ]
  for (const [shows, before, after] of files) {
    const file = join(t.testdir({ 'p.json': before }), 'p.json')
    sound(await appendRule(file, ADDED, NOW))
    t.equal(readFileSync(file, 'utf8'), after, shows)
  }
  for (const before of ['{"version":1}', '{"version":1,"rules":[]}', '{ "rules": [ ], "version": 1 }', '{\n "rules": [\n ],\n "version": 1\n}', '{"rules":[{"id":"r1","host":"a.example.com"}],"version":1}']) {
    const file = join(t.testdir({ 'p.json': before }), 'p.json')
    const loaded = sound(await appendRule(file, ADDED, NOW))
    const was = JSON.parse(before) as { rules?: RuleDocument[] }
    t.strictSame(JSON.parse(readFileSync(file, 'utf8')), { ...was, rules: [...was.rules ?? [], ADDED] }, before)
    t.strictSame(loaded.document.rules?.at(-1), ADDED)
    t.equal(loaded.file, file)
    t.strictSame(readdirSync(join(file, '..')), ['p.json'], 'and nothing lies beside it')
  }
})

t.test('a file that would be no policy is left alone', async t => {
  const before = JSON.stringify({ version: 1, rules: [RULE] })
  const file = join(t.testdir({ 'p.json': before, 'bad.json': '{"version":1,}' }), 'p.json')
  t.match(problemsOf(await appendRule(file, { ...ADDED, id: 'r1' }, NOW)), [/r1/], 'an id that is taken')
  t.match(problemsOf(await appendRule(file, { ...ADDED, host: '*.com' }, NOW)), [/com/], 'a rule that is not sound')
  t.equal(readFileSync(file, 'utf8'), before)
  t.equal((await appendRule(join(file, '../bad.json'), ADDED, NOW)).kind, 'invalid', 'one that was none before')
  t.equal(readFileSync(join(file, '../bad.json'), 'utf8'), '{"version":1,}')
  await t.rejects(appendRule(join(file, '../absent.json'), ADDED, NOW), { code: 'E_POLICY_UNREADABLE' })
})

t.test('mode and link stay, and two rules at once both land', async t => {
  const folder = t.testdir({ real: { 'p.json': JSON.stringify({ version: 1 }) } })
  const [real, link] = [join(folder, 'real/p.json'), join(folder, 'p.json')]
  symlinkSync('real/p.json', link)
  chmodSync(real, 0o640)
  const both = await Promise.all(['one', 'two'].map(id => appendRule(link, { ...ADDED, id }, NOW)))
  t.strictSame(both.map(({ kind }) => kind), ['policy', 'policy'])
  t.ok(lstatSync(link).isSymbolicLink() && readlinkSync(link) === 'real/p.json')
  t.equal(statSync(real).mode & 0o7777, 0o640)
  t.strictSame((JSON.parse(readFileSync(real, 'utf8')) as { rules: RuleDocument[] }).rules.map(({ id }) => id), ['one', 'two'])
})

t.test('a folder that cannot be written to is told, and nothing is lost', { skip: process.getuid?.() === 0 && 'root may write anywhere' }, async t => {
  const folder = t.testdir({})
  mkdirSync(join(folder, 'shut'))
  const file = join(folder, 'shut/p.json')
  writeFileSync(file, '{"version":1}')
  chmodSync(join(folder, 'shut'), 0o500)
  t.teardown(() => chmodSync(join(folder, 'shut'), 0o700))
  t.match(problemsOf(await appendRule(file, ADDED, NOW)), [/cannot be written/])
  t.equal(readFileSync(file, 'utf8'), '{"version":1}')
})
