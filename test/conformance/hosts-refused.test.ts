/** May a host pattern stand in a policy? */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { checkHostPattern } from '../../lib/decide/patterns.ts'

interface Case { id: string, why: string, pattern: string, anyHost?: boolean, valid: boolean }

const { cases } = JSON.parse(readFileSync(new URL('vectors/hosts-refused.json', import.meta.url), 'utf8')) as { cases: Case[] }

t.ok(cases.length > 60, 'the vectors were found')
for (const { id, why, pattern, anyHost = false, valid } of cases) {
  t.match(checkHostPattern(pattern, anyHost), valid ? { kind: 'sound', canonical: String } : { kind: 'refused', problem: String }, `${id}: ${why}`)
}
