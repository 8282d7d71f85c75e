import t from 'tap'
import { createGrantStore } from '../../../lib/hold/grants.ts'
import type { Grant } from '../../../lib/model/hold.ts'
import { PUBLIC_ONLY } from '../../../lib/model/policy.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'

function grant(id: string, expiresAt: number | null = null): Grant {
  return {
    id, question: 'q', answers: null, rule: { host: 'api.example.com' },
    terms: { scope: PUBLIC_ONLY, maxRequestBytes: null, maxResponseBytes: null },
    expiresAt, maxUses: null, by: null, door: 'control', createdAt: 0,
  }
}
const ids = (grants: readonly Grant[]): string[] => grants.map(({ id }) => id)

t.test('a grant lives from its adding to its end', async t => {
  const clock = fakeClock()
  const store = createGrantStore({ clock, max: 10 })
  t.same(ids(store.add(grant('a', clock.now() + 100))), ['a'])
  t.same(ids(store.add(grant('b'))), ['a', 'b'])
  t.equal(store.nextExpiry(), clock.now() + 100)
  clock.advance(99)
  t.same(ids(store.live(clock.now())), ['a', 'b'])
  clock.advance(1)
  t.same(ids(store.live(clock.now())), ['b'], 'now >= expiresAt ends it')
  t.equal(store.nextExpiry(), null)
})

t.test('a clock that is set back brings no grant to life again', async t => {
  const clock = fakeClock()
  const store = createGrantStore({ clock, max: 10 })
  store.add(grant('a', clock.now() + 100))
  store.live(clock.now() + 100)
  t.same(store.live(clock.now()), [])
})

t.test('nor does it lengthen the life of one', async t => {
  const clock = fakeClock()
  const store = createGrantStore({ clock, max: 10 })
  store.add(grant('a', clock.now() + 100))
  clock.advance(40)
  clock.jump(-3_600_000)
  t.equal(store.nextExpiry(), clock.now() + 60, 'what is left of it is left')
  clock.advance(59)
  t.same(ids(store.live(clock.now())), ['a'])
  clock.advance(1)
  t.same(store.live(clock.now()), [])
})

t.test('a grant whose end is no date, or past, never lives', async t => {
  const clock = fakeClock()
  const store = createGrantStore({ clock, max: 10 })
  t.same(store.add(grant('a', NaN)), [])
  t.same(store.add(grant('b', clock.now())), [])
  t.equal(store.nextExpiry(), null)
})

t.test('removing ends a grant, and removing what is not there does nothing', async t => {
  const clock = fakeClock()
  const store = createGrantStore({ clock, max: 10 })
  store.add(grant('a'))
  store.add(grant('b'))
  store.remove('a')
  store.remove('never')
  t.same(ids(store.live(clock.now())), ['b'])
})

t.test('a snapshot never changes, and is the same array while nothing changed', async t => {
  const clock = fakeClock()
  const store = createGrantStore({ clock, max: 10 })
  const given = grant('a', clock.now() + 100)
  const before = store.add(given)
  t.equal(store.live(clock.now() + 50), before)
  t.throws(() => (before as Grant[]).push(grant('evil')), TypeError)
  t.throws(() => { (before[0] as { expiresAt: number | null }).expiresAt = null }, TypeError)
  ;(given as { expiresAt: number | null }).expiresAt = null
  t.equal(store.live(clock.now())[0]?.expiresAt, clock.now() + 100, 'nor does the grant that was handed in reach it')
  store.add(grant('b'))
  t.same(ids(before), ['a'])
})

t.test('the oldest grant makes room, but one that has ended goes first', async t => {
  const clock = fakeClock()
  const store = createGrantStore({ clock, max: 2 })
  store.add(grant('a'))
  store.add(grant('b', clock.now() + 10))
  clock.advance(10)
  t.same(ids(store.add(grant('c'))), ['a', 'c'])
  t.same(ids(store.add(grant('d'))), ['c', 'd'])
})

t.test('the same id replaces a grant', async t => {
  const clock = fakeClock()
  const store = createGrantStore({ clock, max: 2 })
  store.add(grant('a', clock.now() + 10))
  t.same(store.add(grant('a')).map(({ expiresAt }) => expiresAt), [null])
})

t.test('uses are counted exactly, and no number of grants makes one be forgotten', async t => {
  const clock = fakeClock()
  const { add, used, take } = createGrantStore({ clock, max: 2 })
  take('rule')
  take('rule')
  for (let i = 0; i < 10_000; i++) {
    add(grant(`g${i}`))
    take(`key${i}`)
  }
  t.equal(used('rule'), 2)
  t.equal(used('key0'), 1)
  t.equal(used('never'), 0)
  t.equal(used('__proto__'), 0)
})

t.test('the counts of rules that are gone can be dropped, and only those', async t => {
  const { used, take, forgetUses } = createGrantStore({ clock: fakeClock(), max: 2 })
  take('gone')
  take('stays')
  forgetUses(key => key === 'stays')
  t.equal(used('gone'), 0)
  t.equal(used('stays'), 1)
})
