import t from 'tap'
import type { WaitEnd } from '../../../lib/model/hold.ts'
import { twinKey } from '../../../lib/model/request.ts'
import type { RequestFacts } from '../../../lib/model/request.ts'
import { asking, askingStream, bench, door, endOf, HOLD_MS, KNOWN, REMEMBER_MS, settled, UNKNOWN } from './fixture.ts'

const ONCE = { verdict: 'approve', grant: 'once', by: 'ann' }
const DENY = { verdict: 'deny', reason: 'no', by: 'ann' }

// [what it shows, first, second, whether they share one question]
const sharing: [string, Parameters<typeof asking>, Parameters<typeof asking>, boolean][] = [
  ['twins of a GET share one question', [{}], [{}], true],
  ['twins of a HEAD share one question', [{ method: 'HEAD' }], [{ method: 'HEAD' }], true],
  ['twins of an OPTIONS share one question', [{ method: 'OPTIONS' }], [{ method: 'OPTIONS' }], true],
  ['two POSTs are two questions', [{ method: 'POST' }], [{ method: 'POST' }], false],
  ['two DELETEs are two questions', [{ method: 'DELETE' }], [{ method: 'DELETE' }], false],
  ['two WebSockets are two questions', [{ scheme: 'wss' }], [{ scheme: 'wss' }], false],
  ['two GETs with a body are two questions: the bodies may differ', [{ hasContent: true, contentLength: 3 }], [{ hasContent: true, contentLength: 3 }], false],
  ['another method is another question', [{}], [{ method: 'HEAD' }], false],
  ['another path is another question', [{}], [{ target: '/v1/other' }], false],
  ['another query is another question', [{ target: '/a?x=1' }], [{ target: '/a?x=2' }], false],
  ['another host is another question', [{}], [{ host: 'www.example.com' }], false],
  ['another port is another question', [{}], [{ port: 8443 }], false],
  ['another scheme is another question', [{}], [{ scheme: 'http' }], false],
  ['another client is another question', [{}], [{ client: 'other' }], false],
  ['another hold rule is another question', [{}, 'a'], [{}, 'b'], false],
  ['an overriding method is another question: GET may not carry a DELETE along', [{}], [{ methods: ['GET', 'DELETE'] }], false],
  ['two that override alike are two questions when the other method is not safe', [{ methods: ['GET', 'DELETE'] }], [{ methods: ['GET', 'DELETE'] }], false],
]
for (const [shows, first, second, shared] of sharing) {
  t.test(shows, async t => {
    const { queue, asked } = bench()
    queue.wait(asking(...first), UNKNOWN)
    queue.wait(asking(...second), UNKNOWN)
    t.same(queue.counts, { waiting: 2, questions: shared ? 1 : 2 })
    t.equal(asked.length, shared ? 1 : 2)
  })
}

t.test('two streams to the same place are two questions', async t => {
  const { queue } = bench()
  queue.wait(askingStream(), UNKNOWN)
  queue.wait(askingStream(), UNKNOWN)
  t.equal(queue.counts.questions, 2)
})

// [what it shows, who gave up, who comes back, whether the open question is joined]
const rejoining: [string, Parameters<typeof asking>, Parameters<typeof asking>, boolean][] = [
  ['a GET that comes back joins its open question', [{}], [{}], true],
  ['a POST that comes back joins its open question', [post()], [post()], true],
  ['a POST of another length does not', [post()], [post({ contentLength: 8 })], false],
  ['a POST of another type does not', [post()], [post({ fields: ['Content-Type', 'text/html'] })], false],
  ['a POST that is chunked now does not', [post()], [post({ contentLength: null })], false],
  ['a POST that meets another hold rule does not', [post(), 'a'], [post(), 'b'], false],
  ['a POST whose type field is written in another case does', [post()], [post({ fields: ['content-type', 'text/plain'] })], true],
]
function post(over: Partial<Omit<RequestFacts, 'host'>> = {}): Parameters<typeof asking>[0] {
  return { method: 'POST', hasContent: true, contentLength: 7, fields: ['Content-Type', 'text/plain'], ...over }
}
for (const [shows, first, second, joins] of rejoining) {
  t.test(shows, async t => {
    const { queue, asked } = bench()
    queue.wait(asking(...first), UNKNOWN).leave()
    t.same(queue.counts, { waiting: 0, questions: 1 })
    queue.wait(asking(...second), UNKNOWN)
    t.equal(asked.length, joins ? 1 : 2)
  })
}

