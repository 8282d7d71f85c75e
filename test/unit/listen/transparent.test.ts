/** Redirected connections: whom they are for, and which go nowhere. */
import t from 'tap'
import { Socket } from 'node:net'
import { createNames } from '../../../lib/listen/names.ts'
import { createTransparent } from '../../../lib/listen/transparent.ts'
import type { Transparent, TransparentOptions } from '../../../lib/listen/transparent.ts'
import type { Opened } from '../../../lib/listen/intercept.ts'
import type { Names } from '../../../lib/listen/names.ts'
import type { Arrival } from '../../../lib/model/flow.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'

interface Bench { readonly names: Names, readonly transparent: Transparent, readonly entered: Opened[], readonly arrived: Arrival[], to: ReturnType<TransparentOptions['destinationOf']> }

function openBench(options: Partial<TransparentOptions> = {}): Bench {
  const names = createNames({ clock: fakeClock(), ttlMs: 1_000, max: 1 })
  const entered: Opened[] = []
  const arrived: Arrival[] = []
  const bench: Bench = {
    names, entered, arrived, to: null,
    transparent: createTransparent({
      names, label: 'sandbox', max: 2, newFlow: () => 'f', destinationOf: () => bench.to,
      enter: opened => entered.push(opened),
      arrive: arrival => { arrived.push(arrival); arrival.window.refuse({ code: 'address_forbidden', flow: 'f', rule: null, operatorReason: null }) },
      ...options,
    }),
  }
  return bench
}

const codeOf = ({ facts }: Arrival): string | null => facts.kind === 'refused' ? facts.code : null

t.test('an address that stands for a name is that name, at the port that was dialled', async t => {
  const bench = openBench()
  bench.to = { address: bench.names.addressFor('api.example.com')!, port: 5432 }
  bench.transparent.accept(new Socket())
  t.match(bench.entered, [{ caller: { label: 'sandbox', isKnown: false }, authority: { host: 'api.example.com', hostKind: 'name', port: 5432 } }])
})

t.test('any other address is itself', async t => {
  const bench = openBench()
  for (const [address, host, hostKind] of [['192.0.2.7', '192.0.2.7', 'ipv4'], ['2001:db8:0:0:0:0:0:7', '2001:db8::7', 'ipv6']] as const) {
    bench.to = { address, port: 443 }
    bench.transparent.accept(new Socket())
    t.match(bench.entered.at(-1)?.authority, { host, hostKind, port: 443 })
  }
})

t.test('an address of ours that stands for no name goes nowhere', async t => {
  const bench = openBench()
  bench.to = { address: '198.19.0.1', port: 443 }
  const socket = new Socket()
  bench.transparent.accept(socket)
  t.strictSame(bench.arrived.map(codeOf), ['address_forbidden'])
  t.match(bench.arrived[0]?.facts, { unread: { client: 'sandbox', host: '198.19.0.1', port: 443 } })
  t.ok(socket.destroyed)
  t.equal(bench.entered.length, 0)
})

t.test('a connection that was not redirected goes nowhere: it would come back to us for ever', async t => {
  const bench = openBench()
  bench.transparent.accept(new Socket())
  t.strictSame(bench.arrived.map(codeOf), ['address_forbidden'])
  t.equal(bench.entered.length, 0)
})

t.test('a destination that cannot be read is a denial, and no crash', async t => {
  const bench = openBench({ destinationOf: () => { throw new Error('EBADF') } })
  bench.transparent.accept(new Socket())
  t.strictSame(bench.arrived.map(codeOf), ['judgement_failed'])
  t.equal(bench.entered.length, 0)
})

t.test('there is room for so many at once', async t => {
  const bench = openBench()
  bench.to = { address: '192.0.2.7', port: 443 }
  const sockets = [new Socket(), new Socket(), new Socket()]
  for (const socket of sockets) bench.transparent.accept(socket)
  t.strictSame(bench.arrived.map(codeOf), ['proxy_full'])
  t.equal(bench.transparent.count, 2)
  bench.transparent.destroy()
  await new Promise(resolve => setImmediate(resolve))
  t.equal(bench.transparent.count, 0)
})

t.test('an address is its name\'s until the connection to it has closed', async t => {
  const clock = fakeClock()
  const names = createNames({ clock, ttlMs: 1_000, max: 1 })
  const bench = openBench({ names })
  bench.to = { address: names.addressFor('a.example.com')!, port: 443 }
  const socket = new Socket()
  bench.transparent.accept(socket)
  clock.advance(10_000)
  t.equal(names.addressFor('b.example.com'), null)
  socket.destroy()
  await new Promise(resolve => setImmediate(resolve))
  clock.advance(1_000)
  t.ok(names.addressFor('b.example.com'))
})
