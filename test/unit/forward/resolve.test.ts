/** Names and their addresses: how many at once, in which order, and what DNS is never asked. */
import t from 'tap'
import { lookup } from 'node:dns/promises'
import { addressesIn, createResolve } from '../../../lib/forward/resolve.ts'
import { until } from './fixtures.ts'

const signal = new AbortController().signal
const never = async (host: string): Promise<string[]> => { throw new Error(`${host} was looked up`) }

t.test('an override and a literal are not looked up', async t => {
  const resolve = createResolve({ resolve: never, lookups: 1, overrides: [{ host: 'A.test', port: 443, addresses: ['192.0.2.1', '::1'] }] })
  t.strictSame(await resolve('a.test', 443, signal), ['192.0.2.1', '::1'])
  await t.rejects(resolve('a.test', 80, signal), 'of another port it is no override')
  t.strictSame(await resolve('192.0.2.9', 443, signal), ['192.0.2.9'])
  t.strictSame(await resolve('2001:db8::1', 443, signal), ['2001:db8::1'])
})

t.test('so many names are looked up at the same time, the others wait in line and may leave it', async t => {
  const begun: string[] = []
  const finish = new Map<string, () => void>()
  const resolve = createResolve({
    overrides: [], lookups: 2,
    resolve: host => new Promise((resolve, reject) => { begun.push(host); finish.set(host, () => host === 'b' ? reject(new Error()) : resolve(['192.0.2.1'])) }),
  })
  const leaver = new AbortController()
  const asked = ['a', 'b', 'c', 'd', 'e'].map(host => resolve(host, 1, host === 'c' ? leaver.signal : signal).then(() => host, () => `${host} failed`))
  await until(() => begun.length === 2)
  await new Promise(setImmediate)
  t.strictSame(begun, ['a', 'b'])
  leaver.abort()
  t.equal(await asked[2], 'c failed')
  finish.get('b')!()
  await until(() => begun.length === 3)
  t.strictSame(begun, ['a', 'b', 'd'], 'a look-up that failed gives its place on')
  finish.get('a')!()
  finish.get('d')!()
  await until(() => begun.length === 4)
  finish.get('e')!()
  t.strictSame(await Promise.all(asked), ['a', 'b failed', 'c failed', 'd', 'e'])
  const again = resolve('f', 1, signal)
  await until(() => begun.length === 5)
  finish.get('f')!()
  t.strictSame(await again, ['192.0.2.1'], 'every place is free again')
})

t.test('the hosts file rules before DNS, as it is now', async t => {
  let hosts = '127.0.0.5 db # the database\n'
  const resolve = createResolve({ overrides: [], lookups: 8, hosts: () => hosts })
  t.strictSame(await resolve('db', 1, signal), ['127.0.0.5'])
  hosts = '127.0.0.6 db'
  t.strictSame(await resolve('db', 1, signal), ['127.0.0.6'])
  t.strictSame(addressesIn('# 1.1.1.1 a\n::1 a b\r\n127.0.0.1\tB  a.\n\nnonsense a\n127.0.0.2 aa\n127.0.0.3 a', 'a'), ['::1', '127.0.0.3'])
  t.strictSame(addressesIn('::1 a b\r\n127.0.0.1\tB', 'b'), ['::1', '127.0.0.1'])
})

t.test('localhost is this machine, without a question to DNS (RFC 6761)', async t => {
  const resolve = createResolve({ overrides: [], lookups: 8 })
  t.strictSame(await resolve('localhost', 1, signal), ['127.0.0.1', '::1'])
  t.strictSame(await resolve('app.localhost', 1, signal), ['127.0.0.1', '::1'])
})

t.test('getaddrinfo reads no hosts file for an absolute name, which is why we do', async t => {
  // The day this fails, `hosts` can go. `localhost` is in every hosts file; a resolver that answers for it itself shows nothing.
  const [relative, absolute] = await Promise.all(['localhost', 'localhost.'].map(name => lookup(name, { all: true }).then(found => found.length, () => 0)))
  if (absolute !== 0) t.pass('a resolver of this machine answers for the absolute name itself')
  else t.ok(relative! > 0)
})
