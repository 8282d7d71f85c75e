/** `use` → rules: parameters are filled in, and what they may not say is told. */
import t from 'tap'
import { expandPresets } from '../../../lib/config/expand.ts'
import { checkPolicy } from '../../../lib/config/load.ts'
import { shippedPresets } from '../../../lib/config/presets.ts'
import type { Preset, PresetSource } from '../../../lib/config/presets.ts'
import type { Registries } from '../../../lib/config/registries.ts'

const lab: Preset = {
  name: 'lab', description: '', source: null, date: null,
  parameters: {
    at: { kind: 'url', description: 'Where it is.', example: 'https://lab.example.com', default: { from: 'npm' } },
    more: { kind: 'url', description: 'Where else.', example: 'https://more.example.com', default: [] },
    team: { kind: 'text', description: 'Whose.', pattern: '[a-z]+|\\*', example: 'red', default: '*' },
    zone: { kind: 'text', description: 'Which.', pattern: '[a-z]+', example: 'eu', default: [] },
    act: { kind: 'choice', description: 'What happens.', values: ['allow', 'hold', 'deny'], default: 'hold' },
    open: { kind: 'choice', description: 'Private.', values: [true, false], default: false },
  },
  rules: [
    { id: 'read', host: { parameter: 'at' }, private: { parameter: 'open' }, access: 'read-only', path: ['/', '/{team}/x'] },
    { id: 'all', host: { parameter: 'at' } },
    { id: 'write', action: { parameter: 'act' }, host: { parameter: 'at' }, method: 'PUT', path: '/{team}' },
    { id: 'more', host: { parameter: 'more' }, query: { team: '{team}' } },
    { id: 'zone', host: ['{zone}.{team}.example.com', 'a.example.com'], path: '/{zone}/**' },
  ],
}
const presets: PresetSource = { names: () => ['lab'], read: name => name === 'lab' ? lab : null }
const machine = (...urls: string[]): Registries => ({ ask: async () => {}, known: () => ({ kind: 'urls', urls }) })

const expand = (use: object, registries = machine('https://here.example.com/')): Record<string, unknown>[] => {
  const { rules, problems } = expandPresets([{ preset: 'lab', ...use }], presets, registries)
  t.strictSame(problems, [], JSON.stringify(use))
  return rules.map(({ rule }) => rule)
}

t.test('a rule stands for the scheme, port and path of its URL', async t => {
  t.strictSame(expand({ at: 'http://one.example.com:8081/base/' }).slice(0, 3), [
    { id: 'lab.read', private: false, access: 'read-only', path: ['/base/', '/base/*/x'], host: 'one.example.com', port: 8081, scheme: 'http' },
    { id: 'lab.all', host: 'one.example.com', port: 8081, scheme: 'http', path: ['/base/**'] },
    { id: 'lab.write', action: 'hold', method: 'PUT', path: ['/base/*'], host: 'one.example.com' },
  ], 'but one that holds or denies is for every scheme and port, so that nothing slips by')
  t.strictSame(expand({ at: 'https://one.example.com/' })[1], { id: 'lab.all', host: 'one.example.com' })
  t.match(expand({ at: 'https://one.example.com/', act: 'allow' })[2], { action: 'allow', path: ['/*'] })
  t.match(expand({ at: 'http://[fd00::1]:8081/', open: true })[0], { cidr: 'fd00::1', host: undefined, scheme: 'http', port: 8081, private: true })
})

t.test('several URLs make a rule each, with ids of their own', async t => {
  t.match(expand({ at: ['https://one.example.com', 'https://two.example.com/x'] }).map(({ id, host }) => [id, host]), [
    ['lab.read', 'one.example.com'], ['lab.read-2', 'two.example.com'], ['lab.all', 'one.example.com'], ['lab.all-2', 'two.example.com'], ['lab.write', 'one.example.com'], ['lab.write-2', 'two.example.com'],
  ])
})

t.test('a rule whose parameter stands for nothing is left out', async t => {
  t.strictSame(expand({}).map(({ id }) => id), ['lab.read', 'lab.all', 'lab.write'])
  t.strictSame(expand({}, machine()).map(({ id }) => id), [], 'so is one whose tool is set to nothing')
  t.match(expand({ more: 'https://m.example.com', zone: 'eu' }).slice(3), [{ id: 'lab.more', query: { team: '*' } }, { id: 'lab.zone', host: ['eu.*.example.com', 'a.example.com'], path: '/eu/**' }])
})

t.test('several texts stand in every place', async t => {
  const rules = expand({ team: ['red', 'blue'], zone: ['eu', 'us'] })
  t.strictSame(rules[0]!['path'], ['/', '/red/x', '/blue/x'])
  t.strictSame(rules[2]!['path'], ['/red', '/blue'])
  t.strictSame(rules[3]!['host'], ['eu.red.example.com', 'eu.blue.example.com', 'us.red.example.com', 'us.blue.example.com', 'a.example.com'])
  t.strictSame(rules[3]!['path'], ['/eu/**', '/us/**'])
})

