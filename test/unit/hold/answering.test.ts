import t from 'tap'
import type { GrantOutcome } from '../../../lib/hold/answering.ts'
import type { OnceAnswer } from '../../../lib/hold/queue.ts'
import type { Asking, Held } from '../../../lib/model/hold.ts'
import { asking, bench, door, endOf, HOLD_MS, REMEMBER_MS, settled, UNKNOWN } from './fixture.ts'
import type { TestDoor } from './fixture.ts'

const ONCE = { verdict: 'approve', grant: 'once', by: 'ann' }
const DENY = { verdict: 'deny', reason: 'no' }
const RULE = { verdict: 'approve', grant: { rule: { host: 'api.example.com' } }, by: 'ann' }

function withDoors(doors: TestDoor[], options: Parameters<typeof bench>[0] = {}): ReturnType<typeof bench> {
  return bench({ doors: () => doors, hasStandingDoor: () => false, ...options })
}

t.test('every door is asked once about a question, however many wait for it', async t => {
  const [one, two] = [door('one'), door('two')]
  const { queue, asked } = withDoors([one, two])
  for (let i = 0; i < 3; i++) queue.wait(asking(), UNKNOWN)
  await settled()
  for (const { asked: helds } of [one, two]) t.match(helds, [{ id: asked[0]!, waiting: 1 }])
})

t.test('the first door to answer wins, and the others are told to stop', async t => {
  const [one, two] = [door('one'), door('two')]
  const { queue, names } = withDoors([one, two])
  const wait = queue.wait(asking(), UNKNOWN)
  t.notOk(one.signals[0]!.aborted)
  two.say(DENY)
  t.match(await endOf(wait), { kind: 'denied', door: 'two', reason: 'no', by: null })
  t.ok(one.signals[0]!.aborted)
  one.say(ONCE)
  await settled()
  t.same(names(), ['asked', 'settled', 'decided'], 'a late answer is ignored')
})

t.test('a door that fails after the question is settled says nothing', async t => {
  const [one, two] = [door('one'), door('two')]
  const { queue, names } = withDoors([one, two])
  queue.wait(asking(), UNKNOWN)
  two.say(DENY)
  await settled()
  one.fail(new Error('aborted'))
  await settled()
  t.same(names(), ['asked', 'settled', 'decided'])
})

// [what it shows, how the door closes, whether that is told]
const closings: [string, (hook: TestDoor) => void, string | null][] = [
  ['a door without an opinion is closed silently', hook => hook.say({ verdict: 'pass' }), null],
  ['a door that rejects is closed', hook => hook.fail(new Error('odd')), 'it failed: odd'],
  ['a door that rejects with nothing is closed', hook => hook.fail(undefined), 'it failed: undefined'],
  ['a door that rejects with what has no text is closed', hook => hook.fail(Object.create(null)), 'it failed: with a value that has no text'],
  ['a door that talks nonsense is closed', hook => hook.say('approve!'), 'that is no answer'],
  ['a door that says nothing is closed', hook => hook.say(undefined), 'that is no answer'],
]
for (const [shows, close, problem] of closings) {
  t.test(`${shows}, and the other may still answer`, async t => {
    const [bad, good] = [door('bad'), door('good')]
    const { queue, asked, events } = withDoors([bad, good])
    const wait = queue.wait(asking(), UNKNOWN)
    close(bad)
    t.equal(await endOf(wait), null)
    t.same(events.filter(event => event.event === 'door-failed'), problem === null ? [] : [{ event: 'door-failed', id: asked[0], door: 'bad', problem }])
    good.say(ONCE)
    t.match(await endOf(wait), { kind: 'released', door: 'good' })
  })

  t.test(`${shows}, and when it was the last one every waiter ends`, async t => {
    const bad = door('bad')
    const { queue, asked, events, clock } = withDoors([bad])
    const waits = [queue.wait(asking(), UNKNOWN), queue.wait(asking(), UNKNOWN)]
    close(bad)
    for (const wait of waits) t.same(await endOf(wait), { kind: 'unavailable', question: asked[0] })
    t.match(events.at(-1), { event: 'settled', how: 'unavailable' })
    t.same(queue.counts, { waiting: 0, questions: 0 })
    t.equal(clock.pending, 0)
  })

  t.test(`${shows}, and a standing door keeps the question`, async t => {
    const bad = door('bad')
    const { queue, asked } = withDoors([bad], { hasStandingDoor: () => true })
    const wait = queue.wait(asking(), UNKNOWN)
    close(bad)
    t.equal(await endOf(wait), null)
    await queue.answer(asked[0]!, ONCE, 'control')
    t.match(await endOf(wait), { kind: 'released' })
  })
}

