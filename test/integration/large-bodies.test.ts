/** A GiB each way streams through without being held: the process (origin and test harness included) stays under 150 MB. */
import t from 'tap'
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openWire } from '../helpers/wire.ts'
import { connect } from 'node:net'

const GIB = 1024 ** 3
const MAX_RSS = 150_000_000

t.test('1 GiB down and 1 GiB up', { timeout: 100_000 }, async t => {
  const child = fork(fileURLToPath(new URL('../helpers/streamer.ts', import.meta.url)), [String(GIB)])
  t.teardown(() => child.kill('SIGKILL'))
  const message = <T>(): Promise<T> => new Promise(resolve => child.once('message', resolve as (value: unknown) => void))
  const { port, originPort } = await message<{ port: number, originPort: number }>()
  const target = `http://open.test:${originPort}/ HTTP/1.1\r\nHost: open.test:${originPort}\r\nConnection: close\r\n`

  const down = connect(port, '127.0.0.1')
  down.write(`GET ${target}\r\n`)
  let bytes = 0
  down.on('data', chunk => { bytes += chunk.length })
  await new Promise(resolve => down.once('close', resolve))
  t.ok(bytes > GIB && bytes < GIB + 1_000, `${bytes} bytes came down`)

  const up = await openWire(port)
  up.write(`POST ${target}Content-Length: ${GIB}\r\n\r\n`)
  const chunk = Buffer.alloc(256 * 1024, 'x')
  for (let left = GIB; left > 0; left -= chunk.length) {
    if (!up.socket.write(chunk)) await new Promise(resolve => up.socket.once('drain', resolve))
  }
  t.match(await up.ended(), new RegExp(`${GIB}`), 'all of it went up')

  child.send('how much')
  const { peak } = await message<{ peak: number }>()
  t.ok(peak < MAX_RSS, `${Math.round(peak / 1e6)} MB at most`)
})
