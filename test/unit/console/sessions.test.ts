import t from 'tap'
import { createHash } from 'node:crypto'
import { createSessions, SESSION_MS } from '../../../lib/console/sessions.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'

function open(): ReturnType<typeof createSessions> & { readonly clock: ReturnType<typeof fakeClock> } {
  let count = 0
  const clock = fakeClock()
  const random = (bytes: number): Buffer => createHash('sha512').update(`${++count}`).digest().subarray(0, bytes)
  return { ...createSessions({ clock, random }), clock }
}

t.test('a link signs in once', async t => {
  const sessions = open()
  const link = sessions.newLink()
  t.ok(link.length >= 43, 'as long as 32 bytes are')
  t.equal(sessions.redeem(''), null)
  t.equal(sessions.redeem(`${link}x`), null)
  const mine = sessions.redeem(link)
  t.ok(mine !== null && sessions.admits(mine))
  t.equal(sessions.redeem(link), null, 'it is spent')
})

t.test('a new link voids the one before', async t => {
  const sessions = open()
  const first = sessions.newLink()
  const second = sessions.newLink()
  t.equal(sessions.redeem(first), null)
  t.not(sessions.redeem(second), null)
})

t.test('half of a session is none, and neither are halves of two', async t => {
  const sessions = open()
  const one = sessions.redeem(sessions.newLink())!
  const two = sessions.redeem(sessions.newLink())!
  t.notOk(sessions.admits({ cookie: one.cookie, key: '' }))
  t.notOk(sessions.admits({ cookie: '', key: one.key }))
  t.notOk(sessions.admits({ cookie: one.cookie, key: two.key }))
  t.notOk(sessions.admits({ cookie: one.key, key: one.cookie }))
  t.notOk(sessions.admits({ cookie: '', key: '' }))
  t.ok(sessions.admits(one) && sessions.admits(two))
})

t.test('a session lasts as long as it is used, and ends when somebody signs out', async t => {
  const sessions = open()
  const mine = sessions.redeem(sessions.newLink())!
  sessions.clock.advance(SESSION_MS - 1)
  t.ok(sessions.admits(mine))
  sessions.clock.advance(SESSION_MS - 1)
  t.ok(sessions.admits(mine), 'its use made it last')
  sessions.clock.advance(SESSION_MS)
  t.notOk(sessions.admits(mine))
  const other = sessions.redeem(sessions.newLink())!
  sessions.end({ cookie: other.cookie, key: 'x' })
  t.ok(sessions.admits(other))
  sessions.end(other)
  t.notOk(sessions.admits(other))
})

t.test('whoever was quiet the longest makes room', async t => {
  const sessions = open()
  const all = Array.from({ length: 8 }, () => {
    sessions.clock.advance(1)
    return sessions.redeem(sessions.newLink())!
  })
  sessions.clock.advance(1)
  t.ok(sessions.admits(all[0]!))
  const late = sessions.redeem(sessions.newLink())!
  t.strictSame([...all, late].map(session => sessions.admits(session)), [true, false, true, true, true, true, true, true, true])
})
