/** The unix socket of a sandbox that has a proxy and no other way out, and the program that leads there. */
import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openBridge } from '../../../lib/sandbox/bridged.ts'

/** In a network of its own, as ever: no port of it is another's. */
const ALONE = ['--user', '--map-root-user', '--net', 'sh', '-ec', 'ip link set lo up; exec "$@"', 'sh']
const PORT = '15080'
const PROGRAM = fileURLToPath(new URL('../../../lib/sandbox/bridge.mjs', import.meta.url))

t.test('the socket lies where nobody else may enter, and nothing is left of it', async t => {
  const bridge = await openBridge(socket => socket.end('gate'))
  t.equal(statSync(dirname(bridge.path)).mode & 0o777, 0o700)
  const client = connect(bridge.path)
  t.equal(String((await once(client, 'data') as [Buffer])[0]), 'gate')
  await Promise.all([bridge.close(), bridge.close()])
  t.notOk(existsSync(dirname(bridge.path)))
})

t.test('a connection that is open does not keep it from closing', async t => {
  const bridge = await openBridge(() => {})
  const client = connect(bridge.path)
  await once(client, 'connect')
  const closed = once(client.resume(), 'close')
  await bridge.close()
  await closed
  t.pass('both have ended')
})

t.test('the program carries bytes both ways, half-closes included, and ends as the command does', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-test-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const gate = createServer({ allowHalfOpen: true }, socket => {
    let heard = ''
    socket.on('data', chunk => { heard += String(chunk) })
    socket.once('end', () => socket.end(`heard ${heard}`))
  }).listen(join(dir, 'gate.sock'))
  t.teardown(() => gate.close())
  await once(gate, 'listening')
  const client = `const s = require('node:net').connect({ port: ${PORT}, host: '127.0.0.1', allowHalfOpen: true }); s.end('hello'); s.on('data', d => process.stdout.write(String(d))); s.once('end', () => process.exit(7))`
  const run = (...command: readonly string[]): Promise<{ code: number | null, out: string }> => {
    const child = spawn('unshare', [...ALONE, process.execPath, PROGRAM, join(dir, 'gate.sock'), PORT, 'alone', ...command], { stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => { out += String(chunk) })
    return once(child, 'close').then(([code]) => ({ code: code as number | null, out }))
  }
  t.strictSame(await run(process.execPath, '-e', client), { code: 7, out: 'heard hello' })
  t.match(await run('sh', '-c', 'kill -TERM $$'), { code: 143 }, 'a signal that ended it')
  t.match(await run('sh', '-c', 'kill -TERM $PPID; exec sleep 60'), { code: 143 }, 'a signal that is passed on')
  t.match(await run('no-such-program'), { code: 127 })
})
