/**
 * Run by the build: writes what ajv makes of the schemas beside this file, as code, so that no start of the program has
 * to compile them. It lies in the build alone; run from its sources the house compiles them when it needs one.
 */
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { COMPILED, NAMES, createAjv } from './validators.ts'

const { default: standalone } = createRequire(import.meta.url)('ajv/dist/standalone/index.js') as { default: typeof import('ajv/dist/standalone/index.js').default }

writeFileSync(COMPILED, standalone(createAjv({ source: true }), Object.fromEntries(NAMES.map((name, at) => [`validate${at}`, name]))))
