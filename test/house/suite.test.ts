/** Every test is run: by tap itself, or in the one process of its folder. */
import t from 'tap'
import micromatch from 'micromatch'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

t.test('every test file is run once', async t => {
  const { tap } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { tap: { include: string[] } }
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.test.ts'))
  t.ok(files.length > 100, 'they were found')
  for (const file of files) {
    const byTap = micromatch.isMatch(`test/${file}`, tap.include)
    const entry = join(ROOT, 'test', `${file.split('/')[0]}.test.ts`)
    const byItsFolder = file.includes('/') && existsSync(entry) && readFileSync(entry, 'utf8').includes('runFolder(')
    t.equal(Number(byTap) + Number(byItsFolder), 1, file)
  }
})
