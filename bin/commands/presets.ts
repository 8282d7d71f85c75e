/** `sallyport presets`: the ready-made rules that a policy may `use`. */
import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import { describePreset, shippedPresets } from '../../lib/index.ts'
import type { DescribedPreset, PresetParameter } from '../../lib/index.ts'
import { printJson, printLine, table } from '../output.ts'

export function addPresets(program: Command): void {
  const presets = program.command('presets').description('ready-made rules for a service, for the "use" of a policy')
    .addHelpText('after', `
Examples:
  $ sallyport presets list
  $ sallyport presets show npm                    its rules, and the registry that npm is set to here
  "use": ["anthropic", { "preset": "github", "push": "deny" }]    in a policy`)

  presets.command('list')
    .description('every preset, and what it opens')
    .option('--json', 'print JSON')
    .action(({ json }: { json?: boolean }) => {
      const all = shippedPresets.names().map(name => shippedPresets.read(name)!)
      if (json) return printJson({ presets: all })
      printLine(table(all.map(({ name, description }) => [name, description])))
    })

  presets.command('show')
    .description('what a preset opens: its parameters, its rules, and what this machine\'s tools say of them')
    .argument('<name>', 'a preset', known)
    .option('--json', 'print JSON')
    .action(async (name: string, { json }: { json?: boolean }) => {
      const described = (await describePreset(name))!
      if (json) return printJson({ ...described.preset, here: described.here })
      for (const line of linesOf(described)) printLine(line)
    })
}

function known(name: string): string {
  const names = shippedPresets.names()
  if (!names.includes(name)) throw new InvalidArgumentError(`There are ${names.join(', ')}.`)
  return name
}

function linesOf({ preset: { name, description, source, date, parameters, rules }, here }: DescribedPreset): string[] {
  const names = Object.entries(parameters)
  return [
    `${name}: ${description}`,
    source === null ? 'compared with no page' : `compared with ${source} on ${date}`,
    ...names.length === 0 ? [] : ['\nparameters:', table(names.map(([parameter, declared]) => [`  ${parameter}`, valuesOf(declared), declared.description]))],
    ...Object.entries(here).map(([parameter, found]) => `  here ${parameter} is ${'urls' in found ? found.urls.join(', ') || 'off' : `not known: ${found.problem}`}`),
    '\nrules:',
    table(rules.map(rule => [`  ${name}.${String(rule['id'])}`, said(rule['action'] ?? 'allow'), said(rule['method'] ?? rule['access'] ?? 'every method'), `${rule['scheme'] === undefined ? '' : `${said(rule['scheme'])}://`}${said(rule['host'])}${rule['path'] === undefined ? '' : ` ${said(rule['path'])}`}`])),
    `\nin a policy: "use": [${JSON.stringify(names.length === 0 ? name : exampleOf(name, names))}]`,
  ]
}

function valuesOf(declared: PresetParameter): string {
  if (declared.kind === 'choice') return `${declared.values.join(', ')} (${declared.default})`
  const value = declared.kind === 'url' ? 'URL' : 'text'
  if (declared.default === null) return `${value} (required)`
  if (typeof declared.default === 'object' && 'from' in declared.default) return `${value} (asked of ${declared.default.from.replace('-sums', '')})`
  const usual = [declared.default].flat().join(', ')
  return `${value} (${usual === '' ? 'none' : usual})`
}

/** With what has to be given, or else the first parameter. */
function exampleOf(name: string, parameters: readonly (readonly [string, PresetParameter])[]): object {
  const required = parameters.filter(([, { default: preset }]) => preset === null)
  const shown = required.length > 0 ? required : parameters.slice(0, 1)
  return { preset: name, ...Object.fromEntries(shown.map(([parameter, declared]) => [parameter, declared.kind === 'choice' ? declared.values.find(value => value !== declared.default) : declared.example])) }
}

/** A value of a rule, a parameter as `{name}`. */
function said(value: unknown): string {
  if (Array.isArray(value)) return value.map(said).join(' ')
  return typeof value === 'object' && value !== null && 'parameter' in value ? `{${String(value.parameter)}}` : String(value)
}
