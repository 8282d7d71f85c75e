/** A connection that is broken off is closed, whatever it was doing. */
import t from 'tap'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { reset } from '../../../lib/model/reset.ts'

async function pair(): Promise<{ near: Socket, far: Socket, problems: string[] }> {
  const server = createServer({ allowHalfOpen: true })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [[far]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(near, 'connect')])
  server.close()
  const problems: string[] = []
  far.on('error', (error: NodeJS.ErrnoException) => { problems.push(error.code ?? '') })
  near.on('error', error => { t.fail(error) })
  return { near, far, problems }
}

/** Not `events.once`, which takes an error for the end. */
const closed = (socket: Socket): Promise<void> => new Promise(resolve => { socket.once('close', () => resolve()) })

t.test('one that is open is reset', async t => {
  const { near, far, problems } = await pair()
  reset(near)
  await Promise.all([closed(near), closed(far.resume())])
  t.strictSame(problems, ['ECONNRESET'])
})

t.test('one whose end is on its way is closed too', async t => {
  const { near, far } = await pair()
  near.end()
  await new Promise<void>(resolve => process.nextTick(resolve))
  t.ok(near.writableEnded && !near.writableFinished)
  reset(near)
  await closed(near)
  far.destroy()
  t.pass('it said so')
})

t.test('one whose carried connection is ending is closed, and one that has ended is reset', async t => {
  const first = await pair()
  const over = closed(first.near)
  reset(first.near, { destroyed: false, writableEnded: true, writableFinished: false, destroy() {} })
  await over
  first.far.destroy()

  const second = await pair()
  second.near.end()
  await once(second.near, 'finish')
  reset(second.near)
  await closed(second.near)
  second.far.destroy()
  t.pass('both said so')
})

t.test('what knows no reset is destroyed, and what is destroyed is left alone', t => {
  const calls: string[] = []
  const stream = { destroyed: false, writableEnded: false, writableFinished: false, destroy() { calls.push('destroy') } }
  reset(stream)
  reset({ ...stream, destroyed: true })
  t.strictSame(calls, ['destroy'])
  t.end()
})
