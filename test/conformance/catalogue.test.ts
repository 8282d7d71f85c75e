/**
 * Every row of the catalogue of bypasses is a case of the corpus, or is said to be none and why (left-out.json): a way
 * in that somebody once found is not forgotten because nobody wrote it down here.
 */
import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { readCases } from '../../lib/conformance/cases.ts'

interface LeftOut { readonly rows: readonly string[], readonly leftOut: Readonly<Record<string, { readonly why: string, readonly shown: string | null }>> }

const { rows, leftOut } = JSON.parse(readFileSync(new URL('left-out.json', import.meta.url), 'utf8')) as LeftOut
const tried = new Set((readCases() as readonly { readonly bypass?: string | readonly string[] }[]).flatMap(({ bypass = [] }) => bypass))

t.test('each row is a case, or left out for a reason, and never both', async t => {
  t.equal(new Set(rows).size, 295, 'the catalogue has so many')
  for (const row of rows) t.equal(Number(tried.has(row)) + Number(row in leftOut), 1, row)
  for (const row of [...tried, ...Object.keys(leftOut)]) t.ok(rows.includes(row), `${row} is a row`)
  t.comment(`${tried.size} rows are tried, ${Object.keys(leftOut).length} left out`)
})

t.test('what is shown elsewhere is shown there', async t => {
  for (const [row, { why, shown }] of Object.entries(leftOut)) {
    t.ok(why.length > 10, row)
    if (shown !== null) t.ok(existsSync(new URL(`../../${shown}`, import.meta.url)), `${row}: ${shown}`)
  }
})