t.test('a POST does not join a question that somebody waits for', async t => {
  const { queue, asked } = bench()
  const first = queue.wait(asking(post()), UNKNOWN)
  queue.wait(asking(post()), UNKNOWN)
  first.leave()
  queue.wait(asking(post()), UNKNOWN)
  queue.wait(asking(post()), UNKNOWN)
  t.equal(asked.length, 3, 'one came back for the first; every other one is asked about')
})

t.test('a stream that comes back joins its open question', async t => {
  const { queue, asked } = bench()
  queue.wait(askingStream(), UNKNOWN).leave()
  queue.wait(askingStream(), UNKNOWN)
  t.equal(asked.length, 1)
})

t.test('a question ends 10 minutes after its last waiter left, not a moment earlier', async t => {
  const { queue, clock, events } = bench()
  queue.wait(asking(), UNKNOWN).leave()
  clock.advance(REMEMBER_MS - 1)
  t.equal(queue.counts.questions, 1)
  clock.advance(1)
  t.equal(queue.counts.questions, 0)
  t.match(events.at(-1), { event: 'settled', how: 'expired', by: null, door: null })
  t.equal(clock.pending, 0, 'no timer is left')
})

t.test('who comes back stops that clock, and it starts anew when they leave', async t => {
  const { queue, clock } = bench()
  queue.wait(asking(), UNKNOWN).leave()
  clock.advance(REMEMBER_MS - 1)
  const back = queue.wait(asking(), UNKNOWN)
  clock.advance(10)
  back.leave()
  clock.advance(REMEMBER_MS - 1)
  t.equal(queue.counts.questions, 1)
  clock.advance(1)
  t.equal(queue.counts.questions, 0)
})

t.test('a waiter expires after holdMs, exactly; its question stays', async t => {
  const { queue, clock, asked } = bench()
  const wait = queue.wait(asking(), UNKNOWN)
  clock.advance(HOLD_MS - 1)
  t.equal(await endOf(wait), null)
  clock.advance(1)
  t.same(await endOf(wait), { kind: 'expired', question: asked[0] })
  t.same(queue.counts, { waiting: 0, questions: 1 })
})

t.test('each twin has its own deadline', async t => {
  const { queue, clock } = bench()
  const first = queue.wait(asking(), UNKNOWN)
  clock.advance(100)
  const second = queue.wait(asking(), UNKNOWN)
  clock.advance(HOLD_MS - 100)
  t.match(await endOf(first), { kind: 'expired' })
  t.equal(await endOf(second), null)
  clock.advance(100)
  t.match(await endOf(second), { kind: 'expired' })
})

t.test('a hold that began earlier has only what is left of it, and never more than holdMs', async t => {
  const { queue, clock } = bench()
  const short = queue.wait(asking(), { clientIsKnown: false, remainingMs: 5 })
  const long = queue.wait(asking(), { clientIsKnown: false, remainingMs: HOLD_MS * 9 })
  const none = queue.wait(asking(), { clientIsKnown: false, remainingMs: NaN })
  clock.advance(5)
  t.match(await endOf(short), { kind: 'expired' })
  t.match(await endOf(none), { kind: 'expired' }, 'a length that is none is over at once')
  clock.advance(HOLD_MS)
  t.match(await endOf(long), { kind: 'expired' })
})

t.test('a client that hangs up ends its own wait and nobody else\'s', async t => {
  const { queue, asked } = bench()
  const first = queue.wait(asking(), UNKNOWN)
  const second = queue.wait(asking(), UNKNOWN)
  first.leave()
  first.leave()
  t.same(await endOf(first), { kind: 'left', question: asked[0] })
  t.equal(await endOf(second), null)
  t.equal(queue.counts.waiting, 1)
})

t.test('a question whose last waiter has not left does not end', async t => {
  const { queue, clock } = bench({ limits: { rememberMs: 10 } })
  const stays = queue.wait(asking(), UNKNOWN)
  queue.wait(asking(), UNKNOWN).leave()
  clock.advance(HOLD_MS - 1)
  t.equal(await endOf(stays), null)
})

