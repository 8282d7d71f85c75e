/** From a configuration file to doors: secrets from where they are named, doors within doors, and what cannot be made. */
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openHooks, readSettings } from '../../lib/hooks.ts'
import type { HookDocument } from '../../lib/model/settings.ts'
import { decidingFiles, secretPlaces } from '../../lib/secrets.ts'
import { sampleHeld } from '../helpers/sample-held.ts'

const stop = new AbortController().signal
const once = `echo '{"verdict":"approve","grant":"once","by":"anna"}'`
const deny = `echo '{"verdict":"deny","reason":"no"}'`
const say = async (hook: HookDocument): Promise<unknown> => {
  const [door] = await openHooks([hook], {})
  return door!.ask(sampleHeld(), { signal: stop })
}

t.test('each kind of hook is the door of its name', async t => {
  const dir = t.testdir({ secret: 'sixteen characters and more\n', token: '123456:abcdefghijkl', empty: ' \n' })
  const env = { SLACK: 'https://hooks.example.test/x', KEY: 'k' }
  const doors = await openHooks([
    { command: 'true' }, { webhook: { url: 'https://a.test/', secretFile: join(dir, 'secret') } }, { telegram: { chats: [1], tokenFile: join(dir, 'token') } }, { slack: { urlEnv: 'SLACK', desk: 'https://desk.test' } },
    { desktop: {} }, { model: { url: 'https://a.test/v1', model: 'm', keyEnv: 'KEY', instructions: join(dir, 'secret') } },
  ], env)
  t.strictSame(doors.map(({ name }) => name), ['command', 'webhook', 'telegram', 'slack', 'desktop', 'model'])
  for (const door of doors) door.close?.()
  await t.rejects(openHooks([{ slack: { urlEnv: 'NONE' } }], env), { message: /NONE is not set/ })
  await t.rejects(openHooks([{ webhook: { url: 'https://a.test/', secretFile: join(dir, 'none') } }], env), { message: /cannot be read \(ENOENT\)/ })
  await t.rejects(openHooks([{ webhook: { url: 'https://a.test/', secretFile: join(dir, 'empty') } }], env), { message: /is empty/ })
})

t.test('doors of doors ask what stands in them', async t => {
  t.match(await say({ first: [{ command: 'true' }, { command: once }] }), { verdict: 'approve', by: 'anna' })
  t.match(await say({ all: [{ command: once }, { command: deny }] }), { verdict: 'deny' })
  t.match(await say({ quorum: { needed: 2, of: [{ command: once }, { command: once }, { command: deny }] } }), { verdict: 'approve' })
  t.match(await say({ escalate: { after: '1h', first: { command: 'true' }, then: { command: deny } } }), { verdict: 'deny' })
  t.match(await say({ officeHours: { days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '00:00', during: { command: once }, otherwise: { command: deny } } }), { verdict: 'approve' })
  await t.rejects(openHooks([{ quorum: { needed: 3, of: [{ command: once }] } }]), { code: 'E_OPTION_INVALID' })
})

t.test('where secrets are is known, however deep they stand', async t => {
  t.strictSame(secretPlaces([{ first: [{ escalate: { after: '1m', first: { slack: { urlEnv: 'S' } }, then: { telegram: { chats: [1], tokenFile: '/t' } } } }, { model: { url: 'u', model: 'm', keyFile: '/k' } }] }]), { files: ['/t', '/k'], variables: ['S'] })
})

t.test('what decides the next time too is known: an envelope, what a model is told, and the files that a command names', t => {
  const dir = t.testdir({ 'ask.sh': '', folder: {} })
  t.strictSame(decidingFiles([{ first: [{ model: { url: 'u', model: 'm', envelope: '/e', instructions: '/i', keyFile: '/k' } }, { command: `NAME=x sh '${dir}/ask.sh' ${dir}/folder ${dir}/none /bin/sh/none` }] }]), ['/e', '/i', join(dir, 'ask.sh')])
  t.end()
})

t.test('a file that is not sound says how many things are wrong in it', async t => {
  const file = join(t.testdir({}), 'config.json')
  writeFileSync(file, '{"version":2,"approve":[{}]}')
  await t.rejects(readSettings(file), { code: 'E_CONFIG_INVALID', message: /config\.json#\/.* And 1 more\./ })
  await t.rejects(readSettings('none.json'), { code: 'E_CONFIG_INVALID', message: /^none\.json: The file cannot be read \(ENOENT\)/ }, 'and one that is not there')
})
