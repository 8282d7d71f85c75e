/** What the kernel says of a connection that nobody redirected; those that were are test/integration/transparent.test.ts's. */
import t from 'tap'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { openDestinations } from '../../../lib/sandbox/original-destination.ts'

for (const host of ['127.0.0.1', '::1', '::']) {
  t.test(`on ${host} it has no other destination than where it arrived`, async t => {
    const server = createServer()
    server.listen(0, host)
    await once(server, 'listening')
    t.teardown(() => server.close())
    const client = connect((server.address() as AddressInfo).port, host === '::' ? '127.0.0.1' : host)
    client.on('error', () => {})
    t.teardown(() => client.destroy())
    const [socket] = await once(server, 'connection') as [Socket]
    t.equal(openDestinations()(socket), null)
    socket.destroy()
    t.equal(openDestinations()(socket), null, 'nor when it is closed')
  })
}
