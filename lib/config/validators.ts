/**
 * From a schema's name to what checks a value against it. ajv is at home here, and nowhere else.
 *
 * The build has compiled the schemas (compile-schemas.ts); where it has not, ajv compiles each when it is first asked
 * for: both do the same, and the first takes a tenth of a second less at each start. A hand-written check per property
 * would replace it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Ajv2020 as Ajv, CodeOptions, ValidateFunction } from 'ajv/dist/2020.js'
import { packageRoot } from './package-root.ts'
import type { Schema } from './shape-problems.ts'

/** What is checked: a file of `schemas/`, or a part of one. */
export const NAMES = ['policy.schema.json', 'config.schema.json', ...['approve', 'approveTask', 'deny', 'pass', 'rule'].map(part => `approval.schema.json#/$defs/${part}`)] as const

/** Where the build writes; CommonJS, for it requires ajv's few functions. */
export const COMPILED = fileURLToPath(new URL('validators.generated.cjs', import.meta.url))

const FILES = ['policy.schema.json', 'approval.schema.json', 'config.schema.json'] as const

/** @param name one of `NAMES` */
export function validatorOf(name: string): ValidateFunction {
  const at = NAMES.indexOf(name)
  const validate = built() === null ? (ajv ??= createAjv({})).getSchema(name) : built()![`validate${at}`]
  if (validate === undefined) throw new Error(`there is no schema ${name}`)
  return validate
}

let ajv: Ajv | null = null
let fromBuild: Readonly<Record<string, ValidateFunction>> | null | undefined

function built(): Readonly<Record<string, ValidateFunction>> | null {
  return fromBuild ??= existsSync(COMPILED) ? createRequire(import.meta.url)('./validators.generated.cjs') as Record<string, ValidateFunction> : null
}

export function createAjv(code: CodeOptions): Ajv {
  // Importing a package in CommonJS would read it twice: 20 ms.
  const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')
  // `strictTypes` asks for one type a schema; a property that is a text or a list of texts has two. Our own schemas are
  // measured against the meta-schema by a test and not at each start, which costs 40 ms.
  return new Ajv2020({ allErrors: true, strict: true, strictTypes: false, logger: false, meta: false, validateSchema: false, code }).addSchema(FILES.map(schemaFile))
}

const files = new Map<string, Schema>()

export function schemaFile(name: string): Schema {
  const known = files.get(name) ?? JSON.parse(readFileSync(join(packageRoot(), 'schemas', name), 'utf8')) as Schema
  files.set(name, known)
  return known
}
