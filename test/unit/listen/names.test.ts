/** Names and the addresses that stand for them. */
import t from 'tap'
import { isIPv4 } from 'node:net'
import { createNames } from '../../../lib/listen/names.ts'

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
