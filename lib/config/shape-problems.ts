/**
 * What a schema's validator found, in sentences of ours.
 *
 * What to write instead comes from the schema itself: each property has a `title` (what belongs there, as words in
 * the middle of a sentence) and examples. Pure.
 */
import type { ErrorObject } from 'ajv/dist/2020.js'
import { nearest } from './near.ts'
import { below, error, listed, shown } from './problems.ts'
import type { Problem } from './problems.ts'

/** As much of a JSON Schema as is looked at here. */
export interface Schema {
  readonly $ref?: string
  readonly title?: string
  readonly examples?: readonly unknown[]
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
}

export interface Checked {
  /** Of the schema: file and pointer. */
  readonly name: string
  readonly value: unknown
  resolve(ref: string, base?: string): { readonly schema: Schema, readonly file: string }
}

/** @returns one problem per place, but one for each property that is unknown or missing */
export function toProblems(errors: readonly ErrorObject[], checked: Checked): Problem[] {
  const problems: Problem[] = []
  const told = new Set<string>()
  for (const found of errors) {
    // It only says that one of its branches failed, and that branch has said so itself.
    if (found.keyword === 'if') continue
    if (found.keyword === 'additionalProperties') {
      problems.push(unknownProperty(found, checked))
    } else if (found.keyword === 'required') {
      problems.push(missingProperty(found, checked))
    } else if (!told.has(found.instancePath)) {
      told.add(found.instancePath)
      problems.push(wrongValue(found, checked))
    }
  }
  return problems
}

/** Values that have a file of their own, by the name under which people write them down. */
const SECRETS: Readonly<Record<string, string>> = { secret: 'secretFile', token: 'tokenFile', key: 'keyFile', apiKey: 'keyFile' }

/** What people call things in other products, or forget the name of. */
const MEANT: Readonly<Record<string, string>> = {
  ...SECRETS,
  comment: 'note', description: 'note', reason: 'note', default: 'unmatched', domain: 'host', domains: 'host', url: 'host', ip: 'cidr',
  verb: 'method', verbs: 'method', protocol: 'scheme', effect: 'action', decision: 'action', ttl: 'ttlMs', presets: 'use', until: 'expires',
}

function unknownProperty({ instancePath, params }: ErrorObject, checked: Checked): Problem {
  const name = String((params as { additionalProperty: unknown }).additionalProperty)
  const known = Object.keys(expectedAt(instancePath, checked).schema.properties ?? {})
  const meant = known.find(word => word === (Object.hasOwn(MEANT, name) ? MEANT[name] : undefined)) ?? nearest(name, known)
  // It was meant, and is not allowed: whoever wrote it wants to know why, and may have to change the secret.
  if (meant !== null && Object.hasOwn(SECRETS, name)) return error(below(instancePath, name), 'A secret does not stand in this file.', `Write "${meant}", the path of a file that holds it, and change the secret if others have read this one.`)
  const fix = meant === null ? `Leave it out; known here: ${known.join(', ')}.` : `Write "${meant}", or leave it out.`
  return error(below(instancePath, name), `There is no property ${shown(name)} here.`, fix)
}

function missingProperty({ instancePath, params }: ErrorObject, checked: Checked): Problem {
  const name = String((params as { missingProperty: unknown }).missingProperty)
  const { schema } = expectedAt(below(instancePath, name), checked)
  return error(instancePath, `"${name}" is missing.`, `Add "${name}": ${JSON.stringify(schema.examples?.[0])}.`)
}

function wrongValue(found: ErrorObject, checked: Checked): Problem {
  const { instancePath: pointer } = found
  const value = valueAt(checked.value, pointer)
  const { schema, title, examples } = expectedAt(pointer, checked)
  const isNumberInQuotes = typeof value === 'string' && /^\d{1,15}$/.test(value) && [schema.type].flat().includes('integer')
  const example = examples.find(known => typeof known === typeof value) ?? examples[0]
  const fix = isNumberInQuotes ? `Write ${title}, a number without quotation marks.`
    : title.startsWith('"') || found.keyword === 'const' || example === undefined || typeof example === 'boolean' ? `Write ${title}.`
    : `Write ${title}, for example ${JSON.stringify(example)}.`
  return error(pointer, whatIsWrong(found, value), fix)
}

function whatIsWrong({ keyword, instancePath, params }: ErrorObject, value: unknown): string {
  const name = nameOf(instancePath)
  switch (keyword) {
    case 'type': return `${begin(name)} is ${kindOf(value)}.`
    case 'minimum': return `${shown(value)} is too small for ${name}.`
    case 'maximum': return `${shown(value)} is too large for ${name}.`
    case 'minItems': return `${begin(name)} is an empty list.`
    case 'maxProperties': return `${begin(name)} has more than one property.`
    case 'minProperties': return `${begin(name)} is an empty object.`
    case 'maxLength': return `${begin(name)} is longer than ${String((params as { limit: unknown }).limit)} characters.`
    default: return `${shown(value)} is no value of ${name}.`
  }
}

/** The nearest property above a place, for the middle of a sentence. */
function nameOf(pointer: string): string {
  const steps = stepsOf(pointer)
  const name = steps.findLast(step => !/^\d+$/.test(step))
  if (name === undefined) return 'the document'
  return /^\d+$/.test(steps.at(-1)!) ? `an entry of ${shown(name)}` : shown(name)
}

function begin(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value) || typeof value === 'object') return shown(value)
  return `${typeof value === 'string' ? 'the text' : typeof value === 'number' ? 'the number' : 'the value'} ${shown(value)}`
}

interface Expected {
  readonly schema: Schema
  readonly title: string
  readonly examples: readonly unknown[]
}

/** The schema of a place, with the words of the nearest one above it that has any. */
function expectedAt(pointer: string, { name, resolve }: Checked): Expected {
  let { schema, file } = resolve(name)
  let expected: Expected = { schema, title: `an object with ${listed(Object.keys(schema.properties ?? {}))}`, examples: schema.examples ?? [] }
  for (const step of stepsOf(pointer)) {
    let next = childOf(schema, step)
    if (next.$ref !== undefined) ({ schema: next, file } = resolve(next.$ref, file))
    schema = next
    // An entry of a list has words of its own, and the examples of the list's single form.
    expected = { schema, title: schema.title ?? expected.title, examples: schema.examples ?? expected.examples.filter(example => !Array.isArray(example)) }
  }
  return expected
}

function childOf(schema: Schema, step: string): Schema {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, step)) return schema.properties[step]!
  if (schema.items !== undefined && /^\d+$/.test(step)) return schema.items
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {}
}

function valueAt(value: unknown, pointer: string): unknown {
  return stepsOf(pointer).reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], value)
}

function stepsOf(pointer: string): string[] {
  return pointer.split('/').slice(1).map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}
