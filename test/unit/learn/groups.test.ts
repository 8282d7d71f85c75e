import t from 'tap'
import { coverage } from '../../../lib/decide/covers.ts'
import { groupQuestions, isAlike, sayGroup } from '../../../lib/learn/groups.ts'
import type { OpenQuestion } from '../../../lib/learn/groups.ts'
import { describeRequest } from '../../../lib/normalize/offline.ts'

function open(lines: readonly string[]): OpenQuestion[] {
  return lines.map((line, n) => {
    const [method = '', url = ''] = line.split(' ')
    const described = describeRequest({ method, url })
    if (described.kind === 'refused') throw new Error(described.reason)
    return { id: `q${n}`, facts: described.facts, answers: null, waiting: 1 }
  })
}
const at = 'https://api.example.com'
const ids = (lines: readonly string[]): string[] => groupQuestions(open(lines)).map(({ ids }) => ids.join(' '))

t.same(ids([]), [])
t.same(ids([`GET ${at}/a`]), ['q0'])
t.same(ids([`GET ${at}/a/1`, `GET ${at}/a/2`, `GET ${at}/b`]), ['q0 q1 q2'], 'one rule, one group')
t.same(ids(['GET https://10.0.0.1/a', 'GET https://10.0.0.1/b']), ['q0', 'q1'], 'no rule opens a private address')

t.test('what no rule settles with others is alone, and offers no rule for all', async t => {
  t.same(groupQuestions(open([`GET ${at}/a`, `GET ${at}//x`])).map(({ ids, rule }) => [ids.length, rule]), [[1, null], [1, null]])
})

t.test('a rule that is too long to be read is one for the folder, and says so', async t => {
  const questions = open(Array.from({ length: 60 }, (_, n) => `GET ${at}/packages/${'abcdefghijklmnopqrstuvwxyz'.slice(n % 26)}${'xyzwv'.slice(n / 26)}`))
  const [group] = groupQuestions(questions)
  t.equal(group?.ids.length, 60)
  t.match(sayGroup(group!, questions[0]!.facts, 60), { says: /^all 60: GET https:\/\/api\.example\.com:443\/packages\//, rule: { host: 'api.example.com', method: 'GET' } })
  t.ok(JSON.stringify(group?.rule).length <= 500)
  const [wide] = groupQuestions(open(Array.from({ length: 60 }, (_, n) => `GET ${at}/${'abcdefghijklmnopqrstuvwxyz'.slice(n % 26)}/${'xyzwv'.slice(n / 26)}`)))
  t.same(wide?.rule, { host: 'api.example.com', method: 'GET' })
  t.match(sayGroup(wide!, questions[0]!.facts, 60)?.says, /any path/)
})

t.test('a rule covers each of its group', async t => {
  const questions = open(['a/1', 'a/2', 'x%2Fy', ';p=1', 'a%20b', '%2A'].map(path => `GET ${at}/${path}`))
  const [group, ...others] = groupQuestions(questions)
  t.same([group?.ids.length, others], [6, []])
  t.ok(questions.every(({ facts }) => coverage(group!.rule!)(facts) && group!.covers(facts)))
})

t.test('what asks, where and how keeps questions apart', async t => {
  const [one, same, ...others] = open([`GET ${at}/a`, `GET ${at}/b`, 'GET http://api.example.com/a', `DELETE ${at}/a`, 'GET https://b.example.com/a', `GET ${at}:8443/a`])
  t.ok(isAlike(one!, same!))
  for (const other of [...others, { ...one!, answers: 'pushes' }]) t.notOk(isAlike(one!, other))
})
