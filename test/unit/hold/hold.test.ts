import t from 'tap'
import { isSettled, nextQuestion, nextWaiter } from '../../../lib/hold/hold.ts'
import type { QuestionEvent, QuestionState, WaiterEvent, WaiterState } from '../../../lib/hold/hold.ts'

const waiterEvents: WaiterEvent[] = ['release', 'deny', 'expire', 'leave', 'give-up', 'shut-down']
const questionEvents: QuestionEvent[] = ['approve', 'deny', 'grant', 'refuse', 'release', 'give-up', 'expire', 'shut-down']

// [event, what a waiting request becomes]
const waiter: [WaiterEvent, WaiterState][] = [
  ['release', 'released'], ['deny', 'denied'], ['expire', 'expired'],
  ['leave', 'left'], ['give-up', 'unavailable'], ['shut-down', 'shutdown'],
]
for (const [event, state] of waiter) t.equal(nextWaiter('waiting', event), state, `a waiter that meets ${event} is ${state}`)

t.test('a settled waiter keeps its end whatever comes later', async t => {
  for (const [, state] of waiter) {
    for (const event of waiterEvents) t.equal(nextWaiter(state, event), state, `${state} then ${event}`)
  }
})

// [state, event, next state, why]
const question: [QuestionState, QuestionEvent, QuestionState, string][] = [
  ['open', 'approve', 'approved', 'the first answer wins'],
  ['open', 'deny', 'denied', 'the first answer wins'],
  ['open', 'grant', 'granting', 'a rule has to be in force before anybody is released'],
  ['open', 'refuse', 'open', 'nothing was being granted'],
  ['open', 'release', 'released', 'the policy changed'],
  ['open', 'give-up', 'unavailable', 'no approver is left'],
  ['open', 'expire', 'expired', 'nobody came back'],
  ['open', 'shut-down', 'shutdown', 'a hold ends'],
  ['granting', 'approve', 'approved', 'the rule is in force'],
  ['granting', 'deny', 'granting', 'another answer waits for the outcome'],
  ['granting', 'grant', 'granting', 'another answer waits for the outcome'],
  ['granting', 'refuse', 'open', 'the rule may not stand; the question does'],
  ['granting', 'release', 'granting', 'the change of policy may be the grant itself'],
  ['granting', 'give-up', 'granting', 'somebody has answered'],
  ['granting', 'expire', 'expired', 'a grant that is never done does not keep a question'],
  ['granting', 'shut-down', 'shutdown', 'a hold ends'],
]
for (const [state, event, next, why] of question) t.equal(nextQuestion(state, event), next, `${state} + ${event}: ${why}`)
t.equal(question.length, 2 * questionEvents.length, 'every step of a question that is not settled has its row')

t.test('a settled question keeps its answer whatever comes later', async t => {
  const states = new Set(question.map(([, , next]) => next))
  for (const state of states) {
    if (!isSettled(state)) continue
    for (const event of questionEvents) t.equal(nextQuestion(state, event), state, `${state} then ${event}`)
  }
})
