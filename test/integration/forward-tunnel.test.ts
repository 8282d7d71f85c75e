/** Relayed streams: every byte, each half-close and each failure reaches the other side, and nothing stays behind. */
import t from 'tap'
import type { Test } from 'tap'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Outcome, Stream } from '../../lib/model/flow.ts'
import { bench, rawOrigin, streamPermit, until } from '../unit/forward/fixtures.ts'
import type { Bench, RawOrigin } from '../unit/forward/fixtures.ts'

interface Relayed {
  /** The client's own end. */
  readonly client: Socket
  readonly ended: Promise<Outcome>
  readonly control: AbortController
}

/** A client connected to a listener of ours, whose connection is relayed. */
async function relayed(t: Test, { forwarder }: Bench, port: number, head = ''): Promise<Relayed> {
  const server = createServer({ allowHalfOpen: true })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => {})
  t.teardown(() => client.destroy())
  const socket = await accepted
  const gone = new Set<() => void>()
  socket.on('error', () => {})
  socket.once('close', () => { for (const call of gone) call() })
  const window: Stream = {
    kind: 'stream', peer: {}, socket, head: Buffer.from(head),
    get isGone() { return socket.destroyed },
    onGone(call) { gone.add(call); return () => gone.delete(call) },
    refuse() {},
    cut() { socket.resetAndDestroy() },
  }
  const control = new AbortController()
  const ended = forwarder.tunnel(streamPermit(port), window, { signal: control.signal })
  return { client, ended, control }
}

function textOf(socket: Socket): () => string {
  let text = ''
  socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1') })
  return () => text
}

const echo = (t: Test): Promise<RawOrigin> => rawOrigin(t, { isHalfOpen: true, greet: socket => { socket.pipe(socket) } })

t.test('bytes go both ways, those read before first, and a half-close goes on as one', async t => {
  const origin = await echo(t)
  const house = bench(t)
  const { client, ended } = await relayed(t, house, origin.port, 'first ')
  const text = textOf(client)
  client.write('second ')
  await until(() => text() === 'first second ')
  client.end('last')
  await until(() => text().endsWith('last'))
  t.match(await ended, { kind: 'done', address: '127.0.0.1', status: null, bytesUp: 17, bytesDown: 17, error: null })
  t.equal(house.clock.pending, 0, 'no timer stays')
  await until(() => house.forwarder.counts.sockets === 0 && origin.sockets.size === 0 && client.readableEnded)
})

t.test('an upstream that ends first still gets what the client has to say', async t => {
  const origin = await rawOrigin(t, { isHalfOpen: true, answer() {}, greet: socket => { socket.end('bye') } })
  const house = bench(t)
  const { client, ended } = await relayed(t, house, origin.port)
  const text = textOf(client)
  await until(() => client.readableEnded)
  t.equal(text(), 'bye')
  client.end('after')
  t.match(await ended, { error: null, bytesUp: 5, bytesDown: 3 })
  await until(() => origin.said[0] === 'after')
  await until(() => house.forwarder.counts.sockets === 0)
})

t.test('a reset of one side is a reset of the other', async t => {
  const origin = await echo(t)
  const house = bench(t)
  const up = await relayed(t, house, origin.port)
  const text = textOf(up.client)
  const failed = new Promise<NodeJS.ErrnoException>(resolve => up.client.once('error', resolve))
  up.client.write('x')
  await until(() => text() === 'x')
  for (const socket of origin.sockets) socket.resetAndDestroy()
  t.match(await up.ended, { error: 'upstream_incomplete' })
  t.equal((await failed).code, 'ECONNRESET')

  let upstreamError = ''
  const down = await relayed(t, house, origin.port)
  const seen = textOf(down.client)
  down.client.write('x')
  await until(() => seen() === 'x')
  for (const socket of origin.sockets) socket.on('error', (error: NodeJS.ErrnoException) => { upstreamError = error.code ?? '' })
  down.client.resetAndDestroy()
  t.match(await down.ended, { error: 'client_left' })
  await until(() => origin.sockets.size === 0)
  t.equal(upstreamError, 'ECONNRESET')
  t.equal(house.forwarder.counts.sockets, 0)
})

t.test('a reader that is slow stops the writer', async t => {
  let sent = 0
  const chunk = Buffer.alloc(64 * 1024)
  const origin = await rawOrigin(t, {
    greet(socket) {
      const fill = (): void => { while (!socket.destroyed && socket.write(chunk)) sent += chunk.length }
      socket.on('drain', fill)
      fill()
    },
  })
  const house = bench(t)
  const { client, control, ended } = await relayed(t, house, origin.port)
  let before = -1
  for (let turn = 0; turn < 200 || before !== sent; turn++) {
    before = sent
    for (let i = 0; i < 50; i++) await new Promise(setImmediate)
  }
  t.ok(sent < 32 * 1024 * 1024, `${sent} bytes were taken off the origin`)
  client.resume()
  await until(() => sent > 64 * 1024 * 1024)
  control.abort()
  t.match(await ended, { error: 'revoked' })
  client.destroy()
  await until(() => house.forwarder.counts.sockets === 0 && origin.sockets.size === 0)
})

t.test('a revoked permit cuts both sides, before, while and after we dial', async t => {
  const origin = await echo(t)
  const house = bench(t)
  const { client, control, ended } = await relayed(t, house, origin.port)
  const text = textOf(client)
  client.write('x')
  await until(() => text() === 'x')
  control.abort()
  t.match(await ended, { kind: 'done', error: 'revoked' })
  await until(() => client.destroyed && origin.sockets.size === 0 && house.forwarder.counts.sockets === 0)
  const slow = bench(t, { resolve: () => new Promise(() => {}) })
  const dialling = await relayed(t, slow, origin.port)
  dialling.control.abort()
  t.match(await dialling.ended, { kind: 'done', error: 'revoked', address: null })
  await until(() => dialling.client.destroyed)
})

t.test('silence of a whole limit ends a stream, a byte either way does not', async t => {
  const origin = await echo(t)
  const house = bench(t, { limits: { streamIdleMs: 60_000 } })
  const { client, ended } = await relayed(t, house, origin.port)
  const text = textOf(client)
  for (const byte of 'abc') {
    client.write(byte)
    await until(() => text().endsWith(byte))
    house.clock.advance(59_000)
  }
  t.notOk(client.destroyed)
  house.clock.advance(3_000)
  t.match(await ended, { error: 'upstream_timeout' })
  t.equal(house.clock.pending, 0)
})

t.test('what cannot be dialled is refused, and a client that left is left', async t => {
  const house = bench(t, { resolve: async () => { throw new Error() } })
  const { ended } = await relayed(t, house, 1)
  t.match(await ended, { kind: 'refused', code: 'upstream_dns_failed' })
  const slow = bench(t, { resolve: () => new Promise(() => {}) })
  const leaving = await relayed(t, slow, 1)
  leaving.client.resetAndDestroy()
  t.match(await leaving.ended, { kind: 'done', error: 'client_left' })
})

t.test('closing the house cuts what flows', async t => {
  const origin = await echo(t)
  const house = bench(t)
  const { client, ended } = await relayed(t, house, origin.port)
  const text = textOf(client)
  client.write('x')
  await until(() => text() === 'x')
  await house.forwarder.close()
  t.match(await ended, { error: 'upstream_incomplete' })
  await until(() => client.destroyed && origin.sockets.size === 0)
})
