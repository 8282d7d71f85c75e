/** What the build adds to the code: validators that were compiled before. They find what ajv finds, word by word. */
import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { NAMES, createAjv } from '../../lib/config/validators.ts'

const built = new URL('../../dist/lib/config/validators.generated.cjs', import.meta.url)
const valuesIn = (file: string): unknown[] => (JSON.parse(readFileSync(new URL(`../conformance/vectors/${file}.json`, import.meta.url), 'utf8')) as { cases: { policy: unknown }[] }).cases.map(({ policy }) => policy)
const ANSWERS = [
  { verdict: 'approve', grant: 'once' }, { verdict: 'approve', grant: { rule: { host: 'a.test' }, ttlMs: 1 } }, { verdict: 'approve', grant: { rule: { hots: 'a.test' }, ttlMs: -1 } },
  { verdict: 'approve', grant: { rules: 'asked' } }, { verdict: 'deny', reason: 7 }, { verdict: 'deny', reason: 'no' }, { verdict: 'pass', more: 1 }, { host: 'a.test', path: ['/a', 7] }, null, [], 'x',
]

t.test('the compiled validators and ajv find the same in everything', async t => {
  t.ok(existsSync(built), 'the build has made them')
  const compiled = createRequire(import.meta.url)(built.pathname) as Record<string, ValidateFunction>
  const ajv = createAjv({})
  const values = [...valuesIn('policies-valid'), ...valuesIn('policies-invalid'), ...ANSWERS]
  t.ok(values.length > 120, `${values.length} values`)
  let refused = 0
  for (const [at, name] of NAMES.entries()) {
    const ours = compiled[`validate${at}`]!
    const theirs = ajv.getSchema(name)!
    for (const value of values) {
      t.equal(ours(value), theirs(value))
      t.strictSame(ours.errors, theirs.errors, name)
      if (ours.errors !== null && ours.errors !== undefined) refused++
    }
  }
  t.ok(refused > 400, 'and there was something to find')
})
