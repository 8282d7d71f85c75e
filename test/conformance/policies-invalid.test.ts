/** Policies that must not take effect: every problem listed is told, all at once. */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { checkPolicy, parsePolicy } from '../../lib/config/load.ts'
import { formatProblem } from '../../lib/config/problems.ts'

interface Case { id: string, why: string, policy: unknown, problems: { pointer: string, mentions: string[] }[] }

const { cases } = JSON.parse(readFileSync(new URL('vectors/policies-invalid.json', import.meta.url), 'utf8')) as { cases: Case[] }

/** Where a vector contradicts the policy language, the language wins: there the policy is sound. */
const SOUND: Record<string, string> = {
  'inv-path-list': '"In a path pattern `@ + ! ( ) , ; : = & $ \' ~` stand for themselves"',
}

t.ok(cases.length > 90, 'the vectors were found')
for (const { id, why, policy, problems } of cases) {
  for (const [how, loaded] of [['as a value', checkPolicy(policy)], ['as text', parsePolicy(JSON.stringify(policy))]] as const) {
    if (SOUND[id] !== undefined) {
      t.equal(loaded.kind, 'policy', `${id}: sound, because of ${SOUND[id]} (${how})`)
      continue
    }
    if (loaded.kind !== 'invalid') {
      t.fail(`${id}: ${why} (${how})`)
      continue
    }
    const isTold = ({ pointer, mentions }: Case['problems'][number]): boolean => loaded.problems.some(problem =>
      (problem.pointer === pointer || problem.pointer.startsWith(`${pointer}/`))
      && mentions.every(word => `${problem.problem} ${problem.fix}`.toLowerCase().includes(word.toLowerCase())))
    t.strictSame(problems.filter(problem => !isTold(problem)), [], `${id}: ${why} (${how})`, { told: loaded.problems.map(problem => formatProblem(problem, 'policy.json')) })
  }
}
