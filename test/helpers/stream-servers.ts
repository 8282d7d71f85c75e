/** Servers of protocols that we do not read, from Debian's packages: sshd, PostgreSQL (with TLS of its own), Redis. */
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { originCertificate } from './certificates.ts'

interface Teardown { teardown(call: () => unknown): void }

/** PostgreSQL refuses to run as root: here it is, and does not know. */
const NO_ROOT = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--']

/** @returns the port. Whoever holds the private key `key` is let in as ourselves, and told "hello from sshd" */
export async function startSshd(t: Teardown, key: string): Promise<number> {
  const dir = folder(t)
  for (const file of [key, join(dir, 'host')]) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
  const port = await freePort()
  writeFileSync(join(dir, 'config'), [`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${join(dir, 'host')}`, `AuthorizedKeysFile ${key}.pub`, 'StrictModes no', 'UsePAM no', 'PermitRootLogin yes', 'PidFile none', 'ForceCommand echo hello from sshd', ''].join('\n'))
  // Its folder below /run is made by whatever starts services.
  return started(t, port, ['unshare', '--mount', '--propagation', 'private', ...process.getuid?.() === 0 ? [] : ['--map-root-user'], 'sh', '-ec', 'mount -t tmpfs none /run; mkdir /run/sshd; exec /usr/sbin/sshd -D -e -f "$1"', 'sh', join(dir, 'config')])
}

/** @returns the port. Any user is let in; it offers TLS after the first words, with a certificate of its own */
export async function startPostgres(t: Teardown): Promise<number> {
  const [version = ''] = readdirSync('/usr/lib/postgresql')
  const bin = join('/usr/lib/postgresql', version, 'bin')
  const dir = folder(t)
  const data = join(dir, 'data')
  mkdirSync(data, { mode: 0o700 })
  run([join(bin, 'initdb'), '-A', 'trust', '-U', 'postgres', '--no-sync', '-D', data])
  const certificate = originCertificate()
  for (const [name, pem] of [['server.crt', certificate.cert], ['server.key', certificate.key]] as const) writeFileSync(join(data, name), pem, { mode: 0o600 })
  const port = await freePort()
  return started(t, port, [...NO_ROOT, join(bin, 'postgres'), '-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-F', '-c', 'ssl=on'])
}

/** @returns the port */
export async function startRedis(t: Teardown): Promise<number> {
  const port = await freePort()
  return started(t, port, ['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder(t), '--daemonize', 'no'])
}

function folder(t: Teardown): string {
  const dir = mkdtempSync(join(tmpdir(), 'sp-'))
  chmodSync(dir, 0o755)
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

const run = (command: readonly string[]): void => {
  const [file = '', ...args] = [...NO_ROOT, ...command]
  execFileSync(file, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Once somebody answers. */
async function started(t: Teardown, port: number, [file = '', ...args]: readonly string[]): Promise<number> {
  const child: ChildProcess = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: '/usr/sbin:/usr/bin:/bin', LC_ALL: 'C' } })
  let says = ''
  child.stderr!.on('data', (chunk: Buffer) => { says += chunk.toString() })
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    // Of PostgreSQL an immediate end; the others know no difference.
    child.kill('SIGQUIT')
    child.kill('SIGTERM')
    await once(child, 'close')
  })
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${file} ended with ${child.exitCode}: ${says}`)
    const socket = connect(port, '127.0.0.1')
    const isUp = await new Promise<boolean>(resolve => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
    socket.destroy()
    if (isUp) return port
  }
}