t.test('ten thousand waiters cost one timer', async t => {
  const { queue, clock } = bench({ limits: { waiters: 10_000, questions: 10_000, questionsPerHost: 10_000 } })
  const waits = Array.from({ length: 10_000 }, (_, i) => queue.wait(asking({ target: `/${i}` }), UNKNOWN))
  t.equal(clock.pending, 1)
  clock.advance(HOLD_MS)
  for (const wait of waits) if ((await wait.ended).kind !== 'expired') t.fail('every one of them expires')
  clock.advance(REMEMBER_MS)
  t.same(queue.counts, { waiting: 0, questions: 0 })
  t.equal(clock.pending, 0)
})

t.test('once serves every waiter of the question, and is one approval that can be taken back', async t => {
  const { queue, asked, clock, events } = bench()
  const ask = asking({}, 'rule-a')
  const waits = [queue.wait(ask, UNKNOWN), queue.wait(asking({}, 'rule-a'), UNKNOWN)]
  const result = await queue.answer(asked[0]!, ONCE, 'control')
  t.match(result, { kind: 'accepted', released: 2, grant: /^once-/, persisted: false })
  const ends = await Promise.all(waits.map(endOf))
  for (const end of ends) t.match(end, { kind: 'released', by: 'ann', door: 'control', question: asked[0]!, once: { answers: 'rule-a', twin: twinKey(ask.facts) } })
  for (const end of ends) t.equal(tokenOf(end), result.kind === 'accepted' ? result.grant : null)
  t.match(events.slice(-2), [
    { event: 'settled', id: asked[0], how: 'approved', by: 'ann', door: 'control' },
    { event: 'decided', decided: { question: asked[0], verdict: 'approve', scope: 'once', by: 'ann', door: 'control', rule: null } },
  ])
  t.same(queue.counts, { waiting: 0, questions: 0 })
  t.equal(clock.pending, 0)
})

function tokenOf(end: WaitEnd | null | undefined): string | undefined {
  return end?.kind === 'released' ? end.once?.id : undefined
}

t.test('a denial ends every waiter with the reason', async t => {
  const { queue, asked } = bench()
  const waits = [queue.wait(asking(), UNKNOWN), queue.wait(asking(), UNKNOWN)]
  t.match(await queue.answer(asked[0]!, DENY, 'control'), { kind: 'accepted', released: 2 })
  for (const wait of waits) t.same(await endOf(wait), { kind: 'denied', reason: 'no', by: 'ann', door: 'control', question: asked[0] })
})

t.test('an answered question is asked again by the next twin', async t => {
  const { queue, asked } = bench()
  for (const answer of [ONCE, DENY]) {
    queue.wait(asking(), UNKNOWN)
    await queue.answer(asked.at(-1)!, answer, 'control')
  }
  t.equal(await endOf(queue.wait(asking(), UNKNOWN)), null)
})

for (const [verdict, answer, kind] of [['an approval', ONCE, 'released'], ['a denial', DENY, 'denied']] as const) {
  t.test(`${verdict} that finds nobody is kept for the first twin to come back, and is then spent`, async t => {
    const { queue, asked, clock } = bench()
    queue.wait(asking(), UNKNOWN).leave()
    t.match(await queue.answer(asked[0]!, answer, 'control'), { kind: 'accepted', released: 0 })
    clock.advance(REMEMBER_MS - 1)
    t.match(await endOf(queue.wait(asking(), UNKNOWN)), { kind, question: asked[0]! })
    t.equal(await endOf(queue.wait(asking(), UNKNOWN)), null)
  })

  t.test(`${verdict} that finds nobody is forgotten after rememberMs`, async t => {
    const { queue, asked, clock } = bench()
    queue.wait(asking(), UNKNOWN).leave()
    await queue.answer(asked[0]!, answer, 'control')
    clock.advance(REMEMBER_MS)
    t.equal(clock.pending, 0)
    t.equal(await endOf(queue.wait(asking(), UNKNOWN)), null)
  })

  t.test(`${verdict} that is kept serves nobody but its like`, async t => {
    const { queue, asked } = bench()
    queue.wait(asking(post(), 'a'), UNKNOWN).leave()
    await queue.answer(asked[0]!, answer, 'control')
    for (const other of [asking(post(), 'b'), asking(post({ contentLength: 8 }), 'a'), asking({}, 'a'), asking({ ...post(), client: 'other' }, 'a')]) {
      t.equal(await endOf(queue.wait(other, UNKNOWN)), null)
    }
    t.match(await endOf(queue.wait(asking(post(), 'a'), UNKNOWN)), { kind })
  })
}

