/** The sockets at which names are asked for. */
import t from 'tap'
import type { Test } from 'tap'
import packet from 'dns-packet'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { serveNames } from '../../../lib/sandbox/resolver.ts'
import type { RefusedQuestion, ResolverOptions } from '../../../lib/sandbox/resolver.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'

const ask = (name: string, type = 'A'): Buffer => packet.encode({ type: 'query', id: 7, questions: [{ name, type: type as 'A' }] })

async function openResolver(t: Test, options: Partial<ResolverOptions> = {}) {
  const clock = fakeClock()
  const refused: RefusedQuestion[] = []
  const datagrams = createSocket('udp4')
  datagrams.bind(0, '127.0.0.1')
  const streams = createServer()
  streams.listen(0, '127.0.0.1')
  await Promise.all([once(datagrams, 'listening'), once(streams, 'listening')])
  const resolver = serveNames({
    datagrams: [datagrams], streams: [streams], clock, limits: { askMs: 5_000, asking: 2, toldPerMinute: 3 },
    zone: { look: () => 'exists', hasIpv6: false, addressFor: () => '198.18.0.20', nameOf: () => null }, refused: question => refused.push(question), ...options,
  })
  t.teardown(() => resolver.close())
  const client = createSocket('udp4')
  t.teardown(() => client.close())
  const { port } = streams.address() as AddressInfo
  return {
    clock, refused,
    async udp(message: Uint8Array) {
      client.send(message, datagrams.address().port, '127.0.0.1')
      return packet.decode((await once(client, 'message') as [Buffer])[0])
    },
    tcp(): Socket {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      t.teardown(() => socket.destroy())
      return socket
    },
  }
}

const framed = (message: Uint8Array): Buffer => Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message])

t.test('a datagram is answered where it came from', async t => {
  const { udp } = await openResolver(t)
  t.match(await udp(ask('open.test')), { id: 7, answers: [{ data: '198.18.0.20' }] })
})

t.test('a stream is answered message by message, however it is cut', async t => {
  const { tcp } = await openResolver(t)
  const socket = tcp()
  const both = Buffer.concat([framed(ask('a.test')), framed(ask('b.test'))])
  for (const byte of both) socket.write(Buffer.from([byte]))
  let got = Buffer.alloc(0)
  for await (const chunk of socket) {
    got = Buffer.concat([got, chunk as Buffer])
    const length = got.readUInt16BE(0)
    if (got.length < 2 * (length + 2)) continue
    t.match(packet.decode(got.subarray(2, 2 + length)), { questions: [{ name: 'a.test' }], answers: [{ data: '198.18.0.20' }] })
    t.match(packet.decode(got.subarray(4 + length)), { questions: [{ name: 'b.test' }] })
    break
  }
})

t.test('a stream that says too much, too little or no question is closed', async t => {
  const { tcp, clock } = await openResolver(t)
  const long = tcp()
  long.write(Buffer.from([0xff, 0xff]))
  await once(long, 'close')
  const response = tcp()
  response.write(framed(packet.encode({ type: 'response', id: 1 })))
  await once(response, 'close')
  const silent = tcp()
  await once(silent, 'connect')
  // Accepted by now: what it wrote is answered.
  silent.write(framed(ask('a.test')))
  await once(silent, 'data')
  clock.advance(5_000)
  await once(silent.resume(), 'close')
  t.pass('each was closed')
})

t.test('of streams there are so many at once', async t => {
  const { tcp } = await openResolver(t)
  const open = [tcp(), tcp()]
  for (const socket of open) {
    socket.write(framed(ask('a.test')))
    await once(socket, 'data')
  }
  const third = tcp()
  await once(third.resume(), 'close')
  t.ok(open.every(socket => !socket.destroyed))
})

t.test('what is refused is told, at a bounded rate, and what was not told is counted', async t => {
  const { udp, refused, clock } = await openResolver(t)
  for (let i = 0; i < 10; i++) await udp(ask(`n${i}.evil.test`, 'TXT'))
  t.match(refused, [0, 1, 2].map(i => ({ name: `n${i}.evil.test`, type: 'TXT', reason: /only addresses/, untold: 0 })))
  t.equal(refused.length, 3)
  clock.advance(60_000)
  await udp(ask('later.evil.test', 'MX'))
  t.match(refused.at(-1), { name: 'later.evil.test', untold: 7 })
  t.equal(refused.length, 4)
})
