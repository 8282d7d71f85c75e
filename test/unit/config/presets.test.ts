import t from 'tap'
import { checkPolicy } from '../../../lib/config/load.ts'
import { expandPresets, shippedPresets } from '../../../lib/config/presets.ts'
import { compileRuleset } from '../../../lib/decide/compile.ts'

t.test('every preset says what it is, and is sound with each value of its parameters', async t => {
  const names = shippedPresets.names()
  t.ok(names.includes('github'))
  for (const name of names) {
    const preset = shippedPresets.read(name)!
    t.equal(preset.name, name)
    t.ok(preset.description.length > 10 && preset.source.startsWith('https://'), `${name} says where it comes from`)
    t.match(preset.date, /^\d{4}-\d{2}-\d{2}$/, `${name} says when`)
    const uses: object[] = [{ preset: name }, ...Object.entries(preset.parameters).flatMap(([parameter, { values }]) => values.map(value => ({ preset: name, [parameter]: value })))]
    for (const use of uses) {
      const loaded = checkPolicy({ version: 1, use: [use] }, { now: 0 })
      t.match(loaded, { kind: 'policy', warnings: [] }, `${JSON.stringify(use)} has neither problem nor warning`)
      if (loaded.kind === 'policy') t.equal(compileRuleset(loaded.document, loaded.hash).size, preset.rules.length, 'and compiles')
    }
  }
})

t.test('its rules come first and are called by its name', async t => {
  const loaded = checkPolicy({ version: 1, use: ['anthropic'], rules: [{ id: 'mine', host: 'a.example.com' }] }, { now: 0 })
  t.equal(loaded.kind, 'policy')
  if (loaded.kind !== 'policy') return
  t.match(loaded.document.rules!.map(({ id }) => id), [/^anthropic\./])
  t.equal(loaded.document.rules!.at(-1)!.id, 'mine')
  t.equal(loaded.document.use, undefined, 'what takes effect uses nothing any more')
  t.strictSame(loaded.source.use, ['anthropic'], 'what was written stays as it was written')
  const again = checkPolicy(loaded.document, { now: 0 })
  t.equal(again.kind === 'policy' && again.hash, loaded.hash, 'written out it is the same policy')
})

t.test('a parameter changes what the rules say', async t => {
  const push = (use: unknown): unknown => expandPresets([use], shippedPresets).rules.find(({ rule }) => rule['id'] === 'github.api')?.rule['access']
  t.equal(push('github'), 'read-only', 'the default')
  t.equal(push({ preset: 'github', access: 'read-write' }), 'read-write')
})

// [what it shows, `use`, pointer, words]
const refused: [string, unknown[], string, RegExp][] = [
  ['a slip', ['githb'], '/use/0', /"github"/],
  ['a path is no name', ['../presets/github'], '/use/0', /no preset/],
  ['nor is what objects inherit', ['__proto__'], '/use/0', /no preset/],
  ['a parameter that it has not', [{ preset: 'github', acces: 'full' }], '/use/0/acces', /no parameter/],
  ['a value that it does not take', [{ preset: 'github', access: 'all' }], '/use/0/access', /"read-only"/],
  ['the same twice', ['github', { preset: 'github' }], '/use/1', /twice/],
]
for (const [shows, use, pointer, words] of refused) {
  const loaded = checkPolicy({ version: 1, use }, { now: 0 })
  t.equal(loaded.kind, 'invalid', shows)
  if (loaded.kind === 'invalid') t.ok(loaded.problems.some(problem => problem.pointer === pointer && words.test(`${problem.problem} ${problem.fix}`)), `${shows}: it is told at ${pointer}`, { told: loaded.problems })
}

t.test('a rule of the policy may not take the name of a preset\'s', async t => {
  const [id] = expandPresets(['anthropic'], shippedPresets).rules.map(({ rule }) => rule['id'])
  t.match(checkPolicy({ version: 1, use: ['anthropic'], rules: [{ id, host: 'a.example.com' }] }, { now: 0 }), { kind: 'invalid', problems: [{ pointer: '/rules/0/id' }] })
})
