/** What becomes of a task that an agent asked for: who may answer how, what is remembered, and that everything ends. */
import t from 'tap'
import { createTasks } from '../../../lib/hold/tasks.ts'
import type { AskedTask, TaskOptions, Tasks } from '../../../lib/hold/task.ts'
import type { DeskEvent } from '../../../lib/model/desk.ts'
import type { HeldTask } from '../../../lib/model/hold.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { sampleTask } from '../../helpers/sample-held.ts'
import { door, parseAnswer, settled } from './fixture.ts'

const HOUR = 3_600_000

function desk(more: Partial<TaskOptions> = {}) {
  const clock = fakeClock()
  const events: DeskEvent[] = []
  let ids = 0
  const tasks = createTasks({
    clock, newId: () => `t${++ids}`, limits: { perClient: 2, tasks: 4, keepMs: HOUR }, doors: () => [], hasStandingDoor: () => true,
    describe: ({ id, client, waiting }) => sampleTask({ id, client, waiting, shown: id }),
    grant: async task => ({ kind: 'granted', grant: 'g1', persisted: false, made: task.rules.map(({ rule }, at) => ({ id: `g${at + 1}`, rule })) }),
    shown: id => id,
    parseAnswer, onEvent: event => events.push(event), ...more,
  })
  return { clock, events, tasks, names: () => events.map(({ event }) => event) }
}

const asking = (client: string, ...hosts: string[]): AskedTask =>
  ({ client, flow: 'f', reason: 'r', rules: hosts.map(host => ({ rule: { host }, says: host, answers: [] })) })
const idOf = (asked: ReturnType<Tasks['ask']>): string => asked.kind === 'full' ? 'full' : asked.task.id
const ALL = { verdict: 'approve', grant: { rules: 'asked', ttlMs: 60_000 }, by: 'ann' }

t.test('an approval is in force before anybody is told, each grant is told, and waits end', async t => {
  let isInForce = false
  const { clock, tasks, events } = desk({ grant: async () => { isInForce = true; return { kind: 'granted', grant: 'g1', persisted: false, made: [{ id: 'g1', rule: { host: 'a' } }, { id: 'g2', rule: { host: 'a' } }] } } })
  const id = idOf(tasks.ask(asking('x', 'a')))
  const wait = tasks.wait('x', id, 60_000)
  const seen = wait?.ended.then(task => ({ task, isInForce }))
  t.equal(tasks.pending()[0]?.waiting, 1)
  t.match(events.at(-1), { event: 'changed', held: { waiting: 1 } })
  t.match(await tasks.answer(id, ALL, 'control'), { kind: 'accepted', released: 1, grant: 'g1' })
  t.match(await seen, { isInForce: true, task: { state: 'approved', granted: [{ host: 'a' }], grantedUntil: clock.now() + 60_000 } })
  t.strictSame(events.flatMap(event => event.event === 'decided' ? [event.decided.grant] : []), ['g1', 'g2'], 'each can be taken back')
  t.strictSame(tasks.pending(), [])
  t.strictSame(await tasks.answer(id, ALL, 'late'), { kind: 'unknown' }, 'the first answer wins')
})

t.test('an answer for a request is refused, and so is a grant that may not stand: the question stays open', async t => {
  const { tasks } = desk({ grant: async () => ({ kind: 'refused', problems: ['no'] }) })
  const id = idOf(tasks.ask(asking('x', 'a')))
  for (const grant of ['once', { rule: { host: 'a' } }]) t.match(await tasks.answer(id, { verdict: 'approve', grant }, 'd'), { kind: 'refused', problems: [/whole task/] })
  t.strictSame(await tasks.answer(id, ALL, 'd'), { kind: 'refused', problems: ['no'] })
  t.match(await tasks.answer(id, { verdict: 'pass' }, 'd'), { kind: 'refused' })
  t.match(await tasks.answer(id, 'yes', 'd'), { kind: 'refused' })
  t.equal(tasks.look('x', id)?.state, 'open')
})

