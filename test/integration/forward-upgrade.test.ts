/** WebSockets over http-proxy, with every gap of it closed (docs/decisions/0001-undici-forwards-http-proxy-upgrades.md). */
import t from 'tap'
import type { Test } from 'tap'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Handshake, Outcome } from '../../lib/model/flow.ts'
import type { RawFields } from '../../lib/model/request.ts'
import { certificateFor } from '../helpers/certificates.ts'
import { bench, rawOrigin, requestPermit, saying, until } from '../unit/forward/fixtures.ts'
import type { Bench } from '../unit/forward/fixtures.ts'

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
const FIELDS = 'Host: origin.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a2V5\r\n'

interface Shaken {
  readonly client: Socket
  /** All that the client was sent. */
  readonly text: () => string
  readonly ended: Promise<Outcome>
  readonly control: AbortController
  readonly answers: { status: number, fields: RawFields, body: string, isBroken: boolean }[]
  readonly isCut: () => boolean
  /** The client's connection as we hold it. */
  readonly socket: Socket
}

/** A client whose handshake was read by Node's own server, as ours are. */
async function shake(t: Test, { forwarder }: Bench, port: number, request: Parameters<typeof requestPermit>[1] = {}, fields = FIELDS, behind = '', terms: Parameters<typeof requestPermit>[2] = {}): Promise<Shaken> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close(); client.destroy() })
  const upgraded = new Promise<[IncomingMessage, Socket, Buffer]>(resolve => server.once('upgrade', (...args) => resolve(args as [IncomingMessage, Socket, Buffer])))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  let text = ''
  client.on('data', (chunk: Buffer) => { text += chunk.toString('latin1') })
  client.write(Buffer.from(`GET /ignored HTTP/1.1\r\n${fields}\r\n${behind}`, 'latin1'))
  const [incoming, socket, head] = await upgraded
  const gone = new Set<() => void>()
  socket.on('error', () => {})
  socket.once('close', () => { for (const call of gone) call() })
  const answers: Shaken['answers'] = []
  let isCut = false
  const window: Handshake = {
    kind: 'upgrade', peer: {}, fields: incoming.rawHeaders, request: incoming, socket, head,
    get isGone() { return socket.destroyed },
    onGone(call) { gone.add(call); return () => gone.delete(call) },
    refuse() {},
    cut() { isCut = true; socket.resetAndDestroy() },
    answer(status, given, body) {
      const answer = { status, fields: given, body: '', isBroken: false }
      answers.push(answer)
      body.on('data', (chunk: Buffer) => { answer.body += chunk.toString('latin1') })
      body.on('error', () => { answer.isBroken = true; socket.destroy() })
      body.on('end', () => socket.end())
    },
  }
  const control = new AbortController()
  const permit = requestPermit(port, { scheme: 'ws', fields: incoming.rawHeaders, ...request }, terms)
  const ended = forwarder.upgrade(permit, window, { generation: 1, signal: control.signal })
  return { client, text: () => text, ended, control, answers, isCut: () => isCut, socket }
}

const echoing = (t: Test, greeting = ''): ReturnType<typeof rawOrigin> => rawOrigin(t, {
  answer(socket, said) {
    if (!said.endsWith('\r\n\r\n')) return
    socket.removeAllListeners('data')
    socket.write(Buffer.from(`${SWITCH}Sec-WebSocket-Accept: x\r\n\r\n${greeting}`, 'latin1'))
    socket.pipe(socket)
  },
})

t.test('a channel opens, carries bytes both ways, those that came early too, and closes', async t => {
  const origin = await echoing(t, 'hi ')
  const house = bench(t)
  const { client, text, ended } = await shake(t, house, origin.port, { target: '//x/../y?z' }, FIELDS, 'early ')
  await until(() => text().endsWith('hi early '))
  client.write('later')
  await until(() => text().endsWith('later'))
  t.equal(text(), `HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi early later`)
  t.ok(origin.said[0]!.startsWith(`GET //x/../y?z HTTP/1.1\r\nHost: origin.test:${origin.port}\r\n`), 'the target is what was judged')
  client.end()
  t.match(await ended, { kind: 'done', status: 101, bytesUp: 11, bytesDown: 14, error: null })
  await until(() => house.forwarder.counts.sockets === 0 && origin.sockets.size === 0)
})

