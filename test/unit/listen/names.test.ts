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

t.test('in IPv6 a name has one more address, of the same table, however it is spelled', async t => {
  const names = createNames()
  t.equal(names.addressFor('api.example.com', 6), 'fd53:616c:6c79:1::c612:10')
  t.equal(names.addressFor('api.example.com'), '198.18.0.16')
  t.equal(names.size, 1)
  for (const address of ['fd53:616c:6c79:1::c612:10', 'FD53:616C:6C79:0001:0:0:c612:0010', 'fd53:616c:6c79:1::198.18.0.16']) t.equal(names.nameOf(address), 'api.example.com', address)
  for (const address of ['fd53:616c:6c79:1::c612:11', 'fd53:616c:6c79:1::c612', 'fd53:616c:6c79:1:1::c612:10', 'fd53:616c:6c79:2::c612:10', 'fd53:616c:6c79::1', 'fd53:616c:6c79:1::', '::ffff:198.18.0.16', '::198.18.0.16', '2001:db8::c612:10', 'fd53:616c:6c79:1::c612:10%lo']) {
    t.equal(names.nameOf(address), null, address)
  }
  for (const address of ['fd53:616c:6c79::1', 'fd53:616c:6c79:1::c612:11', 'FD53:616C:6C79:FFFF::']) t.ok(names.isOurs(address), address)
  for (const address of ['fd53:616c:6c7a::1', '2001:db8::1']) t.notOk(names.isOurs(address), address)
})

t.test('every address has its like in IPv6, and back', async t => {
  const names = createNames()
  for (let i = 0; i < 131_056; i++) names.addressFor(`n${i}.example.com`)
  const seen = new Set<string>()
  for (let i = 0; i < 131_056; i += 97) {
    const address = names.addressFor(`n${i}.example.com`, 6)!
    seen.add(address)
    if (names.nameOf(address) !== `n${i}.example.com` || new URL(`http://[${address}]`).hostname !== `[${address}]`) t.fail(address)
  }
  t.equal(seen.size, Math.ceil(131_056 / 97))
})

t.test('a flow to an IPv6 address keeps the name its address', async t => {
  const clock = fakeClock()
  const names = createNames(1, clock)
  const release = names.retain(names.addressFor('a.example.com', 6)!)
  clock.advance(TTL_MS)
  t.equal(names.addressFor('b.example.com', 6), null)
  release()
  clock.advance(TTL_MS)
  t.equal(names.addressFor('b.example.com', 6), 'fd53:616c:6c79:1::c612:10')
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
