/** The shipped presets are data: each has the form of the schema, and makes rules that take effect whatever its parameters say. */
import t from 'tap'
import { readFileSync, readdirSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { checkPolicy } from '../../../lib/config/load.ts'
import { neededRegistries, shippedPresets } from '../../../lib/config/presets.ts'
import type { Preset } from '../../../lib/config/presets.ts'
import type { Registries } from '../../../lib/config/registries.ts'
import { compileRuleset } from '../../../lib/decide/compile.ts'

const names = shippedPresets.names()
const all = names.map(name => shippedPresets.read(name)!)
const schema = (name: string): object => JSON.parse(readFileSync(new URL(`../../../schemas/${name}`, import.meta.url), 'utf8')) as object
const validate = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false, formats: { regex: true } }).addSchema(schema('policy.schema.json')).compile(schema('preset.schema.json'))

/** A machine on which every tool is set to one mirror. */
const registries: Registries = { ask: async () => {}, known: name => ({ kind: 'urls', urls: [`https://${name}.mirror.example.com/base/`] }) }

/** `use` with what has to be given, and one more parameter. */
function useOf({ name, parameters }: Preset, more: object = {}): object {
  const required = Object.entries(parameters).filter(([, { default: preset }]) => preset === null)
  return { preset: name, ...Object.fromEntries(required.map(([parameter, declared]) => [parameter, 'example' in declared ? declared.example : null])), ...more }
}

t.test('there is one for each service that agents are sent to', async t => {
  const wanted = 'anthropic apt aws-s3 azure-openai brave cargo conda discord docker github gitlab go google huggingface jira npm nvidia ollama openai outlook pypi slack telegram ubuntu'
  t.strictSame(names, wanted.split(' '))
})

t.test('every file is of the schema, and says what it was compared with or that it was not', async t => {
  for (const preset of all) {
    t.ok(validate(preset), preset.name, { errors: validate.errors })
    t.equal((preset.source === null), (preset.date === null), `${preset.name}: a source has a date`)
    if (preset.source === null) t.match(preset.description, /compared with/, `${preset.name}: and where there is none the description says so`)
    t.equal(new Set(preset.rules.map(({ id }) => id)).size, preset.rules.length, `${preset.name}: each rule has its own id`)
  }
})

t.test('every parameter stands in a rule, and every one that stands in a rule is declared', async t => {
  for (const { name, parameters, rules } of all) {
    const text = JSON.stringify(rules)
    const used = new Set([...Array.from(text.matchAll(/\{"parameter":"(\w+)"\}/g), ([, used]) => used!), ...Array.from(text.matchAll(/\{(\w+)\}/g), ([, used]) => used!)])
    t.strictSame([...used].sort(), Object.keys(parameters).sort(), name)
  }
})

t.test('every preset is sound with each value of its parameters', async t => {
  for (const preset of all) {
    const more = Object.entries(preset.parameters).flatMap(([parameter, declared]): object[] => declared.kind === 'choice'
      ? declared.values.map(value => ({ [parameter]: value }))
      : [{ [parameter]: declared.example }, { [parameter]: [declared.example] }])
    for (const use of [{}, ...more].map(each => useOf(preset, each))) {
      const loaded = checkPolicy({ version: 1, use: [use] }, { now: 0, registries })
      t.match(loaded, { kind: 'policy', warnings: [] }, `${JSON.stringify(use)} has neither problem nor warning`)
      if (loaded.kind === 'policy') t.equal(compileRuleset(loaded.document, loaded.hash).size, loaded.document.rules!.length, 'and compiles')
    }
    const every = Object.fromEntries(Object.entries(preset.parameters).flatMap(([parameter, declared]) => 'example' in declared ? [[parameter, declared.example]] : []))
    const whole = checkPolicy({ version: 1, use: [useOf(preset, every)] }, { now: 0, registries })
    t.match(whole, { kind: 'policy', warnings: [] }, `${preset.name}: all of them together are sound, and no warning is about what nobody could change`)
    t.equal(whole.kind === 'policy' && whole.document.rules!.length, preset.rules.length, `${preset.name}: with all of them no rule is left out`)
  }
})

t.test('all of them together are sound', async t => {
  const loaded = checkPolicy({ version: 1, use: all.map(preset => useOf(preset)) }, { now: 0, registries })
  t.match(loaded, { kind: 'policy', warnings: [] }, JSON.stringify(loaded.kind === 'invalid' ? loaded.problems : loaded.warnings))
})

t.test('nothing that writes is allowed unless a parameter says so', async t => {
  const written = all.flatMap(preset => preset.rules
    .filter(rule => (rule['action'] ?? 'allow') === 'allow' && [rule['method'] ?? []].flat().some(method => ['PUT', 'PATCH', 'DELETE'].includes(String(method))))
    .map(rule => `${preset.name}.${String(rule['id'])}`))
  t.strictSame(written, [])
  for (const { name, parameters } of all) {
    for (const word of ['push', 'publish', 'post', 'write', 'send', 'manage']) {
      if (Object.hasOwn(parameters, word)) t.match(parameters[word], { values: ['allow', 'hold', 'deny'], default: 'hold' }, `${name}: ${word}`)
    }
  }
})

t.test('those of package registries name no host', async t => {
  for (const name of ['npm', 'pypi', 'cargo', 'go', 'apt', 'ubuntu', 'conda', 'docker']) {
    const { rules, parameters } = shippedPresets.read(name)!
    for (const rule of rules) t.match(rule['host'], { parameter: String }, `${name}.${String(rule['id'])}`)
    const urls = [...JSON.stringify(parameters).matchAll(/https?:\/\/([\w.-]+)/g)].map(([, host]) => host!)
    t.ok(urls.every(host => host.endsWith('.example.com')), `${name}: nor do their parameters`, { urls })
  }
  t.strictSame([...neededRegistries([...names])].sort(), ['apt', 'cargo', 'conda', 'go', 'go-sums', 'npm', 'pip'])
  t.strictSame([...neededRegistries(['anthropic', { preset: 'npm', registry: 'https://npm.example.com/' }])], [], 'a tool is asked only where the policy does not say')
})

t.test('only what the folder lists is a preset', async t => {
  const files = readdirSync(new URL('../../../lib/config/presets/', import.meta.url))
  t.equal(files.length, names.length)
  for (const name of ['../presets/github', '__proto__', 'github.json', '']) t.equal(shippedPresets.read(name), null, name)
})
