/**
 * Ready-made rules: `use` in a policy names a file of `presets/`, and its rules join those of the policy.
 *
 * A preset is written in the policy language. Where a value of a rule is `{"parameter": "access"}`, what the policy
 * says in the object form of `use` stands there, or the default. Its rules are checked like any other.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nearest } from './near.ts'
import { packageRoot } from './package-root.ts'
import { below, error, listed, shown } from './problems.ts'
import type { Problem } from './problems.ts'

export interface Parameter {
  readonly description: string
  readonly values: readonly (string | number | boolean)[]
  readonly default: string | number | boolean
}

export interface Preset {
  readonly name: string
  readonly description: string
  /** Where its rules come from: a page of whoever runs the hosts. */
  readonly source: string
  /** When they were last compared with that page. */
  readonly date: string
  readonly parameters: Readonly<Record<string, Parameter>>
  /** Rules of the language, a `{"parameter": name}` in place of any value. */
  readonly rules: readonly Readonly<Record<string, unknown>>[]
}

export interface PresetSource {
  names(): readonly string[]
  /** @returns null where there is none of that name */
  read(name: string): Preset | null
}

/** The presets that come with the package. Read when they are first asked for. */
export const shippedPresets: PresetSource = {
  names: () => shippedNames ??= readdirSync(folder()).filter(file => file.endsWith('.json')).map(file => file.slice(0, -5)).sort(),
  read(name) {
    // Only what the folder lists is opened: a name is text of a policy, not a path.
    if (!shippedPresets.names().includes(name)) return null
    const preset = shipped.get(name) ?? JSON.parse(readFileSync(join(folder(), `${name}.json`), 'utf8')) as Preset
    shipped.set(name, preset)
    return preset
  },
}

let shippedNames: readonly string[] | null = null
const shipped = new Map<string, Preset>()
const folder = (): string => join(packageRoot(), 'lib', 'config', 'presets')

export interface Expanded {
  /** Rules whose parameters are filled in, ids `preset.id`. */
  readonly rules: readonly { readonly rule: Readonly<Record<string, unknown>>, readonly pointer: string }[]
  readonly problems: readonly Problem[]
}

/** @param use as it stands in the document, whatever its shape; what has the wrong one is left out */
export function expandPresets(use: unknown, presets: PresetSource): Expanded {
  const rules: { rule: Readonly<Record<string, unknown>>, pointer: string }[] = []
  const problems: Problem[] = []
  const seen = new Set<string>()
  const entries: readonly unknown[] = Array.isArray(use) ? use : []
  entries.forEach((entry, index) => {
    const pointer = below('/use', index)
    const named = readUse(entry)
    if (named === null) return
    const preset = presets.read(named.name)
    if (preset === null) {
      problems.push(unknownPreset(named.name, pointer, presets.names()))
    } else if (seen.has(named.name)) {
      problems.push(error(pointer, `The preset ${shown(named.name)} stands here twice.`, 'Keep one of them.'))
    } else {
      seen.add(named.name)
      const wrong = checkParameters(preset, named.parameters, pointer)
      problems.push(...wrong)
      if (wrong.length === 0) for (const rule of preset.rules) rules.push({ pointer, rule: { ...fill(rule, preset, named.parameters), id: `${preset.name}.${String(rule['id'])}` } })
    }
  })
  return { rules, problems }
}

type Given = Readonly<Record<string, unknown>>

function readUse(entry: unknown): { readonly name: string, readonly parameters: Given } | null {
  if (typeof entry === 'string') return { name: entry, parameters: {} }
  if (typeof entry !== 'object' || entry === null) return null
  const { preset, ...parameters } = entry as Given
  return typeof preset === 'string' ? { name: preset, parameters } : null
}

function unknownPreset(name: string, pointer: string, names: readonly string[]): Problem {
  const near = nearest(name, names)
  const fix = near === null ? `Write ${listed(names)}.` : `Write "${near}"; there are ${listed(names)}.`
  return error(pointer, `There is no preset ${shown(name)}.`, fix)
}

function checkParameters({ name, parameters: known }: Preset, given: Given, pointer: string): Problem[] {
  return Object.entries(given).flatMap(([parameter, value]) => {
    const declared = Object.hasOwn(known, parameter) ? known[parameter]! : null
    if (declared === null) {
      const names = Object.keys(known)
      const fix = names.length === 0 ? 'Leave it out; it has none.' : `Leave it out, or write ${listed(names)}.`
      return [error(below(pointer, parameter), `The preset ${shown(name)} has no parameter ${shown(parameter)}.`, fix)]
    }
    if (declared.values.includes(value as string)) return []
    return [error(below(pointer, parameter), `${shown(value)} is no value of ${shown(parameter)}.`, `Write ${listed(declared.values)}.`)]
  })
}

function fill(rule: Given, { parameters }: Preset, given: Given): Given {
  return Object.fromEntries(Object.entries(rule).map(([property, value]) => {
    const parameter = typeof value === 'object' && value !== null && 'parameter' in value ? String(value.parameter) : null
    return parameter === null ? [property, value] : [property, given[parameter] ?? parameters[parameter]?.default]
  }))
}
