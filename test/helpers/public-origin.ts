/** An origin with an address that counts as public: it lives in a network namespace, at the other end of a cable. Needs root. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { originCertificate } from './certificates.ts'
import type { TestCertificate } from './certificates.ts'
import type { Scheme } from './clients.ts'

interface Teardown { teardown(call: () => unknown): void }

export interface PublicOrigin {
  readonly address: string
  readonly port: number
}

/** Answers "ok", says its port, and ends with whoever started it. */
const PROGRAM = `
const { createServer } = await import(process.env.CERT === undefined ? 'node:http' : 'node:https')
const server = createServer({ cert: process.env.CERT, key: process.env.KEY }, (request, response) => { response.end('ok\\n') })
server.listen(0, process.env.ADDRESS, () => console.log(server.address().port))
process.stdin.on('end', () => process.exit()).resume()
`

export const hasNamespaces = (): boolean => spawnSync('unshare', ['-n', 'true'], { stdio: 'ignore' }).status === 0

export async function startPublicOrigin(t: Teardown, scheme: Scheme, { cert, key }: Pick<TestCertificate, 'cert' | 'key'> = originCertificate()): Promise<PublicOrigin> {
  // The block next to a documentation range: public by its class, and routed to us by nobody. One /30 for each process.
  const base = 4 * (process.pid % 64)
  const [ours, address] = [`198.51.101.${base + 1}`, `198.51.101.${base + 2}`]
  const name = `sp${process.pid}`
  let server: ChildProcess | null = null
  t.teardown(async () => {
    await ended(server)
    for (const undo of [['link', 'del', `${name}a`], ['netns', 'del', name]]) spawnSync('ip', undo, { stdio: 'ignore' })
  })
  for (const step of [
    `netns add ${name}`,
    `link add ${name}a type veth peer name ${name}b netns ${name}`,
    `addr add ${ours}/30 dev ${name}a`,
    `link set ${name}a up`,
    `-n ${name} addr add ${address}/30 dev ${name}b`,
    `-n ${name} link set ${name}b up`,
  ]) execFileSync('ip', step.split(' '))

  server = spawn('ip', ['netns', 'exec', name, process.execPath, '--input-type=module', '-e', PROGRAM], {
    env: { PATH: process.env['PATH'], ADDRESS: address, ...scheme === 'https' ? { CERT: cert, KEY: key } : {} },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  return { address, port: await firstNumber(server) }
}

function firstNumber(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', (line: Buffer) => resolve(Number(line.toString())))
    child.once('exit', status => reject(new Error(`the origin ended with ${status}`)))
    child.once('error', reject)
  })
}

async function ended(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.pid === undefined) return
  const exit = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exit
}
