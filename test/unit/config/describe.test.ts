import t from 'tap'
import { describePreset, takenSettings } from '../../../lib/config/describe.ts'
import { shippedPresets } from '../../../lib/config/presets.ts'
import { createRegistries } from '../../../lib/config/registries.ts'

const npm = (registry: string): ReturnType<typeof createRegistries> => createRegistries(async () => ({ kind: 'said', text: JSON.stringify({ registry }) }))

t.test('it says what this machine\'s tools are set to, without user and password', async t => {
  const told = await describePreset('npm', shippedPresets, npm('https://ann:s3cret@npm.example.test:8443/team/'))
  t.strictSame(told?.here, { registry: { urls: ['https://npm.example.test:8443/team'] } })
  t.equal(told?.preset, shippedPresets.read('npm'))
  t.strictSame((await describePreset('npm', shippedPresets, npm('http://[fd00::1]:4873')))?.here, { registry: { urls: ['http://[fd00::1]:4873'] } })
  t.match((await describePreset('npm', shippedPresets, npm('https://ann:s3cret@*.test/')))?.here, { registry: { urls: [/no rule/] } })
})

t.test('or why it does not know', async t => {
  const absent = createRegistries(async () => ({ kind: 'failed', problem: 'is not installed' }))
  t.strictSame((await describePreset('go', shippedPresets, absent))?.here, { proxy: { problem: 'go is not installed.' }, sums: { problem: 'go is not installed.' } })
})

t.test('no tool runs for a preset that needs none', async t => {
  const none = createRegistries(async () => { throw new Error('ran') })
  t.strictSame((await describePreset('github', shippedPresets, none))?.here, {})
  t.equal(await describePreset('githb', shippedPresets, none), null)
})

t.test('what a policy took from the machine is told, and what it says itself is not', async t => {
  const registries = npm('https://ann:s3cret@npm.example.test/team/')
  const use = ['anthropic', 'npm', 'nope']
  t.strictSame(takenSettings(use, shippedPresets, registries), [], 'nobody was asked yet')
  await registries.ask(['npm'])
  t.strictSame(takenSettings(use, shippedPresets, registries), [{ preset: 'npm', parameter: 'registry', urls: ['https://npm.example.test/team'] }])
  t.strictSame(takenSettings([{ preset: 'npm', registry: 'https://mine.example.test' }], shippedPresets, registries), [])
  t.strictSame(takenSettings(undefined, shippedPresets, registries), [])
})
