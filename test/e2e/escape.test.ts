/** Ways out of a sandbox, each tried from inside, as root and as an ordinary user: none leads out. */
import t from 'tap'
import type { Test } from 'tap'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { USERS, openUser } from '../helpers/as-user.ts'
import type { User } from '../helpers/as-user.ts'

const ESCAPES = fileURLToPath(new URL('../helpers/escapes.py', import.meta.url))
/** What a way out may say. `OPEN` is not among them. */
const CLOSED = /^(?:E[A-Z0-9]+|failed.*|timeout|another one answered|none is seen|none is there to signal|it is our own|none was left open|not found|it answers nobody)$/s

for (const name of USERS) {
  t.test(`as ${name}, no way leads out`, { timeout: 60_000 }, async t => {
    const user = openUser(t, name)
    const host = await openHost(t, user)
    const { out, err, code } = await tryAll(user, host)
    t.equal(code, 0, err)
    const results = JSON.parse(out) as Record<string, string>
    t.ok(Object.keys(results).length > 80, `${Object.keys(results).length} ways were tried`)
    for (const [way, result] of Object.entries(results)) t.match(result, CLOSED, way)
    t.strictSame(host.reached, [], 'nothing of the host heard anything')
  })
}

interface Host {
  readonly outside: Record<string, unknown>
  /** What somebody inside has reached. */
  readonly reached: string[]
}

/** What the sandbox must not reach: listeners of every kind, a secret, a key. */
async function openHost(t: Test, user: User): Promise<Host> {
  const reached: string[] = []
  const at = (name: string): string => join(user.home, name)
  const listen = async (what: string, where: string | null): Promise<number> => {
    const server = createServer(socket => { reached.push(what); socket.on('error', () => {}); socket.end('host\n') })
    server.listen(where ?? 0)
    await once(server, 'listening')
    t.teardown(() => server.close())
    if (where?.startsWith('/')) chmodSync(where, 0o777)
    return where === null ? (server.address() as AddressInfo).port : 0
  }
  const udp = createSocket('udp4', (message, from) => { reached.push(`udp ${message.length}`); udp.send('host', from.port, from.address) })
  udp.bind(0)
  await once(udp, 'listening')
  t.teardown(() => udp.close())
  const abstract = `sallyport-test-${process.pid}-${user.name}`
  const tcp = await listen('tcp', null)
  await listen('unix', at('host.sock'))
  await listen('control', at('work/control.sock'))
  await listen('runtime', at('run/agent.sock'))
  await listen('abstract', `\0${abstract}`)
  writeFileSync(at('secret'), 'secret')
  return {
    reached,
    outside: {
      addresses: ['127.0.0.1', ...Object.values(networkInterfaces()).flat().flatMap(found => found?.family === 'IPv4' && !found.internal ? [found.address] : [])],
      tcp, udp: udp.address().port, pid: process.pid, abstract,
      unix: at('host.sock'), control: at('work/control.sock'), runtime: at('run/agent.sock'), secret: at('secret'), key: at('state/sallyport/ca/ca.key'),
    },
  }
}

async function tryAll(user: User, { outside }: Host): Promise<{ code: number | null, out: string, err: string }> {
  copyFileSync(ESCAPES, join(user.work, 'escapes.py'))
  const options = { command: ['/usr/bin/python3', 'escapes.py', JSON.stringify(outside)], certs: join(user.home, 'state/sallyport/ca') }
  const { file, args } = user.command(user.node, user.file('test/helpers/gated.mjs'), JSON.stringify(options))
  const child = spawn(file, args, { cwd: user.work, env: user.env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString() })
  const [code] = await once(child, 'close') as [number | null]
  return { code, out, err }
}
