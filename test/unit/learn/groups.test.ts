import t from 'tap'
import { coverage } from '../../../lib/decide/covers.ts'
import { groupKey, groupQuestions } from '../../../lib/learn/groups.ts'
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
const ids = (lines: readonly string[]): string[] => groupQuestions(open(lines)).map(({ members }) => members.map(({ id }) => id).join(' '))

t.same(ids([]), [])
t.same(ids([`GET ${at}/a`]), ['q0'])
t.same(ids([`GET ${at}/a/1`, `GET ${at}/a/2`, `GET ${at}/b`]), ['q0 q1 q2'], 'one rule, one group')
t.same(ids([`GET ${at}/a`, `POST ${at}/b`]), ['q0', 'q1'], 'two methods')
t.same(ids([`GET ${at}/a`, `GET ${at}/b`, `POST ${at}/b`, `POST ${at}/c`, `PUT ${at}/d`]).sort(), ['q0 q1', 'q2 q3', 'q4'], 'one for each method')
t.same(ids(['GET https://10.0.0.1/a', 'GET https://10.0.0.1/b']), ['q0', 'q1'], 'no rule opens a private address')

t.test('what no rule settles with others is alone, and offers no rule for all', async t => {
  t.same(groupQuestions(open([`GET ${at}/a`, `GET ${at}//x`])).map(({ members, suggestion }) => [members.length, suggestion]), [[1, null], [1, null]])
})

t.test('a rule that is too long to be read is one for the folder, and says so', async t => {
  const [group] = groupQuestions(open(Array.from({ length: 60 }, (_, n) => `GET ${at}/packages/${'abcdefghijklmnopqrstuvwxyz'.slice(n % 26)}${'xyzwv'.slice(n / 26)}`)))
  t.equal(group?.members.length, 60)
  t.match(group?.suggestion, { says: /^all 60: GET https:\/\/api\.example\.com:443\/packages\//, rule: { host: 'api.example.com', method: 'GET' } })
  t.ok(JSON.stringify(group?.suggestion?.rule).length <= 500)
  const [wide] = groupQuestions(open(Array.from({ length: 60 }, (_, n) => `GET ${at}/${'abcdefghijklmnopqrstuvwxyz'.slice(n % 26)}/${'xyzwv'.slice(n / 26)}`)))
  t.same(wide?.suggestion?.rule, { host: 'api.example.com', method: 'GET' })
  t.match(wide?.suggestion?.says, /any path/)
})

t.test('a rule covers each of its group', async t => {
  for (const { members, suggestion } of groupQuestions(open(['a/1', 'a/2', 'x%2Fy', ';p=1', 'a b'.replace(' ', '%20'), '%2A'].flatMap(path => [`GET ${at}/${path}`, `POST ${at}/${path}/z`])))) {
    if (suggestion !== null) t.ok(members.every(({ facts }) => coverage(suggestion.rule)(facts)))
  }
})

t.test('what asks, and where, keeps questions apart', async t => {
  const [one, other] = open([`GET ${at}/a`, 'GET http://api.example.com/a'])
  t.not(groupKey(one!), groupKey(other!))
  t.not(groupKey(one!), groupKey({ ...one!, answers: 'pushes' }))
})
