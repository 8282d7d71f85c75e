/** Ourselves as the proxy under test: the program with all of its doors open, and a sandbox of its own, told of the lanes and nothing else. */
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../model/clock.ts'
import type { Address } from './attack.ts'
import type { Case } from './cases.ts'
import { createChecker } from './checker.ts'
import { openHook } from './hook.ts'
import { openInside } from './inside.ts'
import type { Lane } from './lanes.ts'
import { namesIn, policyFor } from './policy.ts'
import { createReloader } from './reload.ts'
import type { Resolver } from './resolver.ts'
import type { Doors } from './steps/step.ts'

export interface Started {
  readonly proxy: Address
  close(): Promise<void> | void
}

export interface Ourselves extends Started {
  readonly doors: Doors
  /** Path of the log. */
  readonly audit: string
}

export interface StartOptions {
  /** How the program is called. */
  readonly program: readonly [string, ...string[]]
  /** A folder for its files. */
  readonly dir: string
  readonly lanes: readonly Lane[]
  readonly cases: readonly Case[]
  /** PEM file. */
  readonly originCa: string
  /** Where it asks for names that it was not told; null: there is none. */
  readonly resolver: Resolver | null
  readonly clock: Clock
}

/** How long it waits for an answer: longer than an approver takes who answers at once, shorter than a case's patience. */
const HOLD = '5s'

/** @throws with what it said when it ended before it was ready */
export async function startOurselves({ program, dir, lanes, cases, originCa, resolver, clock }: StartOptions): Promise<Ourselves> {
  // The command in the sandbox works beside its policy and its log: it sees both, and may change neither.
  const work = join(dir, 'work')
  const policy = join(work, 'policy.json')
  const audit = join(dir, 'audit.jsonl')
  const auditInside = join(work, 'audit.jsonl')
  const secret = join(dir, 'secret')
  await mkdir(join(dir, 'run'), { mode: 0o700 })
  await mkdir(work)
  const document = policyFor(lanes)
  const text = JSON.stringify(document)
  await writeFile(policy, text)
  await writeFile(secret, randomBytes(32).toString('hex'), { mode: 0o600 })
  const hook = await openHook(clock)
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: join(dir, 'home'), XDG_RUNTIME_DIR: join(dir, 'run'), XDG_STATE_HOME: join(dir, 'state') }
  const common = ['--policy', policy, '--upstream-ca', originCa, ...namesIn(lanes, cases).flatMap(given => ['--resolve', given])]
  const [file, ...before] = program
  const asking = resolver === null ? null : wayToAsk(resolver, dir)
  const [outer, ...args] = [...asking ?? [], file, ...before, 'serve', ...common, '--json', '--audit', audit, '--hold', HOLD,
    '--listen', '127.0.0.1:0', '--transparent', '127.0.0.1:0', '--dns', '127.0.0.1:0', '--console', '127.0.0.1:0', '--webhook', hook.url, '--webhook-secret-file', secret,
  ]
  const child = spawn(outer!, args, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const readiness = readinessOf(child)
  // It may fail while the sandbox is still being opened.
  readiness.catch(() => {})
  const wantsInside = cases.some(one => one.via === 'steps' && one.steps.some(({ kind }) => kind === 'inside'))
  const inside = wantsInside ? await openInside(program, [...common, '--audit', auditInside, '--control', join(dir, 'run', 'inside.sock'), '--certs', join(dir, 'inside-ca'), '--hold', HOLD], work, env) : { problem: 'no case asks for one' }
  const close = async (): Promise<void> => {
    child.kill('SIGKILL')
    if ('act' in inside) inside.close()
    await hook.close()
  }
  try {
    const ready = await readiness
    const proxy = addressIn(ready.proxy)
    const [dns] = ready.dns
    if (dns === undefined) throw new Error('it opened no door for names')
    return { proxy, close, audit, doors: { policy: document, reloader: createReloader({ file: policy, text, control: ready.control, announce: () => void child.kill('SIGHUP'), clock }), resolver: asking === null ? null : resolver, dns, transparent: ready.transparent, console: addressIn(ready.console), control: ready.control, files: { policy, auditInside }, hook, inside, check: createChecker(program, dir, cases) } }
  } catch (error) {
    await close()
    throw error
  }
}

/** The system's resolver is ours, for the program alone: words before its own. Null where this machine allows nobody that. */
function wayToAsk({ address }: Resolver, dir: string): readonly string[] | null {
  const file = join(dir, 'resolv.conf')
  writeFileSync(file, `nameserver ${address}\noptions timeout:2 attempts:1\n`)
  const ways = [['--mount'], ['--map-root-user', '--mount']].map(flags => ['unshare', ...flags, 'sh', '-c', `mount --bind '${file}' /etc/resolv.conf && exec "$@"`, 'sh'])
  return ways.find(([unshare, ...words]) => spawnSync(unshare!, [...words, 'true'], { stdio: 'ignore' }).status === 0) ?? null
}

interface Ready {
  readonly proxy: string
  readonly console: string
  readonly control: string
  readonly transparent: Address
  readonly dns: readonly Address[]
}

function readinessOf(child: ReturnType<typeof spawn>): Promise<Ready> {
  let said = ''
  let told = ''
  child.stderr?.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-4_096) })
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (told.includes('\n')) return
      told += chunk.toString()
      if (told.includes('\n')) resolve(JSON.parse(told.split('\n')[0]!) as Ready)
    })
    child.once('error', reject)
    child.once('close', code => reject(new Error(`it ended with ${code}: ${said}`)))
  })
}

function addressIn(url: string): Address {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}