t.test('doors are asked, and one that fails allows nothing', async t => {
  const [first, second] = [door('first'), door('second')]
  const { tasks, events } = desk({ doors: () => [first, second], hasStandingDoor: () => false })
  const id = idOf(tasks.ask(asking('x', 'a')))
  first.fail(new Error('gone'))
  await settled()
  t.equal(tasks.look('x', id)?.state, 'open', 'another is left')
  second.say({ verdict: 'pass' })
  await settled()
  t.equal(tasks.look('x', id)?.state, 'unavailable')
  t.match(events.find(({ event }) => event === 'door-failed'), { door: 'first', problem: /gone/ })
  const other = idOf(tasks.ask(asking('x', 'b')))
  first.say(ALL)
  await settled()
  t.equal(tasks.look('x', other)?.state, 'approved')
})

t.test('the same rules of the same client are one question, in whatever order; a denial is remembered as long as was said', async t => {
  const { tasks, clock, names } = desk()
  const id = idOf(tasks.ask(asking('x', 'a', 'b')))
  t.strictSame([tasks.ask(asking('x', 'b', 'a')).kind, idOf(tasks.ask(asking('x', 'b', 'a')))], ['known', id])
  t.equal(tasks.ask(asking('y', 'a', 'b')).kind, 'asked', 'of another client it is another')
  await tasks.answer(id, { verdict: 'deny', reason: 'no', ttlMs: 5_000 }, 'd')
  t.match(tasks.ask(asking('x', 'a', 'b')), { kind: 'known', task: { state: 'denied', operatorReason: 'no' } })
  t.strictSame(names(), ['asked', 'asked', 'settled', 'decided'])
  clock.advance(5_000)
  t.equal(tasks.ask(asking('x', 'a', 'b')).kind, 'asked')
})

t.test('a task is known to its client alone', async t => {
  const { tasks } = desk()
  const id = idOf(tasks.ask(asking('x', 'a')))
  t.equal(tasks.look('y', id), null)
  t.equal(tasks.wait('y', id, 1_000), null)
})

t.test('tasks are bounded: open ones by client, all by number, and those that are over make room', async t => {
  const { tasks } = desk()
  const first = idOf(tasks.ask(asking('x', 'a')))
  tasks.ask(asking('x', 'b'))
  t.equal(tasks.ask(asking('x', 'c')).kind, 'full')
  for (const host of ['a', 'b']) tasks.ask(asking('y', host))
  t.equal(tasks.ask(asking('z', 'a')).kind, 'full', 'four are known, and all are open')
  await tasks.answer(first, ALL, 'd')
  t.equal(tasks.ask(asking('z', 'a')).kind, 'asked')
  t.equal(tasks.look('x', first), null, 'the oldest that was over is forgotten')
})

t.test('every task ends: an hour after somebody last asked for it, and at shutdown; no timer is left', async t => {
  const { tasks, clock } = desk()
  const id = idOf(tasks.ask(asking('x', 'a')))
  clock.advance(HOUR - 1)
  tasks.look('x', id)
  clock.advance(HOUR - 1)
  const wait = tasks.wait('x', id, 2 * HOUR)
  clock.advance(HOUR)
  t.equal(tasks.pending().length, 1, 'it is asked as long as somebody waits')
  wait?.leave()
  t.equal((await wait?.ended)?.state, 'open')
  clock.advance(HOUR)
  t.equal(tasks.look('x', id)?.state, 'expired')
  t.equal(tasks.pending().length, 0)

  const last = idOf(tasks.ask(asking('x', 'b')))
  const waiting = tasks.wait('x', last, 60_000)
  tasks.close()
  t.equal((await waiting?.ended)?.state, 'shutdown')
  t.equal(tasks.ask(asking('x', 'c')).kind, 'full')
  t.equal(clock.pending, 0)
})

t.test('an answer that is bound to what was shown does not outlive a change of the policy', async t => {
  let edition = 1
  const { tasks, events } = desk({ shown: id => `${id}.${edition}`, describe: ({ id }) => ({ ...sampleTask({ id }), shown: `${id}.${edition}` }) satisfies HeldTask })
  const id = idOf(tasks.ask(asking('x', 'a')))
  edition++
  t.match(await tasks.answer(id, { ...ALL, shown: `${id}.1` }, 'd'), { kind: 'refused', problems: [/policy has changed/] })
  t.match(events.at(-1), { event: 'changed', held: { shown: `${id}.2` } })
  t.match(await tasks.answer(id, { ...ALL, shown: `${id}.2` }, 'd'), { kind: 'accepted' })
})
