/** What a policy says of a preset's parameters → the values that stand in its rules, or every reason why not. */
import { parsePlace } from './place.ts'
import type { Place } from './place.ts'
import { registryOf } from './presets.ts'
import type { Choice, Parameter, Preset, Text, UrlParameter, Used } from './presets.ts'
import { below, error, listed, shown } from './problems.ts'
import type { Problem } from './problems.ts'
import type { Registries } from './registries.ts'

export type Value =
  | { readonly kind: 'choice', readonly value: string | number | boolean }
  | { readonly kind: 'texts', readonly texts: readonly string[] }
  | { readonly kind: 'places', readonly places: readonly Place[] }

export type Values =
  | { readonly kind: 'values', readonly values: ReadonlyMap<string, Value> }
  | { readonly kind: 'invalid', readonly problems: readonly Problem[] }

export function readParameters(preset: Preset, used: Used, registries: Registries): Values {
  const values = new Map<string, Value>()
  const problems = unknownParameters(preset, used)
  for (const [name, declared] of Object.entries(preset.parameters)) {
    const read = readValue(name, declared, { ...used, registries })
    if ('severity' in read) problems.push(read)
    else values.set(name, read)
  }
  return problems.length === 0 ? { kind: 'values', values } : { kind: 'invalid', problems }
}

/** Most values of one parameter: each makes rules of its own. */
const MAX_VALUES = 64

function unknownParameters({ name, parameters }: Preset, { given, pointer }: Used): Problem[] {
  const known = Object.keys(parameters)
  const fix = known.length === 0 ? 'Leave it out; it has none.' : `Leave it out, or write ${listed(known)}.`
  return Object.keys(given).filter(parameter => !known.includes(parameter))
    .map(parameter => error(below(pointer, parameter), `The preset ${shown(name)} has no parameter ${shown(parameter)}.`, fix))
}

interface Asking extends Used {
  readonly registries: Registries
}

function readValue(name: string, declared: Parameter, asking: Asking): Value | Problem {
  const isGiven = Object.hasOwn(asking.given, name)
  if (!isGiven && declared.default === null) return missing(name, declared, asking)
  const value = isGiven ? asking.given[name] : declared.default
  const pointer = below(asking.pointer, name)
  switch (declared.kind) {
    case 'choice': return readChoice(value, name, declared, pointer)
    case 'text': return readTexts(value, name, declared, pointer)
    case 'url': return isGiven || registryOf(declared) === null ? readPlaces(value, name, declared, pointer) : askedPlaces(name, declared, asking)
    default: return declared satisfies never
  }
}

function missing(name: string, { description, ...declared }: Parameter, { name: preset, pointer }: Asking): Problem {
  const example = 'example' in declared ? declared.example : ''
  return error(pointer, `The preset ${shown(preset)} needs ${shown(name)}. ${description}`, `Write { "preset": ${shown(preset)}, ${shown(name)}: ${shown(example)} }.`)
}

function readChoice(value: unknown, name: string, { values }: Choice, pointer: string): Value | Problem {
  const chosen = values.find(each => each === value)
  return chosen === undefined ? error(pointer, `${shown(value)} is no value of ${shown(name)}.`, `Write ${listed(values)}.`) : { kind: 'choice', value: chosen }
}

function readTexts(value: unknown, name: string, { pattern, example, default: preset }: Text, pointer: string): Value | Problem {
  const whole = new RegExp(`^(?:${pattern})$`)
  const texts = value === preset ? [preset ?? []].flat() : textsOf(value)
  const wrong = texts?.find(text => text.length > MAX_TEXT || !whole.test(text))
  if (texts === null || wrong !== undefined) return error(pointer, `${shown(wrong ?? value)} is no value of ${shown(name)}.`, `Write for example ${shown(example)}, or a list of at most ${MAX_VALUES} such texts.`)
  return { kind: 'texts', texts }
}

const MAX_TEXT = 256

function readPlaces(value: unknown, name: string, { example, default: preset }: UrlParameter, pointer: string): Value | Problem {
  const texts = value === preset && Array.isArray(preset) ? preset as readonly string[] : textsOf(value)
  const places = texts?.map(parsePlace) ?? [null]
  // The value is not shown: it may hold a password.
  if (!places.every(place => place !== null)) return error(pointer, `The value of ${shown(name)} is no http or https URL without query and "*", and no list of such URLs.`, `Write for example ${shown(example)}.`)
  return { kind: 'places', places }
}

function askedPlaces(name: string, declared: UrlParameter, { name: preset, pointer, registries }: Asking): Value | Problem {
  const registry = registryOf(declared)
  const asked = registry === null ? { kind: 'urls', urls: [] } as const : registries.known(registry)
  const fix = `Name it: { "preset": ${shown(preset)}, ${shown(name)}: ${shown(declared.example)} }.`
  if (asked.kind === 'failed') return error(pointer, asked.problem, fix)
  const places = asked.urls.map(parsePlace)
  // An address opens itself, whatever its class: that has to stand in the policy.
  const isSound = (place: Place | null): place is Place => place !== null && !place.isAddress
  if (!places.every(isSound)) return error(pointer, `This machine's setting for ${shown(name)} is no http or https URL with the name of a host.`, fix)
  return { kind: 'places', places }
}

/** @returns null for what is neither a text nor a list of texts, and for a list that is empty or too long */
function textsOf(value: unknown): readonly string[] | null {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.length > 0 && list.length <= MAX_VALUES && list.every(text => typeof text === 'string') ? list : null
}
