/** The doors of a network that we share. */
import t from 'tap'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { openDoors } from '../../../lib/sandbox/doors.ts'

const LOCAL = { host: '127.0.0.1', port: 0 }

t.test('each is where it was asked for, and says which port it took', async t => {
  const { server, dns, dnsTcp, at } = await openDoors({ transparent: LOCAL, dns: [LOCAL, { host: '::1', port: 0 }] })
  t.teardown(() => { for (const each of [server, ...dns, ...dnsTcp]) each.close() })
  t.match(at.transparent, { host: '127.0.0.1', port: Number })
  t.strictSame(at.dns.map(({ host }) => host), ['127.0.0.1', '::1'])
  t.strictSame(dns.map(socket => socket.address().port), at.dns.map(({ port }) => port), 'datagrams and streams at one port')
})

t.test('where one cannot be opened none stays open', async t => {
  const taken = createSocket('udp4')
  taken.bind(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address()
  await t.rejects(openDoors({ transparent: LOCAL, dns: [{ host: '127.0.0.1', port }] }), { code: 'E_LISTEN_FAILED', message: new RegExp(`127\\.0\\.0\\.1:${port} \\(EADDRINUSE\\)`) })
  const again = createServer()
  again.listen(port, '127.0.0.1')
  await once(again, 'listening')
  again.close()
  t.pass('its stream is free again')
})
