/** Configuration files: what is sound, and what is told of one that is not. */
import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { loadSettings } from '../../../lib/config/settings.ts'
import { checkSettingsShape } from '../../../lib/config/schema.ts'

interface Schema { readonly examples?: readonly unknown[], readonly properties?: Record<string, Schema>, readonly $defs: { readonly hook: { readonly properties: Record<string, Schema> } } }
const schema = JSON.parse(readFileSync(new URL('../../../schemas/config.schema.json', import.meta.url), 'utf8')) as Schema

t.test('every example of the schema is one', async t => {
  for (const example of schema.examples!) t.strictSame(checkSettingsShape(example), [])
  for (const [kind, { examples }] of Object.entries(schema.$defs.hook.properties)) {
    for (const example of examples!) t.strictSame(checkSettingsShape({ version: 1, approve: [{ [kind]: example }] }), [], kind)
  }
})

t.test('paths are read from the folder of the file, and from home', async t => {
  const dir = t.testdir({})
  const file = join(dir, 'config.json')
  writeFileSync(file, JSON.stringify({
    version: 1,
    approve: [{ first: [{ telegram: { chats: [1], tokenFile: 'token' } }, { escalate: { after: '5m', first: { model: { url: 'http://127.0.0.1:1/v1', model: 'm', envelope: '../envelope.json', keyEnv: 'KEY' } }, then: { command: './ask.sh' } } }] }],
    sandbox: { ro: ['~/.gitconfig'], rw: ['data'], gpu: true },
  }))
  const loaded = await loadSettings(file)
  if (loaded.kind !== 'settings') return t.fail(JSON.stringify(loaded))
  const { approve, sandbox } = loaded.settings
  t.match(approve, [{ first: [{ telegram: { tokenFile: join(dir, 'token') } }, { escalate: { first: { model: { envelope: join(dir, '../envelope.json'), keyEnv: 'KEY' } }, then: { command: './ask.sh' } } }] }])
  t.strictSame(sandbox, { ro: [join(homedir(), '.gitconfig')], rw: [join(dir, 'data')], hide: [], gpu: true })
})

t.test('what is wrong is told with its place and what to write instead', async t => {
  const file = join(t.testdir({}), 'config.json')
  const rows: [string, unknown, RegExp][] = [
    ['a secret in the file', { approve: [{ webhook: { url: 'https://a.test', secret: 'sixteen characters' } }] }, /\/approve\/0\/webhook\/secret A secret does not stand in this file\. Write "secretFile", the path/],
    ['a token in the file', { approve: [{ telegram: { chats: [1], token: '1:a' } }] }, /\/telegram\/token .*Write "tokenFile"/],
    ['a secret that is not named', { approve: [{ all: [{ webhook: { url: 'https://a.test' } }] }] }, /\/approve\/0\/all\/0\/webhook Its secret is not named\. Add "secretFile"/],
    ['one that is named twice', { approve: [{ escalate: { after: '1m', first: { command: 'a' }, then: { slack: { urlFile: 'a', urlEnv: 'B' } } } }] }, /\/approve\/0\/escalate\/then\/slack .*both given/],
    ['a chat nobody is in', { approve: [{ telegram: { chats: [], tokenFile: 'a' } }] }, /\/chats .*empty list/],
    ['two kinds in one hook', { approve: [{ desktop: {}, command: 'a' }] }, /\/approve\/0 .*more than one property/],
    ['no kind', { approve: [{}] }, /\/approve\/0 .*empty object/],
    ['a kind that is none', { approve: [{ telegarm: {} }] }, /telegarm .*Write "telegram"/],
    ['a time without its unit', { approve: [{ escalate: { after: '300', first: { command: 'a' }, then: { command: 'b' } } }] }, /\/after .*"5m"/],
    ['a slip beside them', { sandbx: {} }, /sandbx .*Write "sandbox"/],
  ]
  for (const [shows, more, words] of rows) {
    writeFileSync(file, JSON.stringify({ version: 1, ...more as object }))
    const loaded = await loadSettings(file)
    t.match(loaded.kind === 'invalid' ? loaded.problems.map(({ pointer, problem, fix }) => `${pointer} ${problem} ${fix}`).join('\n') : 'sound', words, shows)
  }
  writeFileSync(file, '{"version":1,"approve":[],"approve":[]}')
  t.match(await loadSettings(file), { kind: 'invalid' }, 'a key that stands twice')
  t.match(await loadSettings(join(t.testdirName, 'none.json')), { kind: 'invalid', problems: [{ pointer: '', problem: 'The file cannot be read (ENOENT).' }] }, 'none at all')
})