t.test('a door that throws at once is a door that fails', async t => {
  const { queue, events } = bench({ hasStandingDoor: () => false, doors: () => [{ name: 'bad', ask() { throw new Error('odd') } }] })
  t.match(await endOf(queue.wait(asking(), UNKNOWN)), { kind: 'unavailable' })
  t.match(events[1], { event: 'door-failed', door: 'bad', problem: 'it failed: odd' })
})

t.test('a door with a hostile promise is a door that fails', async t => {
  const ask = (): Promise<never> => ({ get then(): never { throw new Error('odd') } }) as unknown as Promise<never>
  const { queue } = bench({ hasStandingDoor: () => false, doors: () => [{ name: 'bad', ask }] })
  t.match(await endOf(queue.wait(asking(), UNKNOWN)), { kind: 'unavailable' })
})

t.test('a parser that throws is an answer that is none', async t => {
  const hook = door()
  const { queue, asked } = withDoors([hook], { parseAnswer() { throw new Error('odd') } })
  const wait = queue.wait(asking(), UNKNOWN)
  t.match(await queue.answer(asked[0]!, ONCE, 'control'), { kind: 'refused', problems: ['the answer could not be read: odd'] })
  t.equal(await endOf(wait), null)
  hook.say(ONCE)
  t.match(await endOf(wait), { kind: 'unavailable' })
})

t.test('where nobody could answer at all the wait ends at once', async t => {
  const { queue } = withDoors([])
  t.match(await endOf(queue.wait(asking(), UNKNOWN)), { kind: 'unavailable' })
  t.equal(queue.counts.questions, 0)
})

t.test('when the standing door has closed, whoever joins a question without doors ends it', async t => {
  let isStanding = true
  const { queue, events } = withDoors([], { hasStandingDoor: () => isStanding })
  const first = queue.wait(asking(), UNKNOWN)
  isStanding = false
  const second = queue.wait(asking(), UNKNOWN)
  for (const wait of [first, second]) t.match(await endOf(wait), { kind: 'unavailable' })
  t.match(events.at(-1), { event: 'settled', how: 'unavailable' })
})

t.test('a door that never settles is bounded by the deadline', async t => {
  const hook = door()
  const { queue, clock } = withDoors([hook])
  const wait = queue.wait(asking(), UNKNOWN)
  clock.advance(HOLD_MS)
  t.match(await endOf(wait), { kind: 'expired' })
  t.notOk(hook.signals[0]!.aborted, 'the question stays open for who comes back')
  clock.advance(REMEMBER_MS)
  t.ok(hook.signals[0]!.aborted)
})

t.test('a door that answers after its client left has its answer kept', async t => {
  const hook = door()
  const { queue } = withDoors([hook])
  queue.wait(asking(), UNKNOWN).leave()
  hook.say(ONCE)
  await settled()
  t.match(await endOf(queue.wait(asking(), UNKNOWN)), { kind: 'released', by: 'ann', door: 'door' })
  t.equal(hook.asked.length, 1)
})

t.test('what answer() is given and is no answer leaves the question open', async t => {
  const { queue, asked } = bench()
  const wait = queue.wait(asking(), UNKNOWN)
  for (const value of ['approve', null, { verdict: 'maybe' }, { verdict: 'pass' }]) {
    t.match(await queue.answer(asked[0]!, value, 'control'), { kind: 'refused' })
  }
  t.equal(await endOf(wait), null)
})

