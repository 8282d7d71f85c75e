import t from 'tap'
import { createAgenda } from '../../../lib/hold/agenda.ts'
import type { Timer } from '../../../lib/model/clock.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'

t.test('calls come exactly when they are due, in order', async t => {
  const clock = fakeClock()
  const agenda = createAgenda(clock)
  const calls: string[] = []
  for (const ms of [300, 100, 200, 100]) agenda.after(ms, () => calls.push(`${ms} at ${clock.elapsed()}`))
  clock.advance(99)
  t.same(calls, [])
  clock.advance(1)
  t.same(calls, ['100 at 100', '100 at 100'])
  clock.advance(1_000)
  t.same(calls.slice(2), ['200 at 200', '300 at 300'])
})

t.test('ten thousand dates cost one timer, and taking them back leaves none', async t => {
  const clock = fakeClock()
  const agenda = createAgenda(clock)
  const timers = Array.from({ length: 10_000 }, (_, i) => agenda.after((i * 7_919) % 10_007, () => t.fail('was taken back')))
  t.equal(clock.pending, 1)
  for (const timer of timers) timer.cancel()
  t.equal(clock.pending, 0)
})

t.test('any order of making, taking back and waiting gives what a sorted list gives', async t => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  t.comment(`SEED=${seed}`)
  const random = mulberry32(seed)
  const clock = fakeClock()
  const agenda = createAgenda(clock)
  const called: number[] = []
  const expected = new Map<number, number>()
  const timers = new Map<number, Timer>()
  for (let id = 0; id < 2_000; id++) {
    const ms = Math.floor(random() * 1_000)
    expected.set(id, clock.elapsed() + ms)
    timers.set(id, agenda.after(ms, () => {
      called.push(id)
      if (expected.get(id) !== clock.elapsed()) t.fail(`${id} was called at ${clock.elapsed()}`)
    }))
    if (random() < 0.3) {
      const victim = Math.floor(random() * id)
      timers.get(victim)?.cancel()
      if ((expected.get(victim) ?? -1) > clock.elapsed()) expected.delete(victim)
    }
    if (random() < 0.1) clock.advance(Math.floor(random() * 50))
  }
  clock.advance(2_000)
  const order = [...expected].filter(([id]) => called.includes(id)).sort((a, b) => a[1] - b[1] || a[0] - b[0]).map(([id]) => id)
  t.same(called, order, 'what was not taken back was called, in order')
  t.equal(called.length, expected.size, 'and nothing was left out')
  t.equal(clock.pending, 0)
})

t.test('a call may make and take back others', async t => {
  const clock = fakeClock()
  const agenda = createAgenda(clock)
  const calls: string[] = []
  const victim = agenda.after(20, () => calls.push('victim'))
  agenda.after(10, () => {
    victim.cancel()
    agenda.after(5, () => calls.push('later'))
  })
  clock.advance(15)
  t.same(calls, ['later'])
})

t.test('a call that throws does not keep the others from coming', async t => {
  const clock = fakeClock()
  const agenda = createAgenda(clock)
  let calls = 0
  agenda.after(10, () => { throw new Error('odd') })
  agenda.after(20, () => calls++)
  t.throws(() => clock.advance(10), { message: 'odd' })
  clock.advance(20)
  t.equal(calls, 1)
})

t.test('a date beyond the longest timer of Node is slept towards in steps', async t => {
  const clock = fakeClock()
  const asked: number[] = []
  const agenda = createAgenda({ ...clock, elapsed: clock.elapsed, after: (ms, call) => { asked.push(ms); return clock.after(ms, call) } })
  let calls = 0
  agenda.after(2 ** 31 + 10, () => calls++)
  clock.advance(2 ** 31 - 1)
  t.equal(calls, 0)
  clock.advance(11)
  t.equal(calls, 1)
  t.ok(asked.every(ms => ms < 2 ** 31), 'no timer overflows')
})

t.test('a length of time that is none is over at once', async t => {
  const clock = fakeClock()
  const agenda = createAgenda(clock)
  let calls = 0
  for (const ms of [NaN, -1, 0]) agenda.after(ms, () => calls++)
  clock.advance(0)
  t.equal(calls, 3)
})

t.test('clearing forgets everything, and taking back afterwards is harmless', async t => {
  const clock = fakeClock()
  const agenda = createAgenda(clock)
  const timer = agenda.after(10, () => t.fail('was forgotten'))
  agenda.clear()
  timer.cancel()
  clock.advance(20)
  t.equal(clock.pending, 0)
})

function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
