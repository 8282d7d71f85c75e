/** Each limit of lib/limits.ts does what its row says. Time is a fake clock wherever one can be handed in. */
import t from 'tap'
import type { Test } from 'tap'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { fakeClock } from '../helpers/fake-clock.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import { openSecureTunnel, openTunnel, openWire } from '../helpers/wire.ts'
import type { PolicyDocument } from '../../lib/index.ts'
import { limitsWith } from '../../lib/limits.ts'

const policy = (port: number): PolicyDocument => ({ version: 1, rules: [
  { id: 'open', host: 'open.test', port, private: true, access: 'full', scheme: ['http', 'https'] },
  { id: 'ask', action: 'hold', host: ['ask.test', 'a.test', 'b.test'], private: true },
] })
const line = (port: number, host = 'open.test', path = '/'): string => `GET http://${host}:${port}${path} HTTP/1.1\r\nHost: ${host}:${port}\r\n`
const turns = async (count: number): Promise<void> => { for (let n = 0; n < count; n++) await new Promise(setImmediate) }
/** Connected to each other: what the client holds, and what the firewall is given. */
async function pairOfSockets(t: Test): Promise<readonly [Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const ours = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const theirs = await new Promise<Socket>(resolve => server.once('connection', resolve))
  t.teardown(() => { ours.destroy(); server.close() })
  return [ours.on('error', () => {}), theirs]
}
/** Lets real sockets deliver before fake time moves. */
const until = async (isSo: () => boolean): Promise<void> => { while (!isSo()) await new Promise(setImmediate) }

t.test('limits are whole numbers of at least 1, and no hold is endless', async t => {
  for (const bad of [0, -1, 1.5, Infinity, NaN, 2 ** 31]) t.throws(() => limitsWith({ holdMs: bad }), RangeError, String(bad))
  t.equal(limitsWith({}).holdMs, 240_000)
})

t.test('head, target and fields: 431 and 414, at the limit and one over', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port))
  const send = async (bytes: string): Promise<string> => {
    const wire = await openWire(house.port)
    wire.write(bytes)
    return (await wire.ended()).slice(9, 12)
  }
  const head = (fields: string): string => `${line(origin.port)}Connection: close\r\n${fields}\r\n`
  const pad = 16_384 - head('X: \r\n').length
  t.equal(await send(head(`X: ${'a'.repeat(pad)}\r\n`)), '200', 'a head of 16 KiB')
  t.equal(await send(head(`X: ${'a'.repeat(pad + 1)}\r\n`)), '431', 'a byte more')
  const target = (length: number): string => `${line(origin.port, 'open.test', `/${'a'.repeat(length - `http://open.test:${origin.port}/`.length)}`)}Connection: close\r\n\r\n`
  t.equal(await send(target(8_192)), '200', 'a target of 8 KiB')
  t.equal(await send(target(8_193)), '414', 'a byte more')
  t.equal(await send(head('A: b\r\n'.repeat(198))), '200', '200 fields')
  t.equal(await send(head('A: b\r\n'.repeat(199))), '431', 'a field more')
})

t.test('a client that sends request upon request is not read while too many of them are not answered, and each is served in the end', async t => {
  const clock = fakeClock()
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port), { clock, limits: { pipelined: 20 } })
  const [ours, theirs] = await pairOfSockets(t)
  house.firewall.handle(theirs)
  let text = ''
  ours.on('data', chunk => { text += String(chunk) })
  ours.write(`POST http://ask.test:${origin.port}/ HTTP/1.1\r\nHost: ask.test:${origin.port}\r\nContent-Length: 0\r\n\r\n`)
  const [question] = await house.questions(1)
  const many = 8_000
  const flood = `${line(origin.port)}\r\n`.repeat(many)
  ours.write(flood)
  await until(() => theirs.isPaused())
  await turns(200)
  t.ok(theirs.bytesRead < flood.length / 3, `${theirs.bytesRead} bytes of ${flood.length} were read`)
  // A head of which a part was read is late by our doing, and not by the client's.
  clock.advance(20_000)
  await house.firewall.answer(question!.id, { verdict: 'approve', grant: 'once' })
  await until(() => origin.requests.length === 1 + many)
  t.equal(origin.requests[0]!.method, 'POST')
  await until(() => text.split('HTTP/1.1 200').length === 2 + many)
})

