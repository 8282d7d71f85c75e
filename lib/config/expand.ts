/**
 * `use` → the rules that it stands for, their parameters filled in, called `preset.id`.
 *
 * They are checked like any other rule afterwards; nothing here makes one wider than its preset and its parameters say.
 */
import { nearest } from './near.ts'
import { readParameters } from './parameters.ts'
import type { Value } from './parameters.ts'
import type { Place } from './place.ts'
import { readUse } from './presets.ts'
import type { Preset, PresetSource } from './presets.ts'
import { error, listed, shown } from './problems.ts'
import type { Problem } from './problems.ts'
import { machineRegistries } from './registries.ts'
import type { Registries } from './registries.ts'

type Rule = Readonly<Record<string, unknown>>
type Values = ReadonlyMap<string, Value>

export interface Expanded {
  readonly rules: readonly { readonly rule: Rule, readonly pointer: string }[]
  readonly problems: readonly Problem[]
}

/**
 * @param use as it stands in the document, whatever its shape; what has the wrong one is left out
 * @param registries no tool is run: what has not been asked before is a problem
 */
export function expandPresets(use: unknown, presets: PresetSource, registries: Registries = machineRegistries): Expanded {
  const rules: { rule: Rule, pointer: string }[] = []
  const problems: Problem[] = []
  const seen = new Set<string>()
  for (const used of readUse(use)) {
    const { name, pointer } = used
    const preset = presets.read(name)
    if (preset === null) {
      problems.push(unknownPreset(name, pointer, presets.names()))
    } else if (seen.has(name)) {
      problems.push(error(pointer, `The preset ${shown(name)} stands here twice.`, 'Keep one of them.'))
    } else {
      seen.add(name)
      const read = readParameters(preset, used, registries)
      if (read.kind === 'invalid') problems.push(...read.problems)
      else for (const rule of rulesOf(preset, read.values)) rules.push({ pointer, rule })
    }
  }
  return { rules, problems }
}

function unknownPreset(name: string, pointer: string, names: readonly string[]): Problem {
  const near = nearest(name, names)
  const fix = near === null ? `Write ${listed(names)}.` : `Write "${near}"; there are ${listed(names)}.`
  return error(pointer, `There is no preset ${shown(name)}.`, fix)
}

function rulesOf(preset: Preset, values: Values): readonly Rule[] {
  return preset.rules.flatMap(rule => {
    const places = placesIn(rule['host'], values)
    const named = (at: number): string => `${preset.name}.${String(rule['id'])}${at === 0 ? '' : `-${at + 1}`}`
    const filled: Rule = Object.fromEntries(Object.entries(rule).map(([property, value]) => [property, fill(value, values)]))
    // A parameter that stands for nothing leaves nothing to say, and a rule that said less would match more.
    if (Object.values(filled).some(value => Array.isArray(value) && value.length === 0)) return []
    return places === null ? [{ ...filled, id: named(0) }] : places.map((place, at) => ({ ...standAt(filled, place), id: named(at) }))
  })
}

/** @returns null where the value is no URL parameter */
function placesIn(value: unknown, values: Values): readonly Place[] | null {
  const named = parameterIn(value, values)
  return named?.kind === 'places' ? named.places : null
}

function parameterIn(value: unknown, values: Values): Value | undefined {
  return typeof value === 'object' && value !== null && 'parameter' in value ? values.get(String(value.parameter)) : undefined
}

/** A value with its parameters filled in; a text that stands for several becomes a list. */
function fill(value: unknown, values: Values): unknown {
  if (typeof value === 'string') {
    const texts = fillText(value, values)
    return texts.length === 1 ? texts[0] : texts
  }
  if (Array.isArray(value)) return value.flatMap((entry: unknown): readonly unknown[] => typeof entry === 'string' ? fillText(entry, values) : [entry])
  if (typeof value !== 'object' || value === null) return value
  const named = parameterIn(value, values)
  if (named?.kind === 'choice') return named.value
  if (named?.kind === 'texts') return named.texts
  if (named?.kind === 'places') return null
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fill(member, values)]))
}

/** Every way to fill `{name}`: no pattern of the language holds a brace, so nothing else can be meant. */
function fillText(text: string, values: Values): readonly string[] {
  const [, before = '', name = '', after = ''] = /^([^{]*)\{(\w+)\}([^]*)$/.exec(text) ?? []
  const value = values.get(name)
  if (value?.kind !== 'texts') return [text]
  const rest = fillText(after, values)
  return value.texts.flatMap(each => rest.map(tail => `${before}${each}${tail}`))
}

/** The rule for one URL: what it says of paths is said below that of the URL. */
function standAt({ host: _, ...rule }: Rule, { scheme, host, isAddress, port, base }: Place): Rule {
  // A rule that holds or denies names no scheme and no port, so that nothing slips by.
  const isAllow = (rule['action'] ?? 'allow') === 'allow'
  const paths = [rule['path'] ?? '/**'].flat().map(path => `${base}${String(path)}`)
  return {
    ...rule,
    ...isAddress ? { cidr: host } : { host },
    ...isAllow && port !== null ? { port } : {},
    ...isAllow && scheme !== 'https' ? { scheme } : {},
    ...base === '' && rule['path'] === undefined ? {} : { path: paths },
  }
}
