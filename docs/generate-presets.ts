/** The tables about presets, in docs/policy.md and docs/presets.md, made from the presets that come with the package. */
import { shippedPresets } from '../lib/config/presets.ts'
import type { Parameter, Preset } from '../lib/config/presets.ts'

const presets = (): readonly Preset[] => shippedPresets.names().map(name => shippedPresets.read(name)!)

/** One line a preset. */
export function presetTable(): string {
  return table(['preset', 'opens', 'from'], presets().map(({ name, description, source, date }) =>
    [`[\`${name}\`](presets.md#${name})`, description, source === null ? '–' : `${source} (${date})`]))
}

/** One section a preset: its parameters and its rules. */
export function presetSections(): string {
  return presets().map(({ name, description, source, date, parameters, rules }) => [
    `### ${name}`,
    `${description}${source === null ? '' : ` Compared with ${source} on ${date}.`}`,
    ...Object.keys(parameters).length === 0 ? [] : [table(['parameter', 'takes', 'default', 'says'], Object.entries(parameters).map(parameterRow))],
    table(['rule', 'action', 'host', 'methods', 'paths', 'for'], rules.map(rule => ruleRow(name, rule))),
  ].join('\n\n')).join('\n\n')
}

function parameterRow([name, declared]: readonly [string, Parameter]): readonly string[] {
  const takes = declared.kind === 'choice' ? declared.values.map(code).join(', ') : `${declared.kind === 'url' ? 'a URL' : 'a text'}, or a list; ${code(declared.example)}`
  return [`\`${name}\``, takes, usual(declared), declared.description]
}

function usual(declared: Parameter): string {
  if (declared.default === null) return '**required**'
  if (declared.kind !== 'choice' && Array.isArray(declared.default) && declared.default.length === 0) return 'none: its rules are left out'
  if (typeof declared.default === 'object' && 'from' in declared.default) return `asked of \`${declared.default.from.replace('-sums', '')}\``
  return [declared.default].flat().map(code).join(', ')
}

function ruleRow(name: string, rule: Preset['rules'][number]): readonly string[] {
  const query = Object.entries(rule['query'] ?? {}).map(([parameter, value]) => `\`?${parameter}=${String(value)}\``)
  const scheme = rule['scheme'] === undefined ? '' : `${String(rule['scheme'])}://`
  return [
    `\`${name}.${String(rule['id'])}\``,
    cell(rule['action'] ?? 'allow'),
    listOf(rule['host']).map(host => `\`${scheme}${host}\``).join(' '),
    cell(rule['method'] ?? rule['access'] ?? 'every method'),
    [...rule['path'] === undefined ? ['every path'] : listOf(rule['path']).map(path => `\`${path}\``), ...query].join(' '),
    String(rule['note']),
  ]
}

const cell = (value: unknown): string => listOf(value).join(' ')

function listOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(listOf)
  return [typeof value === 'object' && value !== null && 'parameter' in value ? `{${String(value.parameter)}}` : String(value)]
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.map(text => text.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')
}

export function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``
}
