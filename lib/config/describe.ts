/** A preset as somebody looks at it before they use it, with what this machine's tools say of its parameters; and what a policy took of that. */
import { parsePlace } from './place.ts'
import type { Place } from './place.ts'
import { readUse, registryOf, shippedPresets } from './presets.ts'
import type { Preset, PresetSource } from './presets.ts'
import { machineRegistries } from './registries.ts'
import type { Registries } from './registries.ts'

export interface DescribedPreset {
  readonly preset: Preset
  /** Of each parameter whose default a tool of this machine says: URLs without user and password, or why not. */
  readonly here: Readonly<Record<string, { readonly urls: readonly string[] } | { readonly problem: string }>>
}

/** @returns null where there is none of that name */
export async function describePreset(name: string, presets: PresetSource = shippedPresets, registries: Registries = machineRegistries): Promise<DescribedPreset | null> {
  const preset = presets.read(name)
  if (preset === null) return null
  const asked = Object.entries(preset.parameters).flatMap(([parameter, declared]) => {
    const registry = registryOf(declared)
    return registry === null ? [] : [[parameter, registry] as const]
  })
  await registries.ask(asked.map(([, registry]) => registry))
  const here = asked.map(([parameter, registry]) => {
    const answer = registries.known(registry)
    return [parameter, answer.kind === 'failed' ? { problem: answer.problem } : { urls: answer.urls.map(spelled) }] as const
  })
  return { preset, here: Object.fromEntries(here) }
}

/** What stands in a policy by a setting of this machine, and so in no file of the policy's. */
export interface Taken {
  readonly preset: string
  readonly parameter: string
  /** Without user and password. */
  readonly urls: readonly string[]
}

/** @param use of a policy that was loaded: no tool is run */
export function takenSettings(use: unknown, presets: PresetSource = shippedPresets, registries: Registries = machineRegistries): readonly Taken[] {
  return readUse(use).flatMap(({ name, given }) => Object.entries(presets.read(name)?.parameters ?? {}).flatMap(([parameter, declared]): Taken[] => {
    const registry = Object.hasOwn(given, parameter) ? null : registryOf(declared)
    const answer = registry === null ? null : registries.known(registry)
    return answer?.kind === 'urls' ? [{ preset: name, parameter, urls: answer.urls.map(spelled) }] : []
  }))
}

function spelled(url: string): string {
  const place = parsePlace(url)
  return place === null ? 'a URL that no rule can be made of' : spell(place)
}

function spell({ scheme, host, port, base }: Place): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}${port === null ? '' : `:${port}`}${base}`
}