/** Grants that are made when the test says so. */
function granting(): { grant(question: { id: string, askings: readonly Asking[] }): Promise<GrantOutcome>, made(outcome: GrantOutcome): void, fail(error: unknown): void, readonly calls: { id: string, askings: readonly Asking[] }[] } {
  const calls: { id: string, askings: readonly Asking[] }[] = []
  const promises: { resolve(outcome: GrantOutcome): void, reject(error: unknown): void }[] = []
  return {
    calls,
    grant(question) {
      calls.push(question)
      return new Promise((resolve, reject) => promises.push({ resolve, reject }))
    },
    made: outcome => promises.shift()?.resolve(outcome),
    fail: error => promises.shift()?.reject(error),
  }
}
const GRANTED: GrantOutcome = { kind: 'granted', grant: 'grant1', persisted: true }
const REFUSED: GrantOutcome = { kind: 'refused', problems: ['it does not cover the request'] }

t.test('a rule is in force before anybody is released', async t => {
  const grants = granting()
  const { queue, asked } = bench({ grant: grants.grant })
  const shown = asking()
  const twin = asking()
  const waits = [queue.wait(shown, UNKNOWN), queue.wait(twin, UNKNOWN)]
  const answered = queue.answer(asked[0]!, RULE, 'control')
  t.equal(await endOf(waits[0]!), null)
  t.same(grants.calls, [{ id: asked[0], askings: [shown, twin] }])
  grants.made(GRANTED)
  t.same(await answered, { kind: 'accepted', released: 2, grant: 'grant1', persisted: true })
  for (const wait of waits) t.same(await endOf(wait), { kind: 'released', once: null, by: 'ann', door: 'control', question: asked[0] })
})

t.test('what is granted must suit what was shown, also when that client has left', async t => {
  const grants = granting()
  const { queue, asked } = bench({ grant: grants.grant })
  const [shown, twin] = [asking({ fields: ['User-Agent', 'one'] }), asking({ fields: ['User-Agent', 'two'] })]
  queue.wait(shown, UNKNOWN).leave()
  queue.wait(twin, UNKNOWN)
  void queue.answer(asked[0]!, RULE, 'control')
  await settled()
  t.same(grants.calls[0]!.askings, [shown, twin])
})

for (const [how, end, problem] of [
  ['refused', (grants: ReturnType<typeof granting>) => grants.made(REFUSED), 'it does not cover the request'],
  ['that fails', (grants: ReturnType<typeof granting>) => grants.fail(new Error('disk full')), 'the grant could not be made: disk full'],
] as const) {
  t.test(`a grant ${how} leaves the question open, and the problems go back`, async t => {
    const grants = granting()
    const { queue, asked } = bench({ grant: grants.grant })
    const wait = queue.wait(asking(), UNKNOWN)
    const answered = queue.answer(asked[0]!, RULE, 'control')
    await settled()
    end(grants)
    t.same(await answered, { kind: 'refused', problems: [problem] })
    t.equal(await endOf(wait), null)
    t.match(await queue.answer(asked[0]!, ONCE, 'control'), { kind: 'accepted' })
  })

  t.test(`a door whose grant is one ${how} is closed for that question`, async t => {
    const grants = granting()
    const hook = door()
    const { queue, events } = withDoors([hook], { grant: grants.grant })
    const wait = queue.wait(asking(), UNKNOWN)
    hook.say(RULE)
    await settled()
    end(grants)
    t.match(await endOf(wait), { kind: 'unavailable' })
    t.match(events[1], { event: 'door-failed', door: 'door', problem })
  })
}

t.test('while a grant is made another answer waits, and loses if it succeeds', async t => {
  const grants = granting()
  const { queue, asked } = bench({ grant: grants.grant })
  const wait = queue.wait(asking(), UNKNOWN)
  const first = queue.answer(asked[0]!, RULE, 'one')
  const second = queue.answer(asked[0]!, DENY, 'two')
  t.equal(await endOf(wait), null)
  grants.made(GRANTED)
  t.match(await first, { kind: 'accepted' })
  t.same(await second, { kind: 'unknown' })
  t.match(await endOf(wait), { kind: 'released', door: 'one' })
})

