import t from 'tap'
import { createMeters } from '../../../lib/hold/meters.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { createRandom } from '../../../bench/suggest/fill.ts'

t.test('bytes are counted up to what there is, and never beyond', async t => {
  const meters = createMeters(fakeClock())
  t.same(meters.spent('a'), { bytes: 0, lastMinute: 0 })
  t.equal(meters.pass('a', 60, 100), true)
  t.equal(meters.pass('a', 40, 100), true, 'the last byte of it')
  t.equal(meters.spent('a').bytes, 100)
  t.equal(meters.pass('a', 1, 100), false)
  t.equal(meters.pass('b', 101, 100), false)
  t.equal(meters.spent('b').bytes, 100, 'what did not fit spends the rest: nothing further passes')
  t.equal(meters.pass('b', 0, 100), true, 'nothing is always left')
})

t.test('in any sixty seconds no more begin than were counted, whatever the wall clock does', async t => {
  const clock = fakeClock()
  const meters = createMeters(clock)
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  t.comment(`SEED=${seed}`)
  const random = createRandom(seed)
  const began: number[] = []
  for (let n = 0; n < 2_000; n++) {
    clock.advance(Math.floor(random() * 5_000))
    if (random() < 0.1) clock.jump(Math.floor((random() - 0.5) * 1e9))
    const truly = began.filter(at => clock.elapsed() - at < 60_000).length
    const counted = meters.spent('a').lastMinute
    if (counted < truly) return t.fail(`${counted} counted, ${truly} began`)
    if (counted > began.filter(at => clock.elapsed() - at < 61_000).length) return t.fail('one counts for longer than a second too long')
    if (counted >= 10) continue
    meters.begin('a')
    began.push(clock.elapsed())
  }
  t.ok(began.length > 100, `${began.length} began`)
  clock.advance(10 * 60_000)
  t.equal(meters.spent('a').lastMinute, 0, 'after a long time nothing is left of them')
})
