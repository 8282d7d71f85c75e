import t from 'tap'
import { parsePolicy } from '../../../lib/config/load.ts'
import { starterPolicy } from '../../../lib/config/starter.ts'

t.test('the first policy of a user is sound, and there is nothing to warn of', async t => {
  const loaded = parsePolicy(starterPolicy(), { now: Date.parse('2030-01-01T00:00:00Z') })
  t.strictSame(loaded.kind === 'policy' ? loaded.warnings : loaded.problems, [])
  t.equal(loaded.kind, 'policy')
})

t.test('it shows each action, and says why in a note', async t => {
  const { rules } = JSON.parse(starterPolicy()) as { rules: { action?: string, access?: string, note?: string }[] }
  t.strictSame([...new Set(rules.map(({ action = 'allow' }) => action))].sort(), ['allow', 'deny', 'hold'])
  t.ok(rules.some(({ access }) => access === 'read-only'), 'reading is one of the examples')
  for (const { note = '' } of rules) t.not(note, '')
})
