import t from 'tap'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkPolicy, loadPolicy, parsePolicy } from '../../../lib/config/load.ts'
import { starterPolicy } from '../../../lib/config/starter.ts'
import { compileRuleset } from '../../../lib/decide/compile.ts'

const POLICY = { version: 1, name: 'x', rules: [{ id: 'a', host: 'a.example.com', port: [443] }] }

t.test('a policy is frozen to its leaves, and its giver can change it no more', async t => {
  const given = structuredClone(POLICY)
  const loaded = checkPolicy(given, { now: 0 })
  if (loaded.kind !== 'policy') return t.fail('it is sound')
  given.rules[0]!.host = 'evil.example.com'
  t.equal(loaded.document.rules![0]!.host, 'a.example.com')
  for (const value of [loaded.document, loaded.document.rules, loaded.document.rules![0], loaded.document.rules![0]!.port, loaded.source]) t.ok(Object.isFrozen(value))
})

t.test('the hash is of what takes effect, however it is written', async t => {
  const hash = (text: string): string => {
    const loaded = parsePolicy(text, { now: 0 })
    return loaded.kind === 'policy' ? loaded.hash : 'invalid'
  }
  const one = hash(JSON.stringify(POLICY))
  t.match(one, /^[0-9a-f]{64}$/)
  t.equal(hash(JSON.stringify({ rules: [{ port: [443], host: 'a.example.com', id: 'a' }], name: 'x', version: 1, $schema: './s.json' }, null, 4)), one, 'order, space and the editor\'s schema do not count')
  t.not(hash(JSON.stringify({ ...POLICY, unmatched: 'deny' })), one)
  t.not(hash(JSON.stringify({ ...POLICY, rules: [{ ...POLICY.rules[0], note: 'y' }] })), one)
})

t.test('rules may be absent or empty', async t => {
  for (const policy of [{ version: 1 }, { version: 1, rules: [] }]) t.match(checkPolicy(policy, { now: 0 }), { kind: 'policy', warnings: [], file: null })
})

t.test('whatever is handed over is a policy or a list of problems, and a policy compiles', async t => {
  const values: unknown[] = [null, undefined, 0, 'x', [], {}, () => 0, { get version() { throw new Error('no') } }, { version: 1, rules: [[]] }, { version: 1, rules: [{}] }, { version: 1, use: [null, {}, 'x'] }]
  for (const [at, value] of values.entries()) t.match(checkPolicy(value, { now: 0 }), { kind: 'invalid', problems: [{ problem: /./, fix: /./ }] }, `value ${at}`)

  const seed = 7_311
  t.comment(`seed ${seed}`)
  const random = lcg(seed)
  const parts: unknown[] = ['a.example.com', '*', '**', '*.com', '/**', '/a', 'GET', 'tcp', 'https', 443, 0, '1-2', '9-1', true, false, null, [], {}, ['a.example.com'], '10.0.0.0/8', 'passthrough', 'deny', 'hold', '2030-01-01T00:00:00Z', 'read-only', { a: '*' }]
  const fields = ['action', 'host', 'cidr', 'anyHost', 'port', 'scheme', 'method', 'access', 'path', 'query', 'onlyQuery', 'header', 'tls', 'private', 'expires', 'maxUses', 'note']
  let sound = 0
  for (let run = 0; run < 3_000; run++) {
    const rules = Array.from({ length: 1 + random(3) }, (_, id) => ({ id: `r${id}`, host: `h${random(3)}.example.com`, ...Object.fromEntries(Array.from({ length: random(3) }, () => [fields[random(fields.length)], parts[random(parts.length)]])) }))
    const loaded = checkPolicy({ version: 1, rules }, { now: 0 })
    if (loaded.kind === 'policy') {
      sound++
      compileRuleset(loaded.document, loaded.hash)
    } else if (loaded.problems.length === 0 || loaded.problems.some(({ severity }) => severity !== 'error')) t.fail('refused without an error', { rules })
  }
  t.ok(sound > 100 && sound < 2_900, `${sound} of 3000 were sound, and compiled`)
})

t.test('a file is read, or said not to be readable', async t => {
  const folder = t.testdir({ 'a.json': JSON.stringify(POLICY), 'bad.json': '{' })
  t.match(await loadPolicy(join(folder, 'a.json'), { now: 0 }), { kind: 'policy', file: join(folder, 'a.json') })
  t.match(await loadPolicy(join(folder, 'bad.json')), { kind: 'invalid', problems: [{ pointer: '' }] })
  await t.rejects(loadPolicy(join(folder, 'none.json')), { name: 'OperatorError', code: 'E_POLICY_UNREADABLE', message: /ENOENT/ })
  await t.rejects(loadPolicy(folder), { code: 'E_POLICY_UNREADABLE', message: /EISDIR/ })
  await writeFile(join(folder, 'latin1.json'), Buffer.from('{"version":1,"name":"caf\xe9"}', 'latin1'))
  t.match(await loadPolicy(join(folder, 'latin1.json')), { kind: 'invalid', problems: [{ problem: /UTF-8/ }] })
})

t.test('the starter is sound, says nothing unwise and explains itself', async t => {
  const loaded = parsePolicy(starterPolicy(), { now: 0 })
  t.match(loaded, { kind: 'policy', warnings: [] })
  if (loaded.kind === 'policy') t.ok(loaded.source.rules!.every(({ note }) => note !== undefined), 'each rule has a note')
  t.ok(starterPolicy().endsWith('}\n'))
})

function lcg(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor(state / 65_536) % below
  }
}