t.test('over TLS the name is verified, and the channel opens all the same', async t => {
  const certificate = certificateFor('origin.test', '127.0.0.1')
  const origin = await rawOrigin(t, { certificate, answer: (socket, said) => { if (said.endsWith('\r\n\r\n')) { socket.removeAllListeners('data'); socket.write(`${SWITCH}\r\n`); socket.pipe(socket) } } })
  const house = bench(t, { roots: [certificate.cert] })
  const { client, text, ended } = await shake(t, house, origin.port, { scheme: 'wss' })
  await until(() => text().endsWith('\r\n\r\n'))
  client.write('x')
  await until(() => text().endsWith('\r\n\r\nx'))
  client.end()
  t.match(await ended, { status: 101, bytesUp: 1, bytesDown: 1, error: null })
  await until(() => house.forwarder.counts.sockets === 0)
  const stranger = await shake(t, house, origin.port, { scheme: 'wss', host: 'other.test' })
  t.match(await stranger.ended, { kind: 'refused', code: 'upstream_tls_failed' })
})

t.test('fields go up and come down as they are, without what belongs to a hop', async t => {
  const origin = await saying(t, `${SWITCH}Keep-Alive: timeout=5\r\nSet-Cookie: a=\xe9\r\nset-cookie: b=2\r\nSallyport-Flow: forged\r\nProxy-Authenticate: Basic\r\nX-Hop: 1\r\nConnection: X-Hop\r\n\r\n`)
  const { client, text, ended } = await shake(t, bench(t), origin.port, {}, [
    'Host: ORIGIN.test', 'X-B: 1', 'x-a: 2', 'X-b: 3', 'Connection: Upgrade, X-Hop, Authorization', 'X-Hop: 1', 'Upgrade: websocket', 'Authorization: t', 'Expect: 100-continue', 'TE: trailers', 'Trailer: X',
    'Proxy-Authorization: Basic x', 'Proxy: http://evil', '__proto__: x', 'X-Latin: \xfc', '',
  ].join('\r\n'))
  await until(() => text().endsWith('\r\n\r\n'))
  t.equal(origin.said[0], ['GET / HTTP/1.1', `Host: origin.test:${origin.port}`, 'X-B: 1', 'X-B: 3', 'x-a: 2', 'Authorization: t', '__proto__: x', 'X-Latin: \xfc', 'Connection: Upgrade', 'Upgrade: websocket', '', ''].join('\r\n'))
  t.equal(text(), 'HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: a=\xe9\r\nSet-Cookie: b=2\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  client.destroy()
  t.match(await ended, { kind: 'done', status: 101 })
})

t.test('only a 101 that is a WebSocket\'s opens the channel', async t => {
  // [what it shows, answer, code of the refusal]
  const rows: [string, string, string][] = [
    ['a 101 for another protocol', 'HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n', 'upstream_invalid'],
    ['a 101 for a list', 'HTTP/1.1 101 x\r\nUpgrade: websocket, h2c\r\nConnection: Upgrade\r\n\r\n', 'upstream_invalid'],
    ['a 101 without Upgrade (B-184)', 'HTTP/1.1 101 x\r\n\r\n', 'upstream_invalid'],
    ['status 099', 'HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n', 'upstream_invalid'],
    ['status 600', 'HTTP/1.1 600 x\r\nContent-Length: 0\r\n\r\n', 'upstream_invalid'],
    ['no HTTP', 'SSH-2.0\r\n\r\n', 'upstream_invalid'],
    ['a flood of interim answers', 'HTTP/1.1 103 x\r\n\r\n'.repeat(17), 'upstream_invalid'],
    ['both framings', 'HTTP/1.1 400 x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n', 'upstream_invalid'],
  ]
  for (const [shows, answer, code] of rows) {
    const origin = await saying(t, answer)
    const house = bench(t)
    const { socket, ended, answers } = await shake(t, house, origin.port)
    t.match(await ended, { kind: 'refused', code, address: '127.0.0.1' }, shows)
    t.equal(socket.bytesWritten, 0, `${shows}: nothing was written`)
    t.strictSame(answers, [], shows)
    t.ok(socket.writable, `${shows}: the client can still be told`)
    await until(() => house.forwarder.counts.sockets === 0 && origin.sockets.size === 0)
  }
  for (const how of ['end', 'resetAndDestroy'] as const) {
    const origin = await rawOrigin(t, { answer: socket => { socket[how]() } })
    const house = bench(t)
    const { socket, ended } = await shake(t, house, origin.port)
    t.match(await ended, { kind: 'refused', code: 'upstream_incomplete' }, how)
    t.ok(socket.writable, how)
    await until(() => house.forwarder.counts.sockets === 0)
  }
})

t.test('any other answer is an ordinary response', async t => {
  const house = bench(t)
  const origin = await saying(t, 'HTTP/1.1 426 No\r\nX-A: 1\r\nKeep-Alive: x\r\nConnection: X-Hop\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n')
  const plain = await shake(t, house, origin.port)
  t.match(await plain.ended, { kind: 'done', status: 426, bytesDown: 2, error: null })
  t.strictSame(plain.answers, [{ status: 426, fields: ['X-A', '1'], body: 'no', isBroken: false }])
  t.equal(plain.socket.bytesWritten, 0, 'http-proxy writes nothing by itself')

  const short = await shake(t, house, (await saying(t, 'HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nno', socket => { socket.end() })).port)
  t.match(await short.ended, { kind: 'done', status: 403, error: 'upstream_incomplete' })
  t.match(short.answers, [{ body: 'no', isBroken: true }])

  const announced = await shake(t, house, (await saying(t, 'HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nno')).port, {}, FIELDS, '', { maxResponseBytes: 8 })
  t.match(await announced.ended, { kind: 'refused', code: 'response_too_large' })
  const grown = await shake(t, house, (await saying(t, 'HTTP/1.1 403 No\r\n\r\nno, thank you', socket => { socket.end() })).port, {}, FIELDS, '', { maxResponseBytes: 8 })
  t.match(await grown.ended, { kind: 'done', error: 'response_too_large' })
  t.match(grown.answers, [{ isBroken: true }])
  await until(() => house.forwarder.counts.sockets === 0)
})

t.test('a client that leaves, a permit that is revoked and silence end it at every point', async t => {
  const silent = await rawOrigin(t, { answer() {} })
  const origin = await echoing(t)
  for (const open of [false, true]) {
    for (const how of ['leaves', 'revoked', 'silent'] as const) {
      const house = bench(t, { limits: { streamIdleMs: 60_000 } })
      const { client, text, ended, control, isCut } = await shake(t, house, open ? origin.port : silent.port)
      const before = silent.said.filter(said => said !== '').length
      await until(() => open ? text().endsWith('\r\n\r\n') : before > 0 || silent.said.some(said => said !== ''))
      if (how === 'leaves') client.resetAndDestroy()
      else if (how === 'revoked') control.abort()
      else house.clock.advance(62_000)
      const shows = `${how}, ${open ? 'open' : 'before the answer'}`
      if (how === 'silent' && !open) t.match(await ended, { kind: 'refused', code: 'upstream_timeout' }, shows)
      else t.match(await ended, { kind: 'done', error: { leaves: 'client_left', revoked: 'revoked', silent: 'upstream_timeout' }[how] }, shows)
      if (how === 'revoked' || (how === 'silent' && open)) t.ok(isCut(), shows)
      await until(() => house.forwarder.counts.sockets === 0 && silent.sockets.size === 0 && origin.sockets.size === 0)
      t.equal(house.clock.pending, 0, `${shows}: no timer stays`)
      silent.said.length = 0
    }
  }
})

t.test('a reset of the upstream is seen as a cut, its end as an end', async t => {
  for (const how of ['resetAndDestroy', 'end'] as const) {
    const origin = await echoing(t)
    const house = bench(t)
    const { client, text, ended, isCut } = await shake(t, house, origin.port)
    client.write('x')
    await until(() => text().endsWith('\r\n\r\nx'))
    for (const socket of origin.sockets) socket[how]()
    t.match(await ended, { status: 101, error: how === 'end' ? null : 'upstream_incomplete' }, how)
    t.equal(isCut(), how !== 'end', how)
    await until(() => client.destroyed && house.forwarder.counts.sockets === 0)
  }
})

t.test('a side that does not close after the other did is closed', async t => {
  const origin = await rawOrigin(t, { isHalfOpen: true, answer: (socket, said) => { if (said.endsWith('\r\n\r\n')) socket.write(`${SWITCH}\r\n`) } })
  const house = bench(t)
  const { client, text, ended } = await shake(t, house, origin.port)
  await until(() => text().endsWith('\r\n\r\n'))
  client.end()
  await until(() => [...origin.sockets].every(socket => socket.readableEnded))
  house.clock.advance(1_100)
  t.match(await ended, { status: 101, error: null })
  await until(() => house.forwarder.counts.sockets === 0)
})

t.test('a hundred handshakes one after another leave nothing behind', async t => {
  const origin = await echoing(t)
  const house = bench(t)
  for (let n = 0; n < 100; n++) {
    const { client, text, ended } = await shake(t, house, origin.port)
    await until(() => text().endsWith('\r\n\r\n'))
    client.destroy()
    await ended
  }
  await until(() => house.forwarder.counts.sockets === 0 && origin.sockets.size === 0)
  t.equal(house.clock.pending, 0)
})
