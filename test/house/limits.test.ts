/** The limits of the README are those of the code, both ways. */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { LIMITS } from '../../lib/limits.ts'
import type { LimitRow } from '../../lib/limits.ts'

const page = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const section = page.slice(page.indexOf('## Limits'), page.indexOf('\n## ', page.indexOf('## Limits') + 1))
const rows = new Map(section.split('\n').filter(line => line.startsWith('| `')).map(line => {
  const [name = '', ...rest] = line.slice(2, -2).split(' | ')
  return [name.replaceAll('`', ''), rest]
}))

t.test('every limit stands in the README with its default, flag and meaning', async t => {
  for (const [name, row] of Object.entries(LIMITS) as [string, LimitRow][]) {
    t.strictSame(rows.get(name), [spelled(row), `\`${row.flag}\``, row.says], name)
  }
})

t.test('the README has no limit that the code does not have', async t => {
  t.strictSame([...rows.keys()].filter(name => !(name in LIMITS)), [])
})

function spelled({ unit, value }: LimitRow): string {
  if (unit === 'milliseconds') return value % 3_600_000 === 0 ? `${value / 3_600_000} h` : `${value / 1_000} s`
  if (unit === 'bytes') return `${value / 1_024} KiB`
  return value.toLocaleString('en')
}
