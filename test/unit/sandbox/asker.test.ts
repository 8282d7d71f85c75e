/** Which process is at the other end of a connection: found by what the kernel says, told as the process says. */
import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../lib/model/clock.ts'
import { describeAsker } from '../../../lib/model/display.ts'
import { createAskers } from '../../../lib/sandbox/asker.ts'
import type { Line } from '../../../lib/sandbox/asker.ts'
import { socketKeys, socketsIn } from '../../../lib/sandbox/socket-table.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'

const lineOf = (socket: Socket): Line => ({
  network: process.pid,
  local: { address: socket.remoteAddress!, port: socket.remotePort! },
  remote: { address: socket.localAddress!, port: socket.localPort! },
})

async function listen(t: { teardown(call: () => unknown): void }, host: string): Promise<{ readonly port: number, next(): Promise<Socket> }> {
  const server = createServer()
  server.listen(0, host)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, async next() { const [socket] = await once(server, 'connection') as [Socket]; t.teardown(() => socket.destroy()); return socket } }
}

t.test('a connection is written as the kernel writes it', async t => {
  t.strictSame(socketKeys({ local: { address: '127.0.0.1', port: 8080 }, remote: { address: '::ffff:198.18.0.20', port: 443 } }), [
    ' 0100007F:1F90 140012C6:01BB ',
    ' 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF0000140012C6:01BB ',
  ])
  t.strictSame(socketKeys({ local: { address: '::1', port: 1 }, remote: { address: 'fe80::1%eth0', port: 2 } }), [' 00000000000000000000000001000000:0001 000080FE000000000000000001000000:0002 '])
  t.strictSame(socketKeys({ local: { address: 'nowhere', port: 1 }, remote: { address: '::1', port: 2 } }), [])
})

t.test('a table is read by its columns, and what is no line of it is passed over', async t => {
  const names = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
  const row = '   7: 0100007F:1F90 1400A8C6:01BB 01 00000000:00000000 02:00000576 00000000  1000        0 4711 2 0000000000000000 20 4 30 10 -1\n'
  const read = (table: string): unknown => [...socketsIn(table)].map(({ key, inode }) => [key, inode()])
  t.strictSame(read(`${names}${row}${row.trimEnd()}`), [[' 0100007F:1F90 1400A8C6:01BB ', '4711'], [' 0100007F:1F90 1400A8C6:01BB ', '4711']])
  t.strictSame(read(''), [])
  t.strictSame(read(names), [])
  t.strictSame(read(`${names}nonsense\n\n7:\n 8: a b`), [])
})

for (const host of ['127.0.0.1', '::1']) {
  t.test(`the process is found, with what started it: ${host}`, async t => {
    const server = await listen(t, host)
    const script = 'import socket, sys\ns = socket.create_connection((sys.argv[1], int(sys.argv[2])))\ns.recv(1)'
    const shell = spawn('sh', ['-c', 'python3 -c "$@"; :', 'sh', script, host, String(server.port), '\u202eevil\u0007'], { stdio: 'ignore' })
    t.teardown(() => shell.kill('SIGKILL'))
    const asker = await createAskers(fakeClock())(lineOf(await server.next()))
    t.match(asker, { pid: Number, executable: /python3/, commandLine: /python3 -c .*\\u\{202e\}evil\\u\{7\}$/, parents: [{ pid: shell.pid, name: 'sh' }] })
    t.equal(asker?.parents.length, 1, 'up to us')
    t.match(describeAsker(asker), /python3 -c .* \(pid \d+, started by sh\)$/)
  })
}

t.test('who is not there is nobody, and a flood waits for nobody', async t => {
  const ask = createAskers(fakeClock())
  const absent: Line = { network: process.pid, local: { address: '127.0.0.1', port: 1 }, remote: { address: '127.0.0.1', port: 2 } }
  t.equal(await ask(absent), null)
  t.equal(await ask({ ...absent, network: 999_999_999 }), null, 'nor is a network that has ended')
  const began = systemClock.elapsed()
  const server = await listen(t, '127.0.0.1')
  const ours = connect(server.port, '127.0.0.1')
  t.teardown(() => ours.destroy())
  const line = lineOf(await server.next())
  const found = await Promise.all(Array.from({ length: 200 }, () => ask(line)))
  t.ok(found.some(asker => asker?.pid === process.pid), 'a process may ask itself')
  t.ok(systemClock.elapsed() - began < 2_000, 'those that are too many are told so at once')
})

t.test('a process that hides among its files is not waited for', async t => {
  const clock = fakeClock()
  const folder = mkdtempSync(join(tmpdir(), 'sp-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const server = await listen(t, '127.0.0.1')
  const ours = connect(server.port, '127.0.0.1')
  t.teardown(() => ours.destroy())
  const asking = createAskers(clock)(lineOf(await server.next()))
  clock.advance(150)
  t.equal(await asking, null)
})
