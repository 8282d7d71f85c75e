import t from 'tap'
import { askDoors, describeError } from '../../../lib/hold/hook.ts'
import type { DoorReply } from '../../../lib/hold/hook.ts'
import type { Door, Held } from '../../../lib/model/hold.ts'
import { door, settled } from './fixture.ts'

const HELD = { id: 'q' } as Held

function ask(doors: readonly Door[]): { readonly replies: [string, DoorReply][], readonly controller: AbortController } {
  const controller = new AbortController()
  const replies: [string, DoorReply][] = []
  askDoors(doors, HELD, controller.signal, ({ name }, reply) => replies.push([name, reply]))
  return { replies, controller }
}

t.test('each door gets the question and a signal, and its words are handed on unread', async t => {
  const one = door('one')
  const { replies, controller } = ask([one, { name: 'two', ask: async () => 42 as never }])
  t.same(one.asked, [HELD])
  t.equal(one.signals[0], controller.signal)
  t.same(replies, [], 'nobody is heard in the turn of the asking')
  one.say({ any: 'thing' })
  await settled()
  t.same(replies.sort(), [['one', { kind: 'said', value: { any: 'thing' } }], ['two', { kind: 'said', value: 42 }]])
})

t.test('a door that answers without a promise is heard like any other', async t => {
  const { replies } = ask([{ name: 'plain', ask: () => 'text' as never }])
  await settled()
  t.same(replies, [['plain', { kind: 'said', value: 'text' }]])
})

t.test('nobody is heard once the question is settled', async t => {
  const [one, two] = [door('one'), door('two')]
  const { replies, controller } = ask([one, two])
  one.say(1)
  two.fail(new Error('late'))
  controller.abort()
  await settled()
  t.same(replies, [])
})

t.test('anything can be thrown, and is described', async t => {
  const hostile = { get message(): string { throw new Error('gotcha') } }
  Object.setPrototypeOf(hostile, Error.prototype)
  for (const [thrown, words] of [[new Error('odd'), 'odd'], ['text', 'text'], [null, 'null'], [Symbol('s'), 'Symbol(s)'], [Object.create(null), 'with a value that has no text'], [hostile, 'with a value that has no text']] as const) {
    t.equal(describeError(thrown), words)
  }
})
