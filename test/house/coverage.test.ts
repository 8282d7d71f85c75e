/**
 * Coverage is real: a line that never ran lowers what tap reports.
 *
 * Loaders that compile TypeScript in another place than tap watches report 100 % for code that never ran. So a small
 * project of its own runs under this repository's tap, with this repository's settings.
 */
import t from 'tap'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Lines { readonly total: number, readonly covered: number, readonly pct: number }

t.test('a line that never ran lowers the coverage that tap reports, and a file that ran whole has 100 %', { timeout: 60_000 }, async t => {
  const { code, out, lines } = await runTap(project(t, {
    'lib/partly.ts': `export function sign(n: number): string {
  if (n < 0) {
    return 'minus'
  }
  return 'plus'
}
`,
    'lib/wholly.ts': `export function double(n: number): number {
  return n * 2
}
`,
    'test/both.test.ts': `import t from 'tap'
import { sign } from '../lib/partly.ts'
import { double } from '../lib/wholly.ts'
t.equal(sign(double(1)), 'plus')
`,
  }))
  t.match(lines.get('lib/wholly.ts'), { total: 3, covered: 3, pct: 100 }, 'a file that ran whole', { out })
  t.match(lines.get('lib/partly.ts'), { total: 6, covered: 4, pct: 66.66 }, 'a file with a line that never ran', { out })
  t.match(lines.get('total'), { total: 9, covered: 7, pct: 77.77 }, 'and it lowers the whole')
  t.equal(code, 1, 'tap says so by its exit status too')
})

/** A folder with the files, and with the tap and its settings of this repository, but for which tests run and what is forgiven. */
function project(t: { teardown(call: () => unknown): void }, files: Readonly<Record<string, string>>): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-coverage-')))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const { tap: settings } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { tap: Record<string, unknown> }
  const { include: _include, 'allow-incomplete-coverage': _forgiven, ...rest } = settings
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'covered', version: '1.0.0', type: 'module', tap: { ...rest, include: ['test/*.test.ts'] } }))
  for (const file of ['tsconfig.json', 'test/helpers/transpile-once.cjs', 'test/helpers/uninstrumented.mjs']) cpSync(join(ROOT, file), join(dir, file), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  return dir
}

/** In an environment of its own: the tap that runs this test must not watch the one it starts. */
async function runTap(dir: string): Promise<{ readonly code: number, readonly out: string, readonly lines: ReadonlyMap<string, Lines> }> {
  const args = [join(dir, 'node_modules/tap/dist/esm/run.mjs'), 'run', '--reporter=tap', '--coverage-report=json-summary']
  const { code, out } = await new Promise<{ code: number, out: string }>(resolve => {
    execFile(process.execPath, args, { cwd: dir, env: { PATH: process.env['PATH'], HOME: dir } }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out: out + err })
    })
  })
  return { code, out, lines: linesIn(dir) }
}

/** By file, relative to the project, and `total`. Nothing where tap measured nothing. */
function linesIn(dir: string): ReadonlyMap<string, Lines> {
  const file = join(dir, '.tap/report/coverage-summary.json')
  if (!existsSync(file)) return new Map()
  const summary = JSON.parse(readFileSync(file, 'utf8')) as Record<string, { lines: Lines }>
  return new Map(Object.entries(summary).map(([name, { lines }]) => [name === 'total' ? name : relative(dir, name), lines]))
}