t.test('behind a request that ends its connection nothing is made of what comes, and those before it are answered', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port))
  const wire = await openWire(house.port)
  wire.write(`${line(origin.port, 'ask.test')}\r\n`)
  const [question] = await house.questions(1)
  wire.write(`GET http://open.test:${origin.port}/../ HTTP/1.1\r\nHost: open.test:${origin.port}\r\n\r\n`)
  await house.closings(1)
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < 100; n++) {
    wire.write(`${line(origin.port)}\r\n`.repeat(1_000))
    await until(() => wire.socket.writableLength === 0)
  }
  t.ok(process.memoryUsage().heapUsed - before < 60_000_000, 'nothing is kept of 100,000 requests')
  await house.firewall.answer(question!.id, { verdict: 'approve', grant: 'once' })
  const text = await wire.ended()
  t.strictSame([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status).filter(status => status !== '102' && status !== '100'), ['200', '400'])
  t.equal(house.closed.length, 2)
})

t.test('however often a connection offers another protocol, nothing of it adds up', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port))
  const [ours, theirs] = await pairOfSockets(t)
  house.firewall.handle(theirs)
  let text = ''
  ours.on('data', chunk => { text += String(chunk) })
  const offer = async (n: number): Promise<Record<string, number>> => {
    ours.write(`${line(origin.port)}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`)
    await until(() => text.split('HTTP/1.1 200').length === n + 1)
    await turns(2)
    return Object.fromEntries(theirs.eventNames().map(name => [String(name), theirs.listenerCount(name)]))
  }
  const once = await offer(1)
  const writes = theirs._writev
  for (let n = 2; n < 30; n++) await offer(n)
  t.strictSame(await offer(30), once, 'as many listeners as after the first')
  t.equal(theirs._writev, writes, 'and one way of writing')
})

t.test('a head that does not arrive in 10 s is 408; slow bytes do not help it', async t => {
  const clock = fakeClock()
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port), { clock })
  const wire = await openWire(house.port)
  wire.write('GET http://open.test/ HT')
  await until(() => house.firewall.status().counts.connections === 1)
  await turns(20)
  clock.advance(9_000)
  wire.write('TP/1.1\r\n')
  await turns(20)
  t.equal(wire.text, '')
  clock.advance(1_000)
  await wire.until('header_timeout')
  t.match(wire.text, /^HTTP\/1\.1 408/)
  clock.advance(5_000)
  await wire.ended()
})

t.test('a TLS handshake that does not end in 10 s ends the connection', async t => {
  const clock = fakeClock()
  const house = await openHouse(t, policy(1), { clock })
  const { socket } = await openTunnel(house.port, 'open.test:443')
  socket.write(Buffer.from('1603010200', 'hex'))
  await turns(20)
  clock.advance(10_000)
  await new Promise(resolve => socket.once('close', resolve))
  t.match((await house.closings(1))[0]?.reason, /stopped halfway/)
})

t.test('a silent tunnel counts as an opaque stream after 10 s', async t => {
  const clock = fakeClock()
  const house = await openHouse(t, policy(1), { clock })
  const wire = await openTunnel(house.port, 'ask.test:25')
  await turns(20)
  clock.advance(10_000)
  const [question] = await house.questions(1)
  t.match(question, { scheme: 'tcp', host: 'ask.test', port: 25 })
  wire.close()
})