t.test('a denial with ttlMs meets every twin that long, however often and whatever asks', async t => {
  const { queue, asked, clock } = bench()
  const waiting = queue.wait(asking({}, 'a'), UNKNOWN)
  await queue.answer(asked[0]!, { ...DENY, ttlMs: 3_600_000 }, 'control')
  t.match(await endOf(waiting), { kind: 'denied' })
  clock.advance(3_599_999)
  for (const rule of ['a', 'a', 'b', null]) t.match(await endOf(queue.wait(asking({}, rule), UNKNOWN)), { kind: 'denied', reason: 'no' })
  t.equal(await endOf(queue.wait(asking({ target: '/v1/other' }), UNKNOWN)), null, 'another request is asked about')
  clock.advance(1)
  t.equal(await endOf(queue.wait(asking({}, 'a'), UNKNOWN)), null)
})

t.test('the first answer wins and a later one finds no question', async t => {
  const { queue, asked } = bench()
  const wait = queue.wait(asking(), UNKNOWN)
  const [first, second] = await Promise.all([queue.answer(asked[0]!, DENY, 'one'), queue.answer(asked[0]!, ONCE, 'two')])
  t.equal(first?.kind, 'accepted')
  t.same(second, { kind: 'unknown' })
  t.match(await endOf(wait), { kind: 'denied', door: 'one' })
  t.same(await queue.answer('nothing', ONCE, 'control'), { kind: 'unknown' })
})

// [what it shows, limits, who waits already, who comes, whether there is room]
const limits: [string, Partial<Record<'waiters' | 'questions' | 'questionsPerHost' | 'waitersPerClient', number>>, Parameters<typeof asking>[0][], Parameters<typeof asking>[0], typeof KNOWN, boolean][] = [
  ['one waiter more than waiters is turned away', { waiters: 2 }, [{}, {}], {}, UNKNOWN, false],
  ['one question more than questions is turned away', { questions: 2 }, [{ target: '/1' }, { target: '/2' }], { target: '/3' }, UNKNOWN, false],
  ['a twin needs no question of its own', { questions: 2 }, [{ target: '/1' }, { target: '/2' }], { target: '/2' }, UNKNOWN, true],
  ['one question more than questionsPerHost is turned away', { questionsPerHost: 2 }, [{ target: '/1' }, { target: '/2' }], { target: '/3' }, UNKNOWN, false],
  ['another host has its own', { questionsPerHost: 2 }, [{ target: '/1' }, { target: '/2' }], { host: 'www.example.com' }, UNKNOWN, true],
  ['one waiter more than waitersPerClient is turned away', { waitersPerClient: 2 }, [{}, {}], {}, KNOWN, false],
  ['another client has its own', { waitersPerClient: 2 }, [{}, {}], { client: 'other' }, KNOWN, true],
  ['clients that are not told apart share no such limit', { waitersPerClient: 2 }, [{}, {}], {}, UNKNOWN, true],
]
for (const [shows, limit, before, comes, options, hasRoom] of limits) {
  t.test(shows, async t => {
    const { queue } = bench({ limits: limit })
    const waits = before.map(facts => queue.wait(asking(facts), options))
    const last = queue.wait(asking(comes), options)
    t.same(await endOf(last), hasRoom ? null : { kind: 'full' })
    last.leave()
    for (const wait of waits) t.equal(await endOf(wait), null, 'nobody is pushed out')
  })
}

t.test('what a waiter took up is free again when it has ended', async t => {
  const { queue } = bench({ limits: { waiters: 1, waitersPerClient: 1 } })
  queue.wait(asking(), KNOWN).leave()
  t.equal(await endOf(queue.wait(asking(), KNOWN)), null)
})

t.test('questions that nobody waits for count: leaving floods no approver', async t => {
  const { queue, clock } = bench({ limits: { questionsPerHost: 1 } })
  queue.wait(asking({ target: '/1' }), UNKNOWN).leave()
  t.match(await endOf(queue.wait(asking({ target: '/2' }), UNKNOWN)), { kind: 'full' })
  clock.advance(REMEMBER_MS)
  t.equal(await endOf(queue.wait(asking({ target: '/2' }), UNKNOWN)), null)
})

