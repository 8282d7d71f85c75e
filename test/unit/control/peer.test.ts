import t from 'tap'
import { createServer, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { inspectPeer } from '../../../lib/control/peer.ts'

const uid = process.getuid?.() ?? 0

t.test('a client of ours in our namespace is found by its real socket', async t => {
  for (const host of ['127.0.0.1', '::1', '::']) {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, host, resolve))
    const { port } = server.address() as AddressInfo
    const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
    const client = connect(port, host === '::' ? '127.0.0.1' : host)
    const socket = await accepted
    t.equal(await inspectPeer(socket, uid), 'own', `on ${host}`)
    if (uid !== 0) t.equal(await inspectPeer(socket, uid + 1), 'other-user', `another user is not us, on ${host}`)
    client.destroy()
    socket.destroy()
    server.close()
  }
})

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1
   1: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 2 1
   2: 0100007F:C002 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 3 1
`
const cases: [string, number, string][] = [
  ['the owner is read from the row of the client, not of the server', 0xc001, 'own'],
  ['root can reach every door', 0xc002, 'own'],
  ['no row: it is not in our namespace', 0xc003, 'elsewhere'],
]
for (const [shows, remotePort, kind] of cases) {
  t.test(shows, async t => {
    const read = async (file: string): Promise<string> => file === '/proc/net/tcp' ? TABLE : ''
    t.equal(await inspectPeer({ remoteAddress: '127.0.0.1', remotePort }, 1001, read), kind)
    t.equal(await inspectPeer({ remoteAddress: '::ffff:127.0.0.1', remotePort }, 1001, read), kind, 'as a dual-stack listener shows it')
  })
}

t.test('a socket without an address is nobody we can place', async t => {
  t.equal(await inspectPeer({}, 0), 'elsewhere')
})

t.test('a table that cannot be read is an error, not an answer', async t => {
  await t.rejects(inspectPeer({ remoteAddress: '127.0.0.1', remotePort: 1 }, 0, async () => { throw new Error('EACCES') }))
})