t.test('while a grant is made another answer waits, and wins if it is refused', async t => {
  const grants = granting()
  const { queue, asked } = bench({ grant: grants.grant })
  const wait = queue.wait(asking(), UNKNOWN)
  void queue.answer(asked[0]!, RULE, 'one')
  const second = queue.answer(asked[0]!, DENY, 'two')
  const third = queue.answer(asked[0]!, ONCE, 'three')
  await settled()
  grants.made(REFUSED)
  t.match(await second, { kind: 'accepted' })
  t.same(await third, { kind: 'unknown' })
  t.match(await endOf(wait), { kind: 'denied', door: 'two' })
})

t.test('an answer that waits for the outcome wins even where the refused door was the last', async t => {
  const grants = granting()
  const hook = door()
  const { queue, asked } = withDoors([hook], { grant: grants.grant })
  const wait = queue.wait(asking(), UNKNOWN)
  hook.say(RULE)
  await settled()
  const second = queue.answer(asked[0]!, ONCE, 'library')
  grants.made(REFUSED)
  t.match(await second, { kind: 'accepted' })
  t.match(await endOf(wait), { kind: 'released', door: 'library' })
})

t.test('nor is a question given up over the head of an answer that waits for the outcome', async t => {
  const grants = granting()
  let isStanding = true
  const { queue, asked } = bench({ grant: grants.grant, hasStandingDoor: () => isStanding })
  const wait = queue.wait(asking(), UNKNOWN)
  void queue.answer(asked[0]!, RULE, 'library')
  const second = queue.answer(asked[0]!, ONCE, 'library')
  await settled()
  isStanding = false
  grants.made(REFUSED)
  t.match(await second, { kind: 'accepted' })
  t.match(await endOf(wait), { kind: 'released' })
})

t.test('a door whose grant is refused after the question is settled says nothing', async t => {
  const grants = granting()
  const hook = door()
  const { queue, names } = withDoors([hook], { grant: grants.grant })
  queue.wait(asking(), UNKNOWN)
  hook.say(RULE)
  await settled()
  queue.close()
  grants.made(REFUSED)
  await settled()
  t.same(names(), ['asked', 'settled'])
})

t.test('two rules at once are granted one after the other', async t => {
  const grants = granting()
  const { queue, asked } = bench({ grant: grants.grant })
  queue.wait(asking(), UNKNOWN)
  const first = queue.answer(asked[0]!, RULE, 'one')
  const second = queue.answer(asked[0]!, RULE, 'two')
  await settled()
  t.equal(grants.calls.length, 1)
  grants.made(REFUSED)
  await first
  await settled()
  t.equal(grants.calls.length, 2)
  grants.made(GRANTED)
  t.match(await second, { kind: 'accepted' })
})

t.test('the last other door that closes while a grant is made ends nothing until its outcome is known', async t => {
  const grants = granting()
  const hook = door()
  const { queue, asked } = withDoors([hook], { grant: grants.grant })
  const wait = queue.wait(asking(), UNKNOWN)
  void queue.answer(asked[0]!, RULE, 'library')
  hook.fail(new Error('odd'))
  t.equal(await endOf(wait), null)
  grants.made(REFUSED)
  t.match(await endOf(wait), { kind: 'unavailable' })
})

t.test('a change of policy while a grant is made waits for its outcome', async t => {
  for (const outcome of [GRANTED, REFUSED]) {
    const grants = granting()
    const { queue, asked } = bench({ grant: grants.grant })
    const own = queue.wait(asking(), UNKNOWN)
    const other = queue.wait(asking({ target: '/other' }), UNKNOWN)
    void queue.answer(asked[0]!, RULE, 'control')
    t.equal(queue.recheck(() => false), 1)
    t.match(await endOf(other), { kind: 'released', once: null, door: null })
    t.equal(await endOf(own), null)
    grants.made(outcome)
    t.match(await endOf(own), { kind: 'released', once: null, door: outcome === GRANTED ? 'control' : null })
  }
})