t.test('a change of policy releases whoever is not held any more, without a token', async t => {
  const { queue, asked, events, names } = bench()
  const free = [queue.wait(asking({ target: '/free' }), UNKNOWN), queue.wait(asking({ target: '/free' }), UNKNOWN)]
  const held = queue.wait(asking({ target: '/held' }), UNKNOWN)
  const released = queue.recheck(({ facts }) => facts.kind === 'request' && facts.target === '/held')
  t.equal(released, 2)
  for (const wait of free) t.same(await endOf(wait), { kind: 'released', once: null, by: null, door: null, question: asked[0] })
  t.equal(await endOf(held), null)
  t.same(queue.counts, { waiting: 1, questions: 1 })
  t.match(events[names().indexOf('settled')], { id: asked[0], how: 'released' })
})

t.test('a change of policy that frees one twin leaves the question to the other', async t => {
  const { queue, asked } = bench()
  const one = queue.wait(asking({ fields: ['X-Env', 'dev'] }), UNKNOWN)
  const other = queue.wait(asking(), UNKNOWN)
  t.equal(queue.recheck(({ facts }) => facts.kind === 'request' && facts.fields.length === 0), 1)
  t.match(await endOf(one), { kind: 'released', once: null })
  await queue.answer(asked[0]!, DENY, 'control')
  t.match(await endOf(other), { kind: 'denied' })
})

t.test('a change of policy ends a question that nobody waits for and nobody would ask', async t => {
  const { queue, events, clock } = bench()
  queue.wait(asking(), UNKNOWN).leave()
  t.equal(queue.recheck(() => true), 0)
  t.equal(queue.counts.questions, 1)
  t.equal(queue.recheck(() => false), 0)
  t.equal(queue.counts.questions, 0)
  t.equal(clock.pending, 0)
  t.match(events.at(-1), { event: 'settled', how: 'released' })
})

t.test('a judgement that fails is made again where it counts as a denial', async t => {
  const { queue } = bench()
  const wait = queue.wait(asking(), UNKNOWN)
  t.equal(queue.recheck(() => { throw new Error('odd') }), 1)
  t.match(await endOf(wait), { kind: 'released', once: null })
})

t.test('shutdown ends every wait, and whoever comes later ends at once', async t => {
  const hook = door()
  const { queue, clock, asked } = bench({ doors: () => [hook] })
  const waits = [queue.wait(asking(), UNKNOWN), queue.wait(askingStream(), UNKNOWN)]
  queue.wait(asking({ target: '/left' }), UNKNOWN).leave()
  queue.wait(asking({ target: '/kept' }), UNKNOWN).leave()
  await queue.answer(asked.at(-1)!, ONCE, 'control')
  queue.close()
  for (const wait of waits) t.same(await endOf(wait), { kind: 'shutdown' })
  t.same(await endOf(queue.wait(asking(), UNKNOWN)), { kind: 'shutdown' })
  t.same(await queue.answer(asked[0]!, ONCE, 'control'), { kind: 'unknown' })
  t.ok(hook.signals.every(signal => signal.aborted), 'no door goes on asking')
  t.same(queue.counts, { waiting: 0, questions: 0 })
  t.equal(clock.pending, 0)
})

t.test('approvers see how many wait and when the next of them gives up', async t => {
  const { queue, clock } = bench()
  queue.wait(asking(), UNKNOWN)
  clock.advance(1_000)
  const second = queue.wait(asking(), UNKNOWN)
  const start = clock.now() - 1_000
  t.match(queue.pending(), [{ waiting: 2, firstSeen: start, deadline: start + HOLD_MS }])
  clock.advance(HOLD_MS - 1_000)
  t.match(queue.pending(), [{ waiting: 1, firstSeen: start, deadline: start + 1_000 + HOLD_MS }])
  second.leave()
  t.match(queue.pending(), [{ waiting: 0, deadline: null }])
})

