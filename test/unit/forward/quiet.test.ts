/** Silence is told once, after its whole length. */
import t from 'tap'
import { whenQuiet } from '../../../lib/forward/quiet.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'

t.test('a limit passes in silence, is begun again by a byte, and ends what watches', async t => {
  const clock = fakeClock()
  let bytes = 0
  let calls = 0
  whenQuiet(clock, 60_000, () => bytes, () => { calls++ })
  clock.advance(59_999)
  t.equal(calls, 0)
  bytes++
  clock.advance(60_000)
  t.equal(calls, 0)
  clock.advance(1_000)
  t.equal(calls, 1)
  clock.advance(600_000)
  t.equal(calls, 1)
  t.equal(clock.pending, 0)
})

t.test('who stops watching hears nothing', async t => {
  const clock = fakeClock()
  whenQuiet(clock, 1, () => 0, () => t.fail('told all the same'))()
  clock.advance(1_000)
  t.equal(clock.pending, 0)
})
