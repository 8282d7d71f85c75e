import t from 'tap'
import { functionDoor } from '../../../lib/approve/function.ts'
import type { Answer, Held, Pending } from '../../../lib/model/hold.ts'
import { sampleHeld } from '../../helpers/sample-held.ts'

const context = { signal: new AbortController().signal }

t.test('the function is given the question and the signal, and its answer is handed on unread', async t => {
  const nonsense = { verdict: 'maybe' } as unknown as Answer
  const door = functionDoor((held, { signal }) => {
    t.strictSame(held, sampleHeld())
    t.equal(signal, context.signal)
    return nonsense
  }, 'mine')
  t.equal(door.name, 'mine')
  t.equal(functionDoor(() => nonsense).name, 'function')
  t.equal(await door.ask(sampleHeld(), context), nonsense)
})

t.test('the function cannot change what others are asked', async t => {
  const original = sampleHeld()
  let copy: Pending | undefined
  await functionDoor(held => {
    copy = held
    if (held.kind === 'task') return { verdict: 'pass' }
    for (const change of [
      () => Object.assign(held, { host: 'other.test' }),
      () => Object.assign(held.suggestions[0]!.rule, { host: 'other.test' }),
      () => (held.risks as unknown[]).pop(),
      () => Object.assign(held.display, { line: 'GET https://harmless.test/' }),
    ]) t.throws(change, TypeError)
    return { verdict: 'pass' }
  }).ask(original, context)
  t.not(copy, original)
  t.strictSame(original, sampleHeld())
  t.notOk(Object.isFrozen(original.display), 'the original is left as it was')
})

t.test('what the function throws closes the door, now or later', async t => {
  await t.rejects(functionDoor(() => { throw new Error('at once') }).ask(sampleHeld(), context), /at once/)
  await t.rejects(functionDoor(async () => { throw new Error('later') }).ask(sampleHeld(), context), /later/)
})