t.test('more connections than may be open are told 503', async t => {
  const house = await openHouse(t, policy(1), { limits: { connections: 2 } })
  const open = [await openWire(house.port), await openWire(house.port)]
  await until(() => house.firewall.status().counts.connections === 2)
  const third = await openWire(house.port)
  t.match(await third.ended(), /^HTTP\/1\.1 503 [^]*connection_limit_reached[^]*proxy_full/)
  for (const wire of open) wire.close()
})

t.test('waiters, questions about one host, and waiters of one client are bounded', async t => {
  const origin = await startOrigin(t)
  const ask = async (house: House, host: string, path: string, fields = ''): Promise<string> => {
    const wire = await openWire(house.port)
    t.teardown(() => wire.close())
    wire.write(`${line(origin.port, host, path)}Connection: close\r\n${fields}\r\n`)
    const before = house.firewall.status().counts.waiting
    await until(() => wire.text !== '' || house.firewall.status().counts.waiting > before)
    return wire.text === '' ? 'waits' : await wire.ended()
  }
  const full = /^HTTP\/1\.1 503 [^]*approval_queue_full/
  const waiters = await openHouse(t, policy(origin.port), { limits: { waiters: 2 } })
  t.equal(await ask(waiters, 'a.test', '/1'), 'waits')
  t.equal(await ask(waiters, 'b.test', '/2'), 'waits')
  t.match(await ask(waiters, 'ask.test', '/3'), full)

  const questions = await openHouse(t, policy(origin.port), { limits: { questionsPerHost: 1 } })
  t.equal(await ask(questions, 'a.test', '/1'), 'waits')
  t.match(await ask(questions, 'a.test', '/2'), full)
  t.equal(await ask(questions, 'a.test', '/1'), 'waits', 'a twin joins')
  t.equal(await ask(questions, 'b.test', '/2'), 'waits', 'another host')

  const token = (name: string): string => `Proxy-Authorization: Basic ${Buffer.from(`${name}:${name.repeat(16)}`).toString('base64')}\r\n`
  const clients = await openHouse(t, policy(origin.port), { limits: { waitersPerClient: 1 }, clientTokens: ['x', 'y'].map(name => ({ name, token: name.repeat(16) })) })
  t.equal(await ask(clients, 'a.test', '/1', token('x')), 'waits')
  t.match(await ask(clients, 'a.test', '/2', token('x')), full)
  t.equal(await ask(clients, 'a.test', '/3', token('y')), 'waits', 'another client')
  t.equal(clients.firewall.pending()[0]?.client, 'x')
})

t.test('an upstream that accepts and says nothing in TLS is given up after 10 s', async t => {
  // Of today, because the client looks at the age of our leaf.
  const clock = fakeClock(Date.now())
  const sockets = new Set<Socket>()
  const mute = createServer(socket => { sockets.add(socket); socket.on('error', () => {}) })
  await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { for (const socket of sockets) socket.destroy(); mute.close() })
  const { port } = mute.address() as AddressInfo
  const house = await openHouse(t, policy(port), { clock })
  const wire = await openSecureTunnel(house.port, `open.test:${port}`, { ca: house.ca })
  wire.write(`GET / HTTP/1.1\r\nHost: open.test:${port}\r\n\r\n`)
  await until(() => sockets.size === 1)
  await turns(20)
  clock.advance(10_000)
  await wire.until('upstream_timeout')
  t.match(wire.text, /^HTTP\/1\.1 504 [^]*connection_timeout/)
  wire.close()
})

t.test('a client connection is closed after 60 s between requests, and not while one is under way', async t => {
  const clock = fakeClock(Date.now())
  const origin = await startOrigin(t, { secure: true })
  const house = await openHouse(t, policy(origin.port), { clock })
  const secure = await openSecureTunnel(house.port, `open.test:${origin.port}`, { ca: house.ca })
  secure.write(`GET / HTTP/1.1\r\nHost: open.test:${origin.port}\r\n\r\n`)
  await secure.until('ok\n')
  const silent = await openWire(house.port)
  const held = await openWire(house.port)
  held.write('GET http://ask.test/ HTTP/1.1\r\nHost: ask.test\r\n\r\n')
  await house.questions(1)
  clock.advance(58_000)
  await turns(5)
  t.notOk(secure.socket.readableEnded || silent.socket.readableEnded, 'not yet')
  clock.advance(4_000)
  await Promise.all([secure.ended(), silent.ended()])
  clock.advance(100_000)
  await turns(5)
  t.notOk(held.socket.readableEnded, 'the question may take longer')
  held.close()
})