t.test('what this machine is set to stands there where the policy does not say', async t => {
  t.match(expand({})[0], { host: 'here.example.com' })
  t.match(expand({ at: 'https://there.example.com' })[0], { host: 'there.example.com' })
})

// [what it shows, `use`, pointer, words, what the machine is set to]
const refused: [string, unknown[], string, RegExp, Registries?][] = [
  ['a slip', ['lob'], '/use/0', /"lab"/],
  ['what objects inherit', ['__proto__'], '/use/0', /no preset/],
  ['a parameter that it has not', [{ preset: 'lab', att: 'x' }], '/use/0/att', /no parameter "att".*"at"/],
  ['one that objects inherit', [{ preset: 'lab', constructor: 'x' }], '/use/0/constructor', /no parameter/],
  ['a value that it does not take', [{ preset: 'lab', act: 'ask' }], '/use/0/act', /"allow", "hold" or "deny"/],
  ['a list where one is meant', [{ preset: 'lab', act: ['allow'] }], '/use/0/act', /a list is no value/],
  ['a text that its pattern does not know', [{ preset: 'lab', team: 'Red' }], '/use/0/team', /"Red" is no value.*"red"/],
  ['a text that would be another path', [{ preset: 'lab', team: 'a/../b' }], '/use/0/team', /no value/],
  ['a text that would be another parameter', [{ preset: 'lab', team: '{zone}' }], '/use/0/team', /no value/],
  ['a line break behind a good text', [{ preset: 'lab', team: 'red\n' }], '/use/0/team', /no value/],
  ['one bad text of several', [{ preset: 'lab', team: ['red', 'R'] }], '/use/0/team', /"R" is no value/],
  ['an empty list', [{ preset: 'lab', zone: [] }], '/use/0/zone', /an empty list/],
  ['more texts than one may name', [{ preset: 'lab', team: Array.from({ length: 65 }, () => 'a') }], '/use/0/team', /at most 64/],
  ['no URL', [{ preset: 'lab', at: 'one.example.com' }], '/use/0/at', /no http or https URL.*lab\.example\.com/],
  ['a number', [{ preset: 'lab', at: 1 }], '/use/0/at', /no http or https URL/],
  ['the same twice', ['lab', { preset: 'lab' }], '/use/1', /twice/],
  ['a tool that is not there', ['lab'], '/use/0', /npm is not installed.*"at"/, { ask: async () => {}, known: () => ({ kind: 'failed', problem: 'npm is not installed.' }) }],
  ['a setting that is no URL of a host', ['lab'], '/use/0', /This machine's setting.*"at"/, machine('file:///srv')],
  ['a setting that is an address', ['lab'], '/use/0', /This machine's setting/, machine('https://one.example.com', 'http://169.254.169.254/')],
  ['a setting that would be a pattern', ['lab'], '/use/0', /This machine's setting/, machine('https://*.example.com/')],
]
for (const [shows, use, pointer, words, registries = machine('https://here.example.com/')] of refused) {
  const { problems, rules } = expandPresets(use, presets, registries)
  t.ok(problems.some(problem => problem.pointer === pointer && words.test(`${problem.problem} ${problem.fix}`)), `${shows}: it is told at ${pointer}`, { problems })
  if (use.length === 1) t.strictSame(rules, [], `${shows}: and no rule comes of it`)
}

t.test('a password in a URL is told to nobody', async t => {
  const { problems } = expandPresets([{ preset: 'lab', at: 'https://ann:s3cret@one.example.com/?x' }], presets, machine())
  t.equal(problems.length, 1)
  t.notMatch(JSON.stringify(problems), 's3cret')
  t.notMatch(JSON.stringify(expandPresets(['lab'], presets, machine('ftp://ann:s3cret@x/'))), 's3cret')
})

t.test('what has to be said and is not is asked for with an example', async t => {
  const { problems } = expandPresets(['jira'], shippedPresets)
  t.match(problems, [{ pointer: '/use/0', problem: /needs "site"/, fix: 'Write { "preset": "jira", "site": "acme" }.' }])
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

t.test('a rule of the policy may not take the name of a preset\'s', async t => {
  const [id] = expandPresets(['anthropic'], shippedPresets).rules.map(({ rule }) => rule['id'])
  t.match(checkPolicy({ version: 1, use: ['anthropic'], rules: [{ id, host: 'a.example.com' }] }, { now: 0 }), { kind: 'invalid', problems: [{ pointer: '/rules/0/id' }] })
})
