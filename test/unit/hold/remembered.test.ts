import t from 'tap'
import { createAgenda } from '../../../lib/hold/agenda.ts'
import { createRemembered } from '../../../lib/hold/remembered.ts'
import type { Remembered, RememberedEnd } from '../../../lib/hold/remembered.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import type { FakeClock } from '../../helpers/fake-clock.ts'

function memory(max = 10): { readonly remembered: Remembered, readonly clock: FakeClock } {
  const clock = fakeClock()
  return { clock, remembered: createRemembered(createAgenda(clock), max) }
}

const approval = (id: string): RememberedEnd => ({ kind: 'released', once: { id, answers: null, twin: 'twin' }, by: null, door: null, question: id })
const denial = (question: string): RememberedEnd => ({ kind: 'denied', reason: null, by: null, door: null, question })

t.test('several answers to the same like are spent one by one, in the order they came', async t => {
  const { remembered, clock } = memory()
  for (const id of ['1', '2']) remembered.keep('like', approval(id), 100)
  t.same(remembered.take('like', 'twin'), approval('1'))
  t.same(remembered.take('like', 'twin'), approval('2'))
  t.equal(remembered.take('like', 'twin'), null)
  t.equal(clock.pending, 0)
})

t.test('a standing denial comes before an approval that was kept, which stays for later', async t => {
  const { remembered, clock } = memory()
  remembered.keep('like', approval('1'), 100)
  remembered.stand('twin', denial('2'), 50)
  for (let i = 0; i < 3; i++) t.match(remembered.take('like', 'twin'), { kind: 'denied' })
  clock.advance(50)
  t.match(remembered.take('like', 'twin'), { kind: 'released' })
})

t.test('a later denial of the same twin replaces the earlier one and its time', async t => {
  const { remembered, clock } = memory()
  remembered.stand('twin', denial('1'), 50)
  remembered.stand('twin', denial('2'), 100)
  clock.advance(99)
  t.match(remembered.take('like', 'twin'), { question: '2' })
  clock.advance(1)
  t.equal(remembered.take('like', 'twin'), null)
})

t.test('no more than max are remembered, and the oldest makes room', async t => {
  const { remembered, clock } = memory(3)
  for (let i = 0; i < 1_000; i++) {
    remembered.keep(`like${i}`, approval(`${i}`), 100)
    remembered.stand(`twin${i}`, denial(`${i}`), 100)
  }
  const count = (take: (i: number) => RememberedEnd | null): number[] => Array.from({ length: 1_000 }, (_, i) => i).filter(i => take(i) !== null)
  t.same(count(i => remembered.take(`like${i}`, 'no')), [997, 998, 999])
  t.same(count(i => remembered.take('no', `twin${i}`)), [997, 998, 999])
  clock.advance(100)
  t.equal(clock.pending, 0)
})
