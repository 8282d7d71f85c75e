/** Names and the addresses that stand for them. */
import t from 'tap'
import { isIPv4 } from 'node:net'
import { createNames as create } from '../../../lib/listen/names.ts'
import type { Names } from '../../../lib/listen/names.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'

const TTL_MS = 60_000
const createNames = (max?: number, clock = fakeClock()): Names => create({ clock, ttlMs: TTL_MS, ...max === undefined ? {} : { max } })

t.test('a name has one address, however it is spelled, and the address has one name', async t => {
  const names = createNames()
  const address = names.addressFor('api.example.com')
  t.match(address, /^198\.1[89]\.\d+\.\d+$/)
  t.equal(names.addressFor('API.Example.COM'), address)
  t.not(names.addressFor('other.example.com'), address)
  t.equal(names.nameOf(address!), 'api.example.com')
  t.equal(names.size, 2)
})

t.test('an address that was never given out stands for nothing', async t => {
  const names = createNames()
  t.equal(names.nameOf('198.18.0.99'), null)
  t.ok(names.isOurs('198.19.255.255'))
  t.notOk(names.isOurs('198.20.0.1'))
})

t.test('what is no name has no address', async t => {
  const names = createNames()
  for (const name of ['', '127.0.0.1', '0x7f.1', 'a b', 'a/b', 'a\0b', '::1', '*.example.com', '.', 'a..b']) t.equal(names.addressFor(name), null, JSON.stringify(name))
})

t.test('the resolver\'s own address is never given out, and no address twice', async t => {
  const names = createNames()
  const seen = new Set<string>()
  for (let i = 0; i < 70_000; i++) seen.add(names.addressFor(`n${i}.example.com`)!)
  t.equal(seen.size, 70_000)
  t.notOk(seen.has('198.18.0.1'))
  t.ok([...seen].every(address => isIPv4(address) && names.isOurs(address)))
})

t.test('the table is bounded, and what is in it stays', async t => {
  const names = createNames(2)
  const first = names.addressFor('a.example.com')
  names.addressFor('b.example.com')
  t.equal(names.addressFor('c.example.com'), null)
  t.equal(names.addressFor('a.example.com'), first)
})

t.test('an address goes to another name only when none is free, its time is over, and it has been unused for longest', async t => {
  const clock = fakeClock()
  const names = createNames(2, clock)
  const a = names.addressFor('a.example.com')
  clock.advance(1_000)
  const b = names.addressFor('b.example.com')
  clock.advance(TTL_MS - 1_000 - 1)
  t.equal(names.addressFor('c.example.com'), null, 'while both have time')
  clock.advance(1)
  t.equal(names.addressFor('c.example.com'), a)
  t.equal(names.nameOf(a!), 'c.example.com')
  t.equal(names.nameOf(b!), 'b.example.com')
  t.equal(names.size, 2)
  clock.advance(TTL_MS)
  t.equal(names.addressFor('b.example.com'), b, 'as long as nobody needs it, it stays its name\'s')
  t.equal(names.addressFor('d.example.com'), a, 'and to be asked for again renews it')
})

t.test('an address stays its name\'s while a flow lasts, and its time begins again after the last', async t => {
  const clock = fakeClock()
  const names = createNames(1, clock)
  const a = names.addressFor('a.example.com')!
  const releases = [names.retain(a), names.retain(a)]
  clock.advance(10 * TTL_MS)
  t.equal(names.addressFor('b.example.com'), null)
  releases[0]!()
  releases[0]!()
  clock.advance(TTL_MS)
  t.equal(names.addressFor('b.example.com'), null, 'one flow is left, however often the other is said to be over')
  releases[1]!()
  clock.advance(TTL_MS - 1)
  t.equal(names.addressFor('b.example.com'), null)
  clock.advance(1)
  t.equal(names.addressFor('b.example.com'), a)
  names.retain('192.0.2.1')()
})

t.test('a full table answers at once, however many flows it has', async t => {
  const clock = fakeClock()
  const names = createNames(50_000, clock)
  for (let i = 0; i < 50_000; i++) names.retain(names.addressFor(`n${i}.example.com`)!)
  clock.advance(2 * TTL_MS)
  const began = performance.now()
  for (let i = 0; i < 10_000; i++) names.addressFor(`more${i}.example.com`)
  t.ok(performance.now() - began < 2_000)
  t.equal(names.size, 50_000)
})
