/** Policies that must take effect without a problem, and that compile. */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { checkPolicy, parsePolicy } from '../../lib/config/load.ts'
import { compileRuleset } from '../../lib/decide/compile.ts'

interface Case { id: string, why: string, policy: unknown }

const { cases } = JSON.parse(readFileSync(new URL('vectors/policies-valid.json', import.meta.url), 'utf8')) as { cases: Case[] }

t.ok(cases.length > 10, 'the vectors were found')
for (const { id, why, policy } of cases) {
  for (const [how, loaded] of [['as a value', checkPolicy(policy)], ['as text', parsePolicy(JSON.stringify(policy))]] as const) {
    t.strictSame(loaded.kind === 'invalid' ? loaded.problems : [], [], `${id}: ${why} (${how})`)
    if (loaded.kind === 'policy') t.doesNotThrow(() => compileRuleset(loaded.document, loaded.hash), `${id}: it compiles (${how})`)
  }
}

t.test('every policy of the decision vectors is sound', async t => {
  const { cases } = JSON.parse(readFileSync(new URL('vectors/decisions.json', import.meta.url), 'utf8')) as { cases: Case[] }
  for (const { id, policy } of cases) {
    const loaded = checkPolicy(policy)
    t.strictSame(loaded.kind === 'invalid' ? loaded.problems : [], [], id)
  }
})
