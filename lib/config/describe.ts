/** A preset as somebody looks at it before they use it, with what this machine's tools say of its parameters. */
import { parsePlace } from './place.ts'
import type { Place } from './place.ts'
import { registryOf, shippedPresets } from './presets.ts'
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

function spelled(url: string): string {
  const place = parsePlace(url)
  return place === null ? 'a URL that no rule can be made of' : spell(place)
}

function spell({ scheme, host, port, base }: Place): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}${port === null ? '' : `:${port}`}${base}`
}
