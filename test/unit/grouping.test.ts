import t from 'tap'
import { createGrouping } from '../../lib/grouping.ts'
import type { OpenQuestion } from '../../lib/learn/groups.ts'
import { describeRequest } from '../../lib/normalize/offline.ts'

const question = (n: number, waiting = 1): OpenQuestion => {
  const described = describeRequest({ url: `https://api.example.com/items/${n}` })
  if (described.kind === 'refused') throw new Error(described.reason)
  return { id: `q${n}`, facts: described.facts, answers: null, waiting }
}

t.test('a question is the youngest of its group while it is not open yet', async t => {
  const { groupOf } = createGrouping()
  t.same(groupOf(question(1), []), { id: 'q1', questions: 1, waiting: 1, suggestion: null })
  t.match(groupOf(question(2), [question(1, 3)]), { id: 'q1', questions: 2, waiting: 4, suggestion: { rule: { path: '/items/*' } } })
  const open = [question(1, 3), question(2), question(3)]
  for (const each of open) t.match(groupOf(each, open), { id: 'q1', questions: 3, waiting: 5 })
})

t.test('what is remembered is what is open now', async t => {
  const { groupOf } = createGrouping()
  const open = [question(1), question(2)]
  t.equal(groupOf(open[0]!, open).questions, 2)
  t.same(groupOf(open[1]!, [open[1]!]), { id: 'q2', questions: 1, waiting: 1, suggestion: null }, 'the other was settled')
  t.equal(groupOf(open[1]!, [{ ...open[1]!, waiting: 7 }, open[0]!]).id, 'q2', 'the oldest gives the name')
})

const word = (n: number): OpenQuestion => {
  const described = describeRequest({ url: `https://api.example.com/${String.fromCharCode(97 + n % 26)}${String.fromCharCode(97 + n / 26)}/x` })
  if (described.kind === 'refused') throw new Error(described.reason)
  return { id: `w${n}`, facts: described.facts, answers: null, waiting: 1 }
}

t.test('a flood of unlike questions is learned a few times, and whole when somebody looks', async t => {
  const grouping = createGrouping()
  const open: OpenQuestion[] = []
  let behind = 0
  for (let n = 0; n < 60; n++) {
    const group = grouping.groupOf(word(n), open)
    open.push(word(n))
    if (group.questions < open.length) behind++
  }
  t.ok(behind > 10, `${behind} of 60 were not learned at once`)
  grouping.renew()
  for (const each of open) t.match(grouping.groupOf(each, open), { id: 'w0', questions: 60, waiting: 60 })
})

t.test('one that the rule covers joins without being learned', async t => {
  const { groupOf } = createGrouping()
  const open: OpenQuestion[] = []
  for (let n = 0; n < 60; n++) {
    const group = groupOf(question(n), open)
    open.push(question(n))
    t.equal(group.questions, n + 1)
  }
  t.match(groupOf(open[3]!, open).suggestion?.says, /^all 60: GET/)
})
