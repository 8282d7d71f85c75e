/**
 * A network that the firewall shares with what it guards, as in a pod or beside a container, and the world outside of
 * it: two namespaces with a wire between them. The firewall runs in the first as nobody, everything else as root.
 */
import type { Test } from 'tap'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { AuditRecord, PolicyDocument } from '../../lib/index.ts'
import { openUser } from './as-user.ts'
import { originCertificate } from './certificates.ts'
import { run } from './clients.ts'
import type { Ran } from './clients.ts'

export interface Pod {
  /** A program as it stands there: no variable of a proxy, and nothing but those that make it trust the CA. */
  inside(...command: readonly string[]): Promise<Ran>
  python(script: string): Promise<Ran>
  /** The same out in the world. */
  outside(script: string): Promise<Ran>
  /** The operator's program, beside the firewall. */
  sallyport(...args: readonly string[]): Promise<Ran>
  /** What reached the world. */
  readonly seen: Record<string, unknown>[]
  records(): readonly AuditRecord[]
  /** The same, once there are so many like this: a client may be answered before the record of it is written. After ten seconds as they are. */
  recorded(count: number, isMeant: (record: AuditRecord) => boolean): Promise<readonly AuditRecord[]>
  /** Kills the firewall. */
  stop(): Promise<void>
  /** The next question, once there is one. */
  question(): Promise<string>
}

/** Of the pod. */
export const POD = ['10.99.0.9', 'fd99::9']

/** Of the world, as the pod reaches it. Names lead to the first. */
export const WORLD = ['10.99.0.1', '10.99.0.2', 'fd99::1', 'fd99::2'] as const

/** @param serve  more options of `sallyport serve` */
export async function openPod(t: Test, policy: PolicyDocument, serve: readonly string[] = []): Promise<Pod> {
  const user = openUser(t, 'nobody')
  const at = (name: string): string => join(user.home, name)
  const [pod, world] = await Promise.all([openNetwork(t), openNetwork(t)])
  wire(pod, world)

  const certificate = originCertificate()
  copyFileSync(certificate.file, at('origin.crt'))
  writeFileSync(at('origin.key'), certificate.key)
  writeFileSync(at('policy.json'), JSON.stringify(policy))
  chmodSync(at('policy.json'), 0o644)
  const seen: Record<string, unknown>[] = []
  const origins = start(t, nsenter(world), process.execPath, fileURLToPath(new URL('world.mjs', import.meta.url)), at('origin.crt'), at('origin.key'))
  await lines(origins, line => { if (line['up'] !== true) seen.push(line) })

  const program = user.file('dist/bin/sallyport.js')
  const control = at('run/control.sock')
  const names = ['open', 'ask', 'db'].flatMap(name => [443, 80, 5432].flatMap(port => ['--resolve', `${name}.test:${port}:${WORLD[0]}`]))
  const asFirewall = user.command(user.node, program, 'serve', '--listen', '127.0.0.1:0', '--policy', at('policy.json'), '--audit', at('run/audit.jsonl'), '--control', control,
    '--certs', at('run/ca'), '--upstream-ca', at('origin.crt'), '--transparent', '[::]:15001', '--dns', '127.0.0.1:15053', '--dns', '[::1]:15053', '--silence-timeout', '300ms', '--drain', '1s', '--json', ...names, ...serve)
  const firewall = start(t, nsenter(pod), asFirewall.file, ...asFirewall.args)
  await lines(firewall, () => {})
  const init = spawnSync('nsenter', [...nsenter(pod), process.execPath, fileURLToPath(new URL('../../dist/bin/sallyport.js', import.meta.url)), 'redirect', '--uid', String(user.uid), '--apply'], { encoding: 'utf8' })
  if (init.status !== 0) throw new Error(init.stderr)

  const ca = at('run/ca/ca.crt')
  const env = { PATH: '/usr/sbin:/usr/bin:/bin', HOME: '/nonexistent', LC_ALL: 'C.UTF-8', CURL_CA_BUNDLE: ca, SSL_CERT_FILE: ca, NODE_EXTRA_CA_CERTS: ca }
  const sallyport = (...args: readonly string[]): Promise<Ran> => {
    const { file, args: rest } = user.command(user.node, program, ...args, '--control', control)
    return run([file, ...rest], { env: { PATH: '/usr/sbin:/usr/bin:/bin' } })
  }
  const inside = (...command: readonly string[]): Promise<Ran> => run(['nsenter', ...nsenter(pod), ...command], { env })
  const records = (): readonly AuditRecord[] => readFileSync(at('run/audit.jsonl'), 'utf8').trim().split('\n').map(line => JSON.parse(line) as AuditRecord)
  const python = (script: string): readonly string[] => ['python3', '-c', `import socket, time\n${script}`]
  return {
    inside, sallyport, seen,
    python: script => inside(...python(script)),
    outside: script => run(['nsenter', ...nsenter(world), ...python(script)], { env }),
    records,
    async recorded(count, isMeant) {
      for (const until = performance.now() + 10_000; ;) {
        const meant = records().filter(isMeant)
        if (meant.length >= count || performance.now() > until) return meant
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    },
    async stop() {
      firewall.kill('SIGKILL')
      await once(firewall, 'close')
    },
    async question() {
      for (;;) {
        const [first] = (JSON.parse((await sallyport('pending', '--json')).stdout) as { pending: { id: string }[] }).pending
        if (first !== undefined) return first.id
      }
    },
  }
}

interface Network { readonly pid: number }

const nsenter = ({ pid }: Network): readonly string[] => [`--net=/proc/${pid}/ns/net`, '--']

/** It lasts as long as the process that stands in it. */
async function openNetwork(t: Test): Promise<Network> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo up && exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  return { pid: holder.pid! }
}

function wire(pod: Network, world: Network): void {
  const ip = (network: Network, ...args: readonly string[]): void => {
    const { status, stderr } = spawnSync('nsenter', [...nsenter(network), 'ip', ...args], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
  }
  ip(pod, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(world.pid))
  for (const [network, addresses] of [[pod, POD], [world, WORLD]] as const) {
    for (const address of addresses) ip(network, 'addr', 'add', address.includes(':') ? `${address}/64` : `${address}/24`, 'dev', 'eth0', ...address.includes(':') ? ['nodad'] : [])
    ip(network, 'link', 'set', 'eth0', 'up')
  }
  ip(pod, 'route', 'add', 'default', 'via', WORLD[0])
  ip(pod, '-6', 'route', 'add', 'default', 'via', WORLD[2])
}

function start(t: Test, into: readonly string[], ...command: readonly string[]): ChildProcess {
  const child = spawn('nsenter', [...into, ...command], { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: '/usr/sbin:/usr/bin:/bin' } })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** Waits for the first line, or throws when there is none. */
function lines(child: ChildProcess, tell: (line: Record<string, unknown>) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('exit', status => reject(new Error(`it ended with ${status}`)))
    createInterface(child.stdout!).on('line', line => { tell(JSON.parse(line) as Record<string, unknown>); resolve() })
  })
}