t.test('an exchange in which no byte moves either way is broken off after an hour', async t => {
  const clock = fakeClock()
  const origin = await startOrigin(t, { handle(_request, response) { response.writeHead(200); response.write('begin') } })
  const house = await openHouse(t, policy(origin.port), { clock })
  const wire = await openWire(house.port)
  wire.write(`GET http://open.test:${origin.port}/ HTTP/1.1\r\nHost: open.test:${origin.port}\r\n\r\n`)
  await wire.until('begin')
  clock.advance(3_590_000)
  await turns(5)
  t.notOk(wire.socket.readableEnded, 'not before')
  clock.advance(20_000)
  await wire.ended()
  t.equal((await house.closings(1)).length, 1)
})

t.test('an unused connection to an upstream is closed after 30 s', async t => {
  const clock = fakeClock()
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port), { clock })
  const wire = await openWire(house.port)
  wire.write(`${line(origin.port)}\r\n`)
  await wire.until('ok\n')
  t.equal(origin.sockets.size, 1)
  clock.advance(28_000)
  await turns(20)
  t.equal(origin.sockets.size, 1, 'kept for 28 s')
  clock.advance(4_000)
  await until(() => origin.sockets.size === 0)
  wire.close()
})

t.test('look-ups run eight at a time', async t => {
  let underway = 0
  let most = 0
  const done: (() => void)[] = []
  const house = await openHouse(t, { version: 1, rules: [{ id: 'all', host: '**.test', anyHost: true, scheme: 'http', port: 80 }] }, {
    lookup: () => {
      most = Math.max(most, ++underway)
      return new Promise(resolve => done.push(() => { underway--; resolve([]) }))
    },
  })
  const wires = await Promise.all(Array.from({ length: 20 }, async (_, n) => {
    const wire = await openWire(house.port)
    wire.write(`GET http://n${n}.test/ HTTP/1.1\r\nHost: n${n}.test\r\nConnection: close\r\n\r\n`)
    return wire
  }))
  await until(() => done.length === 8)
  await turns(50)
  t.equal(done.length, 8)
  let next: (() => void) | undefined
  while (wires.some(wire => wire.text === '')) {
    next = done.shift()
    next?.()
    await turns(1)
  }
  t.equal(most, 8)
})

t.test('a waiting client is kept alive in the way that its kind can take', async t => {
  const origin = await startOrigin(t)
  for (const [agent, expected] of [['python-requests/2.28', /100 Continue/], ['node', /102 Processing/], ['curl/7.88', null], ['Go-http-client/1.1', null]] as const) {
    const clock = fakeClock()
    const house = await openHouse(t, policy(origin.port), { clock })
    const wire = await openWire(house.port)
    wire.write(`${line(origin.port, 'ask.test')}User-Agent: ${agent}\r\nConnection: close\r\n\r\n`)
    const [question] = await house.questions(1)
    for (let n = 0; n < 3; n++) { clock.advance(3_000); await turns(5) }
    await house.firewall.answer(question!.id, { verdict: 'approve', grant: 'once' })
    const text = await wire.ended()
    t.match(text, /HTTP\/1\.1 200/, agent)
    if (expected === null) t.match(text, /^HTTP\/1\.1 200/, `${agent}: nothing before the answer`)
    else t.equal(text.match(new RegExp(expected, 'g'))?.length, 3, `${agent}: every 3 s`)
  }
})
