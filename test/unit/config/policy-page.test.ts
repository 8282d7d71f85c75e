/** docs/policy.md says what is checked: its tables are the schema's, and its examples are policies. */
import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { refreshed } from '../../../docs/generate-policy.ts'
import { checkPolicy } from '../../../lib/config/load.ts'
import { formatProblem } from '../../../lib/config/problems.ts'

const file = new URL('../../../docs/policy.md', import.meta.url)
if (process.env['WRITE_DOCS'] === '1') writeFileSync(file, refreshed(readFileSync(file, 'utf8')))
const page = readFileSync(file, 'utf8')

t.test('the tables are those of the schema and the presets', async t => {
  t.equal(page, refreshed(page), 'docs/policy.md is up to date; run this test with WRITE_DOCS=1 to make it so')
  for (const name of ['document', 'rule', 'presets']) t.match(page, `<!-- made: ${name} -->\n| `, `the table "${name}" is on the page`)
})

t.test('the generator writes between its marks and nowhere else', async t => {
  const stale = '# a\n<!-- made: rule -->\nzzz\n<!-- end -->\nprose $& stays\n'
  const made = refreshed(stale)
  t.ok(made.startsWith('# a\n<!-- made: rule -->\n| property |') && made.endsWith('<!-- end -->\nprose $& stays\n'))
  t.notMatch(made, 'zzz')
  t.equal(refreshed(made), made, 'and says the same the second time')
  t.throws(() => refreshed('<!-- made: constructor -->\n<!-- end -->'), /no table/)
})

t.test('every example on the page takes effect', async t => {
  const blocks = Array.from(page.matchAll(/```json\n([^]*?)```/g), ([, block]) => JSON.parse(block!) as unknown)
  t.ok(blocks.length >= 2, 'there are examples')
  for (const [at, block] of blocks.entries()) {
    const loaded = checkPolicy(Array.isArray(block) ? { version: 1, rules: block } : block)
    t.strictSame(loaded.kind === 'policy' ? [] : loaded.problems.map(problem => formatProblem(problem, 'policy.md')), [], `example ${at + 1}`)
  }
})
