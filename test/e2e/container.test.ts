/**
 * A container on an internal network, as the README puts it behind the proxy: a network namespace with one cable to the
 * host and no other way. What is bound there is bound by the kernel, and not by the client's good will.
 */
import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { originCertificate } from '../helpers/certificates.ts'
import { bareEnvironment, openFolder, run, runWell } from '../helpers/clients.ts'
import type { Env, Ran } from '../helpers/clients.ts'
import { startOrigin } from '../helpers/origin.ts'
import { hasNamespaces } from '../helpers/public-origin.ts'
import { PROGRAM, serve } from '../helpers/serve.ts'

const options = hasNamespaces() || process.env['CI'] !== undefined ? {} : { skip: 'a network namespace needs root' }

t.test('a container with the proxy as its only neighbour', { ...options, timeout: 90_000 }, async t => {
  const container = openContainer(t)
  const origin = await startOrigin(t, { secure: true })
  const home = openFolder(t)
  await serve(t, home, { version: 1, rules: [{ id: 'ask', action: 'hold', host: 'ask.test', private: true }] }, [
    '--listen', `${container.host}:0`, '--allow-from', container.network, '--upstream-ca', originCertificate().file, '--resolve', `ask.test:${origin.port}:127.0.0.1`,
  ])
  const operator: Env = { ...bareEnvironment(home), XDG_RUNTIME_DIR: join(home, 'run'), XDG_STATE_HOME: join(home, 'state') }
  const sallyport = async (...args: string[]): Promise<string> => (await runWell([process.execPath, PROGRAM, ...args], { env: operator })).stdout
  const variables = (await sallyport('env')).trim().split('\n')
  const url = `https://ask.test:${origin.port}/x`
  const curl = (...args: string[]): Promise<Ran> => run(['ip', 'netns', 'exec', container.name, 'env', '-i', `PATH=${process.env['PATH']}`, ...variables, 'curl', '-sS', '--max-time', '30', ...args], { env: bareEnvironment(home) })

  t.test('its request waits, and goes on when somebody on the host approves', async t => {
    const waiting = curl(url)
    let pending: { id: string, client: string }[] = []
    while (pending.length === 0) ({ pending } = JSON.parse(await sallyport('pending', '--json')) as { pending: { id: string, client: string }[] })
    t.equal(pending[0]?.client, container.address, 'the question says who asks')
    t.equal(origin.connections, 0)
    await sallyport('approve', pending[0]!.id)
    t.match(await waiting, { status: 0, stdout: 'ok\n' })
  })

  t.test('past the proxy there is nothing: no address, no name, no service of the host\'s loopback', async t => {
    const [couldNotResolve, couldNotConnect] = [6, 7]
    t.match(await curl('--noproxy', '*', 'https://198.51.100.1/'), { status: couldNotConnect })
    t.match(await curl('--noproxy', '*', url), { status: couldNotResolve })
    t.match(await curl('--noproxy', '*', '-k', `https://127.0.0.1:${origin.port}/`), { status: couldNotConnect })
    t.equal(origin.requests.length, 1, 'the one that was approved')
  })

  t.test('its variables name two files, both public', async t => {
    const files = new Set(variables.map(line => line.slice(line.indexOf('=') + 1)).filter(value => value.startsWith('/') && existsSync(value)).map(file => basename(file)))
    t.strictSame([...files].sort(), ['ca-bundle.crt', 'ca.crt'])
  })
})

interface Container {
  /** Of its network namespace. */
  readonly name: string
  /** Of the host, on the cable. */
  readonly host: string
  readonly address: string
  /** CIDR of the two. */
  readonly network: string
}

/** One /30 for each process; it has no route but to its neighbour. */
function openContainer(t: { teardown(call: () => unknown): void }): Container {
  const base = 4 * (process.pid % 64)
  const [host, address] = [`172.30.255.${base + 1}`, `172.30.255.${base + 2}`]
  const name = `spc${process.pid}`
  t.teardown(() => { for (const undo of [['link', 'del', `${name}a`], ['netns', 'del', name]]) spawnSync('ip', undo, { stdio: 'ignore' }) })
  for (const step of [
    `netns add ${name}`,
    `link add ${name}a type veth peer name ${name}b netns ${name}`,
    `addr add ${host}/30 dev ${name}a`,
    `link set ${name}a up`,
    `-n ${name} link set lo up`,
    `-n ${name} addr add ${address}/30 dev ${name}b`,
    `-n ${name} link set ${name}b up`,
  ]) execFileSync('ip', step.split(' '))
  return { name, host, address, network: `172.30.255.${base}/30` }
}
