/**
 * A proxy that we start: a command of the shell, told by its environment where to listen, and ended with all that it
 * started. Where this machine lets us, its `/etc/hosts` is ours: it resolves the names without being configured for it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import type { Clock } from '../model/clock.ts'
import type { Started } from './ourselves.ts'
import type { Setup } from './setup.ts'

/** Some make their keys first. */
const START_MS = 60_000
const POLL_MS = 50
const HOSTS = 'mount --bind "$CONFORMANCE_HOSTS" /etc/hosts && exec sh -c "$0"'

/**
 * @param command finds `CONFORMANCE_PORT`, `CONFORMANCE_CA`, `CONFORMANCE_HOSTS` and `CONFORMANCE_DIR` in its environment
 * @throws with what it said, when it ended or did not listen in time
 */
export async function startCommand(command: string, setup: Setup, clock: Clock): Promise<Started> {
  const port = await freePort()
  const env = { ...process.env, CONFORMANCE_PORT: String(port), CONFORMANCE_CA: setup.originCa, CONFORMANCE_HOSTS: setup.hostsFile, CONFORMANCE_DIR: dirname(setup.hostsFile) }
  const [file, ...before] = wayIn()
  const args = file === 'sh' ? ['-c', command] : [...before, 'sh', '-c', HOSTS, command]
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let said = ''
  let ended: string | null = null
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-4_096) })
  child.once('error', error => { ended = error.message })
  child.once('close', (code, signal) => { ended = `it ended with ${code ?? signal}` })
  const close = (): void => {
    if (child.pid === undefined) return
    try { process.kill(-child.pid, 'SIGKILL') } catch { /* It has ended. */ }
  }
  const deadline = clock.now() + START_MS
  while (!await isOpen(port)) {
    if (ended === null && clock.now() < deadline) await new Promise<void>(resolve => void clock.after(POLL_MS, resolve))
    else {
      close()
      throw new Error(`the command did not listen on 127.0.0.1:${port}: ${ended ?? 'it took too long'}${said === '' ? '' : `: ${said}`}`)
    }
  }
  return { proxy: { host: '127.0.0.1', port }, close }
}

/** How a command gets a file system view of its own; a plain shell where none can be had. */
function wayIn(): readonly [string, ...string[]] {
  const ways = [['unshare', '--mount'], ['unshare', '--map-root-user', '--mount']] as const
  return ways.find(([file, ...args]) => spawnSync(file, [...args, 'true'], { stdio: 'ignore' }).status === 0) ?? ['sh']
}

const freePort = (): Promise<number> => new Promise((resolve, reject) => {
  const server = createServer()
  server.once('error', reject)
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resolve(port))
  })
})

const isOpen = (port: number): Promise<boolean> => new Promise(resolve => {
  const socket = connect(port, '127.0.0.1')
  socket.once('connect', () => { socket.destroy(); resolve(true) })
  socket.once('error', () => resolve(false))
})