t.test('many changes at a time are told once', async t => {
  const { queue, clock, events, names } = bench()
  for (let i = 0; i < 100; i++) queue.wait(asking(), UNKNOWN)
  clock.advance(20)
  t.same(names(), ['asked', 'changed'])
  t.match(events[1], { held: { waiting: 100 } })
  clock.advance(HOLD_MS)
  t.same(names(), ['asked', 'changed', 'changed'])
  t.match(events[2], { held: { waiting: 0 } })
})

t.test('changes of many questions are told a few at a time, in their order, and those of a settled one not at all', async t => {
  const { queue, clock, events, names } = bench()
  for (let i = 0; i < 20; i++) queue.wait(asking({ target: `/${i % 10}` }), UNKNOWN)
  const asked = queue.pending().map(({ id }) => id)
  const told = (): readonly string[] => events.flatMap(event => event.event === 'changed' ? [event.held.id] : [])
  await queue.answer(asked[1]!, ONCE, 'control')
  clock.advance(20)
  t.same(told(), [asked[0], asked[2], asked[3], asked[4]])
  clock.advance(20)
  t.same(told().length, 8)
  clock.advance(1_000)
  t.same(told(), asked.filter(id => id !== asked[1]))
  t.same(names().filter(name => name === 'changed').length, 9)
  t.equal(queue.counts.waiting, 18)
})

t.test('a listener that throws keeps no wait from ending', async t => {
  const { queue, asked } = bench({ onEvent() { throw new Error('odd') } })
  const wait = queue.wait(asking(), UNKNOWN)
  await queue.answer(asked[0]!, DENY, 'control')
  t.match(await endOf(wait), { kind: 'denied' })
})

t.test('a question that cannot be described is not asked, and leaves nothing behind', async t => {
  const { queue, clock } = bench({ describe() { throw new Error('odd') } })
  t.throws(() => queue.wait(asking(), UNKNOWN), { message: 'odd' })
  t.same(queue.counts, { waiting: 0, questions: 0 })
  t.equal(clock.pending, 0)
})

t.test('a listener that changes the policy while a question settles finds it settled', async t => {
  const b = bench({ onEvent: event => { if (event.event === 'settled') b.queue.recheck(() => false) } })
  const waits = [b.queue.wait(asking(), UNKNOWN), b.queue.wait(asking({ target: '/other' }), UNKNOWN)]
  t.match(await b.queue.answer(b.asked[0]!, ONCE, 'control'), { kind: 'accepted', released: 1 })
  t.ok(tokenOf(await endOf(waits[0]!)))
  t.match(await endOf(waits[1]!), { kind: 'released', once: null })
})

t.test('nothing of thousands of waits is left after everything ended', async t => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  t.comment(`SEED=${seed}`)
  const random = lcg(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const { queue, clock } = bench({ limits: { waiters: 50, questions: 40, questionsPerHost: 20, waitersPerClient: 30 } })
  const waits: { readonly ended: Promise<WaitEnd>, leave(): void }[] = []
  for (let i = 0; i < 3_000; i++) {
    const act = random()
    if (act < 0.5) waits.push(queue.wait(asking({ method: pick(['GET', 'POST']), target: `/${Math.floor(random() * 30)}`, host: pick(['a.example', 'b.example', 'c.example']), client: pick(['x', 'y']) }), pick([KNOWN, UNKNOWN])))
    else if (act < 0.7) pick(waits)?.leave()
    else if (act < 0.85) {
      const held = queue.pending()
      if (held.length > 0) await queue.answer(pick(held).id, pick<unknown>([ONCE, DENY, { ...DENY, ttlMs: 60_000 }, 'nonsense', { verdict: 'approve', grant: { rule: {} } }]), 'control')
    } else if (act < 0.9) queue.recheck(() => random() < 0.9)
    else clock.advance(Math.floor(random() * 30_000))
    if (queue.counts.waiting > 50 || queue.counts.questions > 40) t.fail('a limit was passed')
  }
  clock.advance(HOLD_MS + REMEMBER_MS)
  const kinds = new Set((await Promise.all(waits.map(wait => wait.ended))).map(end => end.kind))
  t.same([...kinds].sort(), ['denied', 'expired', 'full', 'left', 'released'], 'every wait has ended')
  t.same(queue.counts, { waiting: 0, questions: 0 })
  t.equal(clock.pending, 0)
})

function lcg(seed: number): () => number {
  let state = seed >>> 0
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}