t.test('waiters expire and leave while a grant is made, and the grant stands', async t => {
  const grants = granting()
  const { queue, asked, clock } = bench({ grant: grants.grant })
  const [one, two] = [queue.wait(asking(), UNKNOWN), queue.wait(asking(), UNKNOWN)]
  const answered = queue.answer(asked[0]!, RULE, 'control')
  one.leave()
  clock.advance(HOLD_MS)
  t.match(await endOf(one), { kind: 'left' })
  t.match(await endOf(two), { kind: 'expired' })
  grants.made(GRANTED)
  t.match(await answered, { kind: 'accepted', released: 0, grant: 'grant1' })
  t.equal(clock.pending, 0)
})

for (const [how, end] of [['time', (b: ReturnType<typeof bench>) => b.clock.advance(HOLD_MS + REMEMBER_MS)], ['shutdown', (b: ReturnType<typeof bench>) => b.queue.close()]] as const) {
  t.test(`a grant that is never done holds nobody beyond ${how}`, async t => {
    const grants = granting()
    const b = bench({ grant: grants.grant })
    const wait = b.queue.wait(asking(), UNKNOWN)
    const first = b.queue.answer(b.asked[0]!, RULE, 'one')
    const second = b.queue.answer(b.asked[0]!, ONCE, 'two')
    end(b)
    t.not(await endOf(wait), null)
    t.same(await second, { kind: 'unknown' })
    t.same(b.queue.counts, { waiting: 0, questions: 0 })
    grants.made(GRANTED)
    t.match(await first, { kind: 'accepted', released: 0 })
  })
}

t.test('an approval of what was shown before the policy changed is refused, and the question is told anew', async t => {
  let edition = 1
  const { queue, asked, events } = bench({ shown: id => `${id}.${edition}`, describe: question => ({ ...question, shown: `${question.id}.${edition}` }) as unknown as Held })
  const wait = queue.wait(asking(), UNKNOWN)
  edition = 2
  const refused = await queue.answer(asked[0]!, { ...ONCE, shown: `${asked[0]}.1` }, 'control')
  t.match(refused, { kind: 'refused', problems: [/changed/] })
  t.match(events.at(-1), { event: 'changed', held: { shown: `${asked[0]}.2` } })
  t.equal(await endOf(wait), null, 'it still waits')
  t.match(await queue.answer(asked[0]!, { ...ONCE, shown: `${asked[0]}.2` }, 'control'), { kind: 'accepted' })
  t.match(await endOf(wait), { kind: 'released' })
})

t.test('a door that approves what it was shown before the policy changed is asked again; its denial stands', async t => {
  let edition = 1
  const one = door('one')
  const { queue, asked, names } = bench({ doors: () => [one], shown: id => `${id}.${edition}`, describe: question => ({ ...question, shown: `${question.id}.${edition}` }) as unknown as Held })
  const wait = queue.wait(asking(), UNKNOWN)
  edition = 2
  one.say(ONCE)
  await settled()
  t.strictSame(one.asked.map(held => held.shown), [`${asked[0]}.1`, `${asked[0]}.2`])
  t.equal(await endOf(wait), null)
  edition = 3
  one.say({ verdict: 'deny' })
  t.match(await endOf(wait), { kind: 'denied' })
  t.same(names(), ['asked', 'settled', 'decided'])
})

t.test('an approval that waits for its client to come back can be taken back', async t => {
  const given: OnceAnswer[] = []
  const { queue, asked, clock } = bench({ noteOnce: once => given.push(once) })
  queue.wait(asking(), UNKNOWN)
  clock.advance(HOLD_MS)
  await queue.answer(asked[0]!, ONCE, 'control')
  const [once] = given
  t.match(once, { question: asked[0], by: 'ann', door: 'control' })
  t.ok(queue.isKept(once!.id))
  t.ok(queue.takeBack(once!.id))
  t.notOk(queue.takeBack(once!.id))
  const again = queue.wait(asking(), UNKNOWN)
  t.equal(await endOf(again), null, 'it is asked about again')
})
