/** The codes in the code and the codes in docs/errors.md are the same, both ways, and say the same. */
import t from 'tap'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OPERATOR_ERRORS, OperatorError, REFUSALS, fill } from '../../lib/model/errors.ts'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const page = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')
const rows = page.split('\n').filter(line => line.startsWith('| `')).map(line => line.slice(2, -2).split(' | ').map(cell => cell.trim().replaceAll('\\|', '|')))

t.test('every refusal stands on the page as it is in the code', async t => {
  for (const [code, row] of Object.entries(REFUSALS)) {
    const found = rows.find(cells => cells[0] === `\`${code}\``)
    t.strictSame(found, [`\`${code}\``, String(row.status), row.proxyStatus, row.retry ? 'yes' : 'no', row.close ? 'yes' : 'no', row.says, row.hint, 'ask' in row ? row.ask : 'the same'], code)
  }
})

t.test('every operator error stands on the page as it is in the code', async t => {
  for (const [code, row] of Object.entries(OPERATOR_ERRORS)) {
    t.strictSame(rows.find(cells => cells[0] === `\`${code}\``), [`\`${code}\``, row.says, row.fix], code)
  }
})

t.test('the page has no code that the code does not have', async t => {
  const known = new Set([...Object.keys(REFUSALS), ...Object.keys(OPERATOR_ERRORS)])
  t.equal(rows.length, known.size)
  for (const [cell = ''] of rows) t.ok(known.has(cell.replaceAll('`', '')), cell)
})

t.test('every code is used', async t => {
  const code = ['lib', 'bin'].flatMap(folder => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && file !== 'model/errors.ts')
    .map(file => readFileSync(join(ROOT, folder, file), 'utf8'))).join('\n')
  for (const name of [...Object.keys(REFUSALS), ...Object.keys(OPERATOR_ERRORS)]) t.ok(code.includes(`'${name}'`), name)
})

t.test('a detail is never read as a template', async t => {
  t.equal(fill('{a} and {b}', { a: '{b}', b: 'x' }), '{b} and x')
  t.equal(new OperatorError('E_UNKNOWN_QUESTION', { id: '{id}' }).message, 'There is no open question {id}.')
})
