/**
 * Ready-made rules: `use` in a policy names a file of `presets/`, and its rules join those of the policy.
 *
 * A preset is written in the policy language (schemas/preset.schema.json). `{"parameter": "access"}` in place of a value,
 * and `{tenant}` within a text, stand for what the policy says in the object form of `use`, or the default.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from './package-root.ts'
import type { RegistryName } from './registries.ts'

export type Parameter = Choice | Text | UrlParameter

/** One of a few values. */
export interface Choice {
  readonly kind: 'choice'
  readonly description: string
  readonly values: readonly (string | number | boolean)[]
  readonly default: string | number | boolean
}

/** A text or a list of them, to stand within hosts and paths. */
export interface Text {
  readonly kind: 'text'
  readonly description: string
  /** Regular expression of the whole text. */
  readonly pattern: string
  readonly example: string
  /** null: the policy has to say it. */
  readonly default: string | readonly string[] | null
}

/** A URL or a list of them. A rule whose `host` it is stands for its scheme, port and path as well, once for each. */
export interface UrlParameter {
  readonly kind: 'url'
  readonly description: string
  readonly example: string
  /** `from`: what a tool of this machine is set to. An empty list: its rules are left out. null: the policy has to say it. */
  readonly default: { readonly from: RegistryName } | readonly string[] | null
}

export interface Preset {
  readonly name: string
  readonly description: string
  /** Where its rules come from: pages of whoever runs the hosts. null: they were compared with none. */
  readonly source: string | null
  /** When they were last compared with that page. */
  readonly date: string | null
  readonly parameters: Readonly<Record<string, Parameter>>
  /** Rules of the language, with parameters. */
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

/** An entry of `use`, with what it says of parameters. */
export interface Used {
  readonly name: string
  readonly given: Readonly<Record<string, unknown>>
  readonly pointer: string
}

/** @param use as it stands in the document, whatever its shape; what has the wrong one is left out */
export function readUse(use: unknown): readonly Used[] {
  const entries: readonly unknown[] = Array.isArray(use) ? use : []
  return entries.flatMap((entry, index): Used[] => {
    const pointer = `/use/${index}`
    if (typeof entry === 'string') return [{ name: entry, given: {}, pointer }]
    if (typeof entry !== 'object' || entry === null) return []
    const { preset, ...given } = entry as Readonly<Record<string, unknown>>
    return typeof preset === 'string' ? [{ name: preset, given, pointer }] : []
  })
}

/** The tools of this machine that have to be asked before `use` can be expanded. */
export function neededRegistries(use: unknown, presets: PresetSource = shippedPresets): ReadonlySet<RegistryName> {
  return new Set(readUse(use).flatMap(({ name, given }) => Object.entries(presets.read(name)?.parameters ?? {})
    .flatMap(([parameter, declared]) => Object.hasOwn(given, parameter) ? [] : registryOf(declared) ?? [])))
}

/** @returns the tool that says the parameter's default; null where none does */
export function registryOf(parameter: Parameter): RegistryName | null {
  const preset = parameter.kind === 'url' ? parameter.default : null
  return preset !== null && 'from' in preset ? preset.from : null
}
