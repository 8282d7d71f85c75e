import t from 'tap'
import { allMustAgree, escalateAfter, firstAnswer, officeHours, quorum } from '../../../lib/approve/combine.ts'
import type { Answer, Door } from '../../../lib/model/hold.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { sampleHeld } from '../../helpers/sample-held.ts'

const held = sampleHeld()
const once: Answer = { verdict: 'approve', grant: 'once' }
const rule = (path: string): Answer => ({ verdict: 'approve', grant: { rule: { host: 'api.example.com', path } } })
const no: Answer = { verdict: 'deny', reason: 'not today' }
const pass: Answer = { verdict: 'pass' }
const yes = { verdict: 'yes' } as unknown as Answer

/** A door that answers when it is told to, and knows whether it was told to stop. */
interface Hand extends Door {
  says(answer: Answer): Promise<void>
  fails(problem: string): Promise<void>
  readonly isAsked: boolean
  readonly isStopped: boolean
}

function hand(name: string): Hand {
  let settle: ((answer: Answer) => void) | null = null
  let fail: (error: Error) => void = () => {}
  let signal: AbortSignal | null = null
  const heard = async (): Promise<void> => { await new Promise(setImmediate) }
  return {
    name,
    ask(_, context) {
      signal = context.signal
      return new Promise((resolve, reject) => { [settle, fail] = [resolve, reject] })
    },
    says: answer => { settle!(answer); return heard() },
    fails: problem => { fail(new Error(problem)); return heard() },
    get isAsked() { return settle !== null },
    get isStopped() { return signal?.aborted === true },
  }
}

const asking = (door: Door, signal = new AbortController().signal): Promise<Answer> => door.ask(held, { signal })

t.test('the first that answers is taken, and the others are told to stop', async t => {
  const [a, b, c] = [hand('a'), hand('b'), hand('c')]
  const asked = asking(firstAnswer([a, b, c]))
  await a.says(pass)
  await b.fails('it is down')
  t.notOk(c.isStopped)
  await c.says(once)
  t.strictSame(await asked, { ...once, by: 'c' })
  t.strictSame([a, b, c].map(({ isStopped }) => isStopped), [true, true, true])
})

t.test('a denial is an answer too', async t => {
  const [a, b] = [hand('a'), hand('b')]
  const asked = asking(firstAnswer([a, b]))
  await b.says({ ...no, by: 'anna' } as Answer)
  t.strictSame(await asked, { ...no, by: 'anna' })
})

t.test('nobody who answers is no opinion, and a failure is told as one', async t => {
  const [a, b] = [hand('a'), hand('b')]
  const silent = asking(firstAnswer([a, b]))
  await a.says(pass)
  await b.says(pass)
  t.strictSame(await silent, pass)
  const failing = asking(firstAnswer([a, b]))
  await a.says(pass)
  void b.fails('it is down')
  await t.rejects(failing, { message: 'b: it is down' })
})

t.test('what is no answer does not count as one', async t => {
  for (const nonsense of [yes, true, 'approve', { verdict: 'approve' }, { verdict: 'approve', grant: { rule: { host: '**' } } }, { ...once, shown: 'another question' }]) {
    const [a, b] = [hand('a'), hand('b')]
    const asked = asking(quorum(1, [a, b]))
    await a.says(nonsense as Answer)
    t.notOk(b.isStopped, JSON.stringify(nonsense))
    void b.says(pass)
    await t.rejects(asked, { message: /^a: / })
  }
})

t.test('all must approve the same, and each is named', async t => {
  const [a, b] = [hand('a'), hand('b')]
  const asked = asking(allMustAgree([a, b]))
  await a.says({ ...once, by: 'anna', note: 'looks fine', shown: held.shown } as Answer)
  t.notOk(b.isStopped, 'one is not enough')
  await b.says({ ...once, note: 'to me too' } as Answer)
  t.strictSame(await asked, { ...once, by: 'anna, b', note: 'looks fine | to me too', shown: held.shown })
})

t.test('one denial is enough against all', async t => {
  const [a, b] = [hand('a'), hand('b')]
  const asked = asking(allMustAgree([a, b]))
  await b.says(no)
  t.strictSame(await asked, { ...no, by: 'b' })
  t.ok(a.isStopped)
})

t.test('a voice that is missing is no approval', async t => {
  for (const missing of ['pass', 'fail'] as const) {
    const [a, b] = [hand('a'), hand('b')]
    const asked = asking(allMustAgree([a, b]))
    await a.says(once)
    if (missing === 'pass') {
      await b.says(pass)
      t.strictSame(await asked, pass)
    } else {
      void b.fails('it is down')
      await t.rejects(asked, { message: 'b: it is down' })
    }
  }
})

t.test('two approvals agree when they grant the same, however it is written', async t => {
  const [a, b, c] = [hand('a'), hand('b'), hand('c')]
  const asked = asking(quorum(2, [a, b, c]))
  await a.says({ verdict: 'approve', grant: { rule: { host: 'api.example.com', path: '/v1/*' }, ttlMs: 60_000 } })
  await b.says({ verdict: 'approve', grant: { rule: { host: 'api.example.com', path: '/v1/**' }, ttlMs: 60_000 } })
  t.notOk(c.isStopped, 'another path is another rule')
  await c.says({ verdict: 'approve', grant: { ttlMs: 60_000, rule: { path: '/v1/*', host: 'api.example.com' } } })
  t.match(await asked, { grant: { rule: { path: '/v1/*' } }, by: 'a, c' })
})

