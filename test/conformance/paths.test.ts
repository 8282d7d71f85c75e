/** Does a path pattern match the path of an accepted request-target? Every target here has one reading. */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { checkPathPattern, compilePathPattern } from '../../lib/decide/patterns.ts'
import { readTarget } from '../../lib/normalize/path.ts'

interface Case { id: string, why: string, pattern: string, target: string, matches: boolean }

const { cases } = JSON.parse(readFileSync(new URL('vectors/paths.json', import.meta.url), 'utf8')) as { cases: Case[] }

t.ok(cases.length > 70, 'the vectors were found')
for (const { id, why, pattern, target, matches } of cases) {
  const checked = checkPathPattern(pattern)
  const read = readTarget(target)
  if (checked.kind !== 'sound' || read.kind !== 'target' || read.readings.length !== 1) {
    t.fail(`${id}: the pattern is sound and the target has one reading`, { checked, read })
    continue
  }
  t.equal(compilePathPattern(checked.canonical)(read.readings[0]!), matches, `${id}: ${why}`)
}
