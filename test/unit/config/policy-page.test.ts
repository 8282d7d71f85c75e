/** docs/policy.md and docs/presets.md say what is checked: their tables are the schema's and the presets', and their examples are policies. */
import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { refreshed } from '../../../docs/generate-policy.ts'
import { checkPolicy } from '../../../lib/config/load.ts'
import { shippedPresets } from '../../../lib/config/presets.ts'
import { formatProblem } from '../../../lib/config/problems.ts'

// [page, its tables]
const pages: [string, string[]][] = [['policy.md', ['document', 'rule', 'presets']], ['presets.md', ['details']]]
const fileOf = (name: string): URL => new URL(`../../../docs/${name}`, import.meta.url)
if (process.env['WRITE_DOCS'] === '1') for (const [name] of pages) writeFileSync(fileOf(name), refreshed(readFileSync(fileOf(name), 'utf8')))
const read = (name: string): string => readFileSync(fileOf(name), 'utf8')

t.test('the tables are those of the schema and the presets', async t => {
  for (const [name, tables] of pages) {
    t.equal(read(name), refreshed(read(name)), `docs/${name} is up to date; run this test with WRITE_DOCS=1 to make it so`)
    for (const table of tables) t.match(read(name), `<!-- made: ${table} -->\n`, `the table "${table}" is on the page`)
  }
  for (const preset of shippedPresets.names()) t.match(read('presets.md'), `\n### ${preset}\n`, `${preset} has a section`)
})

t.test('the generator writes between its marks and nowhere else', async t => {
  const stale = '# a\n<!-- made: rule -->\nzzz\n<!-- end -->\nprose $& stays\n'
  const made = refreshed(stale)
  t.ok(made.startsWith('# a\n<!-- made: rule -->\n| property |') && made.endsWith('<!-- end -->\nprose $& stays\n'))
  t.notMatch(made, 'zzz')
  t.equal(refreshed(made), made, 'and says the same the second time')
  t.throws(() => refreshed('<!-- made: constructor -->\n<!-- end -->'), /no table/)
})

t.test('every example on the pages takes effect', async t => {
  for (const [name] of pages) {
    const blocks = Array.from(read(name).matchAll(/```json\n([^]*?)```/g), ([, block]) => JSON.parse(block!) as unknown)
    t.ok(blocks.length >= 2, `there are examples in ${name}`)
    for (const [at, block] of blocks.entries()) {
      const loaded = checkPolicy(Array.isArray(block) ? { version: 1, rules: block } : block)
      t.strictSame(loaded.kind === 'policy' ? [] : loaded.problems.map(problem => formatProblem(problem, name)), [], `${name}, example ${at + 1}`)
    }
  }
})