t.test('a quorum that can no longer be reached is not awaited', async t => {
  const [a, b, c] = [hand('a'), hand('b'), hand('c')]
  const disagreeing = asking(quorum(2, [a, b, c]))
  await a.says(rule('/a'))
  await b.says(rule('/b'))
  await c.says(rule('/c'))
  t.strictSame(await disagreeing, pass)
  const denied = asking(quorum(2, [a, b, c]))
  await a.says(no)
  t.notOk(b.isStopped, 'two are left')
  await b.says(pass)
  t.strictSame(await denied, { ...no, by: 'a' })
  t.ok(c.isStopped)
})

t.test('a number that nobody can reach is refused, and so is a list of nobody', async t => {
  for (const needed of [0, 3, 1.5, NaN]) t.throws(() => quorum(needed, [hand('a'), hand('b')]), { code: 'E_OPTION_INVALID' })
  t.throws(() => firstAnswer([]), { code: 'E_OPTION_INVALID' })
  t.throws(() => allMustAgree([]), { code: 'E_OPTION_INVALID' })
  t.throws(() => escalateAfter(-1, hand('a'), hand('b')), { code: 'E_OPTION_INVALID' })
})

t.test('a question that nobody answers in time goes on to the next, and the first may still answer', async t => {
  const clock = fakeClock()
  for (const answering of ['first', 'then'] as const) {
    const [first, then] = [hand('first'), hand('then')]
    const asked = asking(escalateAfter(60_000, first, then, clock))
    clock.advance(59_999)
    t.notOk(then.isAsked)
    clock.advance(1)
    t.ok(then.isAsked)
    await (answering === 'first' ? first : then).says(once)
    t.strictSame(await asked, { ...once, by: answering })
    t.ok(first.isStopped && then.isStopped)
    t.equal(clock.pending, 0)
  }
})

t.test('no opinion and a failure go on at once', async t => {
  const clock = fakeClock()
  const [first, then] = [hand('first'), hand('then')]
  const unsure = asking(escalateAfter(60_000, first, then, clock))
  await first.says(pass)
  await then.says(no)
  t.strictSame(await unsure, { ...no, by: 'then' })
  const [broken, silent] = [hand('broken'), hand('silent')]
  const failed = asking(escalateAfter(60_000, broken, silent, clock))
  await broken.fails('it is down')
  void silent.says(pass)
  await t.rejects(failed, { message: 'broken: it is down' })
  t.equal(clock.pending, 0)
})

t.test('a question that is settled elsewhere is settled here', async t => {
  const clock = fakeClock()
  const make = [(a: Hand, b: Hand) => firstAnswer([a, b]), (a: Hand, b: Hand) => allMustAgree([a, b]), (a: Hand, b: Hand) => escalateAfter(1_000, a, b, clock)]
  for (const door of make) {
    const [a, b] = [hand('a'), hand('b')]
    const controller = new AbortController()
    const asked = asking(door(a, b), controller.signal)
    controller.abort(new Error('answered elsewhere'))
    await t.rejects(asked, { message: 'answered elsewhere' })
    t.ok(a.isStopped)
    clock.advance(2_000)
    t.notOk(b.isAsked && !b.isStopped)
    await t.rejects(asking(door(a, b), controller.signal), { message: 'answered elsewhere' }, 'nor is it asked anew')
  }
})

t.test('office hours go by the day and the time of their place', async t => {
  const during = { name: 'team', ask: async () => once }
  const otherwise = { name: 'on call', ask: async () => no }
  const at = async (hours: Parameters<typeof officeHours>[0], time: string): Promise<string> => {
    const clock = fakeClock(Date.parse(time))
    return (await asking(officeHours(hours, during, otherwise, clock))).verdict
  }
  const berlin = { from: '09:00', to: '17:30', timeZone: 'Europe/Berlin' }
  // 2030-01-07 is a Monday; Berlin is an hour ahead of UTC in January.
  t.equal(await at(berlin, '2030-01-07T07:59:59Z'), 'deny')
  t.equal(await at(berlin, '2030-01-07T08:00:00Z'), 'approve')
  t.equal(await at(berlin, '2030-01-07T16:29:59Z'), 'approve')
  t.equal(await at(berlin, '2030-01-07T16:30:00Z'), 'deny')
  t.equal(await at(berlin, '2030-01-06T12:00:00Z'), 'deny', 'Sunday')
  const night = { days: [5], from: '22:00', to: '06:00', timeZone: 'UTC' }
  t.equal(await at(night, '2030-01-11T23:00:00Z'), 'approve', 'Friday night')
  t.equal(await at(night, '2030-01-12T05:59:00Z'), 'approve', 'which ends on Saturday')
  t.equal(await at(night, '2030-01-12T23:00:00Z'), 'deny')
  t.equal(await at(night, '2030-01-11T05:00:00Z'), 'deny', 'and does not begin on Thursday')
  for (const wrong of [{ from: '9:00', to: '17:00' }, { from: '09:00', to: '24:00' }, { ...berlin, days: [] }, { ...berlin, days: [0] }, { ...berlin, timeZone: 'Berlin' }]) {
    t.throws(() => officeHours(wrong, during, otherwise), { code: 'E_OPTION_INVALID' }, JSON.stringify(wrong))
  }
})
