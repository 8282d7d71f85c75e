/** Kept connections: who may use one again, when they are closed, and what happens when one had died. */
import t from 'tap'
import type { Test } from 'tap'
import type { Outcome } from '../../lib/model/flow.ts'
import { PassThrough } from 'node:stream'
import { bench, fakeExchange, MAY, MAY_NOT, OK, rawOrigin, requestPermit, saying, until } from '../unit/forward/fixtures.ts'
import type { Bench, FakeExchangeOptions } from '../unit/forward/fixtures.ts'

type Request = Parameters<typeof requestPermit>[1]

async function once(t: Test, { forwarder }: Bench, port: number, request: Request = {}, terms: Parameters<typeof requestPermit>[2] = {}, generation = 1, client: FakeExchangeOptions = {}): Promise<Outcome> {
  const window = fakeExchange(client)
  const outcome = await forwarder.exchange(requestPermit(port, request, terms), window, { generation })
  t.equal(window.listeners, 0)
  return outcome
}

/** From here the next turn reads its sockets before undici writes on one that idled. */
const justBeforePoll = (): Promise<void> => new Promise(setImmediate)

t.test('a connection is used again by the same scheme, host, port, scope, generation and client, and by no other', async t => {
  const origin = await saying(t, OK)
  const house = bench(t)
  const wide = { scope: { key: 'wide', private: true, cidrs: [] } }
  await once(t, house, origin.port)
  t.match(house.forwarder.counts, { sockets: 1, idle: 1 })
  await once(t, house, origin.port, { method: 'POST' })
  t.equal(origin.connections, 1)
  // [what differs, request, terms, generation]
  const rows: [string, Request, Parameters<typeof requestPermit>[2], number][] = [
    ['the host', { host: 'other.test' }, {}, 1],
    ['the scope', {}, wide, 1],
    ['the generation', {}, {}, 2],
    ['the client (B-349)', { client: 'another' }, {}, 1],
  ]
  for (const [differs, request, terms, generation] of rows) {
    const before = origin.connections
    await once(t, house, origin.port, request, terms, generation)
    t.equal(origin.connections, before + 1, differs)
  }
  t.equal(house.forwarder.counts.idle, 5)
  t.equal(house.lookups.length, 5, 'a kept connection needs no look-up')
})

t.test('the address of a kept connection is judged again', async t => {
  const origin = await saying(t, OK)
  let verdict = MAY
  const judged: string[] = []
  const house = bench(t, { judge(address) { judged.push(address); return verdict } })
  await once(t, house, origin.port)
  await once(t, house, origin.port)
  t.strictSame(judged, ['127.0.0.1', '127.0.0.1'])
  verdict = MAY_NOT
  t.match(await once(t, house, origin.port), { kind: 'refused', code: 'address_forbidden' })
  await until(() => house.forwarder.counts.sockets === 0)
  t.equal(origin.connections, 1)
})

t.test('a connection with bytes on it that nobody asked for is not used again (B-188)', async t => {
  const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'
  for (const [shows, answer, later] of [['at once', OK + evil, ''], ['later', OK, evil], ['after a 204', 'HTTP/1.1 204 x\r\n\r\nevil', ''], ['after a 304', 'HTTP/1.1 304 x\r\n\r\nevil', '']] as const) {
    const origin = await saying(t, answer)
    const house = bench(t)
    await once(t, house, origin.port)
    if (later !== '') for (const socket of origin.sockets) socket.write(later)
    await until(() => house.forwarder.counts.sockets === 0)
    const window = fakeExchange()
    await house.forwarder.exchange(requestPermit(origin.port), window, { generation: 1 })
    t.notMatch(window.text, /evil/, shows)
    t.equal(origin.connections, 2, shows)
  }
})

t.test('bytes that come just as the connection is borrowed are no answer', async t => {
  const origin = await saying(t, OK)
  const house = bench(t)
  await once(t, house, origin.port)
  await justBeforePoll()
  for (const socket of origin.sockets) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
  const window = fakeExchange()
  t.match(await house.forwarder.exchange(requestPermit(origin.port), window, { generation: 1 }), { kind: 'done', error: null })
  t.equal(window.text, 'ok')
})

t.test('a connection that may not be kept is not', async t => {
  for (const [shows, answer, request] of [
    ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok', {}],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', {}],
    ['after HEAD, where a body may follow that is none', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', { method: 'HEAD' }],
  ] as [string, string, Request][]) {
    const origin = await saying(t, answer)
    const house = bench(t)
    t.match(await once(t, house, origin.port, request), { kind: 'done', error: null }, shows)
    t.equal(house.forwarder.counts.idle, 0, shows)
    await until(() => house.forwarder.counts.sockets === 0)
  }
})

t.test('an idle connection lives for the limit, and the longest idle goes first where there are too many', async t => {
  const origin = await saying(t, OK)
  const house = bench(t, { limits: { connections: 2 } })
  for (const host of ['a.test', 'b.test', 'c.test']) await once(t, house, origin.port, { host })
  await until(() => house.forwarder.counts.sockets === 2)
  await once(t, house, origin.port, { host: 'c.test' })
  await once(t, house, origin.port, { host: 'b.test' })
  t.equal(origin.connections, 3, 'b and c were kept')
  house.clock.advance(29_000)
  t.equal(house.forwarder.counts.idle, 2)
  house.clock.advance(2_000)
  await until(() => house.forwarder.counts.sockets === 0)
  t.equal(house.clock.pending, 0, 'nothing ticks where nothing is kept')
})

