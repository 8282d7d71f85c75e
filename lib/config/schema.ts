/**
 * The shapes of policies and answers, as `schemas/*.json` lay them down. ajv is at home here, and nowhere else.
 *
 * It compiles each schema once, when it is first asked; its errors leave as sentences of ours. It knows nothing
 * of what properties mean together: that is `rules.ts`. A hand-written check per property would replace it.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Ajv2020 as Ajv, ValidateFunction } from 'ajv/dist/2020.js'
import { packageRoot } from './package-root.ts'
import { error, listed, shown } from './problems.ts'
import type { Problem } from './problems.ts'
import { toProblems } from './shape-problems.ts'
import type { Schema } from './shape-problems.ts'

/** @param value plain data, as `JSON.parse` makes it */
export function checkPolicyShape(value: unknown): Problem[] {
  return check('policy.schema.json', value)
}

/** @param value plain data, as `JSON.parse` makes it */
export function checkAnswerShape(value: unknown): Problem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [error('', `An answer is an object, not ${shown(value)}.`, 'Answer {"verdict":"approve","grant":"once"}, {"verdict":"deny"} or {"verdict":"pass"}.')]
  }
  const verdict = Object.hasOwn(value, 'verdict') ? (value as { verdict: unknown }).verdict : undefined
  const known = VERDICTS.find(name => name === verdict)
  // One branch is checked, so that what is told is about the answer that was meant.
  if (known !== undefined) return check(`approval.schema.json#/$defs/${known === 'approve' && isForTask(value) ? 'approveTask' : known}`, value)
  const problem = verdict === undefined ? '"verdict" is missing.' : `${shown(verdict)} is no verdict.`
  return [error(verdict === undefined ? '' : '/verdict', problem, `Write "verdict": ${listed(VERDICTS)}.`)]
}

function isForTask({ grant }: { readonly grant?: unknown }): boolean {
  return typeof grant === 'object' && grant !== null && 'rules' in grant
}

/** A rule as an approval may give it. */
export function checkGrantShape(value: unknown): Problem[] {
  return check('approval.schema.json#/$defs/rule', value)
}

const VERDICTS = ['approve', 'deny', 'pass'] as const
const FILES = ['policy.schema.json', 'approval.schema.json'] as const

function check(name: string, value: unknown): Problem[] {
  const validate = compiled(name)
  return validate(value) ? [] : toProblems(validate.errors ?? [], { name, value, resolve })
}

let ajv: Ajv | null = null

function compiled(name: string): ValidateFunction {
  ajv ??= load()
  const validate = ajv.getSchema(name)
  if (validate === undefined) throw new Error(`there is no schema ${name}`)
  return validate
}

/** Most commands never need it, and importing a package in CommonJS would read it twice: 35 ms, and 20 more. */
function load(): Ajv {
  const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')
  // `strictTypes` asks for one type a schema; a property that is a text or a list of texts has two. Our own schemas are
  // measured against the meta-schema by a test and not at each start, which costs 40 ms.
  return new Ajv2020({ allErrors: true, strict: true, strictTypes: false, logger: false, meta: false, validateSchema: false }).addSchema(FILES.map(schemaFile))
}

/** @param ref a file and a pointer within it, or a pointer within `base` */
function resolve(ref: string, base = ''): { readonly schema: Schema, readonly file: string } {
  const [file = '', pointer = ''] = ref.split('#')
  const name = file === '' ? base : file
  const steps = pointer.split('/').slice(1)
  return { schema: steps.reduce<Schema>((schema, step) => (schema as Record<string, Schema>)[step] ?? {}, schemaFile(name)), file: name }
}

const files = new Map<string, Schema>()

function schemaFile(name: string): Schema {
  const known = files.get(name) ?? JSON.parse(readFileSync(join(packageRoot(), 'schemas', name), 'utf8')) as Schema
  files.set(name, known)
  return known
}
