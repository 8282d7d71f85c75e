/** A permit is written in decide/ and nowhere else, and cannot be forged. */
import t from 'tap'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Permit } from '../../lib/model/decision.ts'
import { PUBLIC_ONLY } from '../../lib/model/policy.ts'

const LIB = resolve(dirname(fileURLToPath(import.meta.url)), '../../lib')

t.test('only decide/ issues permits', async t => {
  const issuers = readdirSync(LIB, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && file !== 'model/decision.ts')
    .filter(file => /Permit\s*\.\s*issue|Permit\s*\[/.test(readFileSync(join(LIB, file), 'utf8')))
  t.ok(issuers.length > 0, 'somebody does')
  for (const file of issuers) t.match(file, /^decide\//)
})

t.test('nothing that merely looks like a permit is one', async t => {
  const facts = { kind: 'stream', client: 'c', scheme: 'tcp', host: 'a.test' as never, hostKind: 'name', port: 1 } as const
  const permit = Permit.issue(facts, 'r', { scope: PUBLIC_ONLY, maxRequestBytes: null, maxResponseBytes: null })
  t.ok(Permit.is(permit))
  for (const [how, forged] of Object.entries({
    'a literal': { facts, ruleId: 'r', terms: permit.terms },
    'a spread': { ...permit },
    'a clone': structuredClone(permit),
    'an object with its prototype': Object.assign(Object.create(Permit.prototype), permit),
    'a proxy of one': new Proxy(permit, {}),
    'nothing': null,
  })) t.notOk(Permit.is(forged), how)
  t.throws(() => Object.assign(permit, { ruleId: 'other' }), 'it cannot be changed')
})