t.test('who finds all places taken waits in line, and may leave it', async t => {
  const pending: (() => void)[] = []
  const origin = await rawOrigin(t, { answer: (socket, said) => { if (said.endsWith('\r\n\r\n')) pending.push(() => socket.write(OK)) } })
  const house = bench(t, { limits: { connectionsPerPool: 2 } })
  const windows = [1, 2, 3, 4].map(() => fakeExchange())
  const ran = windows.map(window => house.forwarder.exchange(requestPermit(origin.port), window, { generation: 1 }))
  await until(() => pending.length === 2)
  windows[2]!.leave()
  t.match(await ran[2], { kind: 'done', error: 'client_left' })
  pending.shift()!()
  await until(() => pending.length === 2)
  for (const answer of pending) answer()
  for (const outcome of await Promise.all(ran)) t.match(outcome, { kind: 'done' })
  t.equal(origin.connections, 2)
})

t.test('a place is free again when nothing came of it', async t => {
  const origin = await saying(t, OK)
  let isUp = false
  let isJudgeWell = false
  const house = bench(t, {
    limits: { connectionsPerPool: 1 },
    resolve: async () => { if (isUp) return ['127.0.0.1']; throw new Error() },
    judge() { if (isJudgeWell) return MAY; throw new Error('no judgement') },
  })
  t.match(await once(t, house, origin.port), { code: 'upstream_dns_failed' })
  isUp = true
  await t.rejects(once(t, house, origin.port), 'a judge that fails allows nothing')
  isJudgeWell = true
  for (const method of ['HEAD', 'GET', 'GET']) t.match(await once(t, house, origin.port, { method }), { kind: 'done', status: 200 }, 'also when its connection has closed')
})

t.test('what a kept connection had died under is sent again, once, where that is safe', async t => {
  // [what it shows, request, body, is served in the end]
  const rows: [string, NonNullable<Request>, boolean, boolean][] = [
    ['GET', {}, false, true],
    ['DELETE without a body', { method: 'DELETE' }, false, true],
    ['PUT without a body', { method: 'PUT' }, false, true],
    ['POST', { method: 'POST' }, false, false],
    ['PUT with a body', { method: 'PUT', hasContent: true, contentLength: 5 }, true, false],
  ]
  for (const [shows, request, hasBody, isServed] of rows) {
    // The second request on a connection is answered by its end.
    const origin = await rawOrigin(t, {
      answer(socket, said) {
        if (!/\r\n\r\n(hello)?$/.test(said)) return
        if (said.match(/ HTTP\/1.1\r\n/g)!.length > 1) socket.resetAndDestroy()
        else socket.write(OK)
      },
    })
    const house = bench(t)
    await once(t, house, origin.port)
    const outcome = await once(t, house, origin.port, request, {}, 1, hasBody ? { body: new PassThrough().end('hello') } : {})
    if (isServed) t.match(outcome, { kind: 'done', status: 200, error: null }, shows)
    else t.match(outcome, { kind: 'refused', code: 'upstream_incomplete' }, shows)
    t.equal(origin.connections, isServed ? 2 : 1, shows)
  }
  const dying = await rawOrigin(t, { answer: (socket, said, nth) => { if (nth === 0 && said.match(/HTTP/g)!.length === 1) socket.write(OK); else socket.resetAndDestroy() } })
  const house = bench(t)
  await once(t, house, dying.port)
  t.match(await once(t, house, dying.port), { kind: 'refused', code: 'upstream_incomplete' }, 'a fresh connection that dies is an answer')
  t.equal(dying.connections, 2)
})

t.test('a request that was never written is sent on another connection, whatever it is', async t => {
  const origin = await rawOrigin(t, { answer: (socket, said) => { if (/\r\n\r\n(hello)?$/.test(said)) socket.write(OK) } })
  const house = bench(t)
  await once(t, house, origin.port)
  await justBeforePoll()
  const ran = once(t, house, origin.port, { method: 'POST', hasContent: true, contentLength: 5 }, {}, 1, { body: new PassThrough().end('hello') })
  for (const socket of origin.sockets) socket.destroy()
  t.match(await ran, { kind: 'done', status: 200, bytesUp: 5 })
  t.equal(origin.connections, 2)
})

t.test('close ends what is under way and what idles', async t => {
  const origin = await rawOrigin(t, { answer: (socket, said) => { if (said.endsWith('/idle HTTP/1.1\r\n\r\n') || said.startsWith('GET /idle')) socket.write(OK) } })
  const house = bench(t)
  await once(t, house, origin.port, { target: '/idle' })
  const window = fakeExchange()
  const ran = house.forwarder.exchange(requestPermit(origin.port, { host: 'other.test' }), window, { generation: 1 })
  await until(() => origin.said.filter(said => said !== '').length === 2)
  await house.forwarder.close()
  t.match(await ran, { kind: 'refused', code: 'upstream_incomplete' })
  await until(() => house.forwarder.counts.sockets === 0 && origin.sockets.size === 0)
})
