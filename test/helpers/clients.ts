/** Real clients, started as an agent would start them: a clean environment, and what the firewall's `env()` says. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientFiles } from '../../lib/tls/environment.ts'
import type { Answer, Firewall, Held, PolicyDocument } from '../../lib/index.ts'
import type { House } from './house.ts'

interface Teardown { teardown(call: () => unknown): void }

export type Env = Readonly<Record<string, string>>

export const SCHEMES = ['http', 'https'] as const
export type Scheme = (typeof SCHEMES)[number]

/** One host for each action; all of them are the origin that listens on the port. */
export const threeDoors = (port: number): PolicyDocument => ({
  version: 1,
  unmatched: 'deny',
  rules: [
    { id: 'open', host: 'open.test', scheme: ['http', 'https'], port, private: true },
    { id: 'shut', action: 'deny', host: 'shut.test' },
    { id: 'ask', action: 'hold', host: 'ask.test', private: true },
  ],
})

export interface Ran {
  /** Exit status; null when it had to be ended. */
  readonly status: number | null
  readonly stdout: string
  /** Both streams, for messages that a client writes where it likes. */
  readonly output: string
}

/** A client that hangs is a failure of its test, not of the whole run. */
const MAX_RUN_MS = 40_000

/** @throws for a command that cannot be started */
export function run(command: readonly string[], { env, cwd }: { readonly env: Env, readonly cwd?: string }): Promise<Ran> {
  const [file = '', ...args] = command
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: MAX_RUN_MS })
    let stdout = ''
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); output += chunk.toString() })
    child.stderr.on('data', (chunk: Buffer) => { output += chunk.toString() })
    child.once('error', reject)
    child.once('close', status => resolve({ status, stdout, output }))
  })
}

/** The same for a step that must succeed. @throws with what the command said */
export async function runWell(command: readonly string[], options: { readonly env: Env, readonly cwd?: string }): Promise<Ran> {
  const ran = await run(command, options)
  if (ran.status !== 0) throw new Error(`${command.join(' ')} ended with ${ran.status}: ${ran.output}`)
  return ran
}

/** An empty folder for the time of a test. */
export function openFolder(t: Teardown): string {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-client-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Nothing of this shell but PATH: a variable of a developer's machine may name roots or a proxy of its own. */
export const bareEnvironment = (home: string): Env => ({ PATH: process.env['PATH'] ?? '', HOME: home, LC_ALL: 'C.UTF-8' })

/** A home in which clients use the firewall and trust its CA, by variables and the files that these name. */
export function clientEnvironment(firewall: Firewall, home: string): Env {
  const env: Record<string, string> = { ...bareEnvironment(home), ...firewall.env() }
  for (const file of clientFiles({ proxyUrl: firewall.status().listeners[0] ?? null, caPath: firewall.ca.path, bundlePath: firewall.ca.bundle })) {
    const path = join(home, file.name)
    writeFileSync(path, file.text)
    env[file.variable] = path
  }
  return env
}

/**
 * Options of a test that needs a program: a named skip where it is missing; in CI none, so that the test fails.
 *
 * @param probe a command that succeeds where the program can be used
 */
export function needing(name: string, [file = '', ...args]: readonly string[]): { readonly skip?: string } {
  const isThere = spawnSync(file, args, { stdio: 'ignore' }).status === 0
  return isThere || process.env['CI'] !== undefined ? {} : { skip: `${name} is not installed` }
}

/** The same for a cargo that has sparse registries (1.68); also in CI where there is none, because Debian's is older. */
export function wantingCargo(): { readonly skip?: string } {
  const { status, stdout } = spawnSync('cargo', ['--version'], { encoding: 'utf8' })
  const [, minor = '0'] = /^cargo 1\.(\d+)\./.exec(stdout ?? '') ?? []
  return status === 0 && Number(minor) >= 68 ? {} : { skip: 'cargo is not installed, or too old' }
}

const ONCE: Answer = { verdict: 'approve', grant: 'once' }

/**
 * Approves, once, every question that comes up until the client has ended.
 *
 * @param onAsked called before each answer
 * @returns how the client ended, and what was asked, as `GET /path`, in order
 */
export async function approveOnce(house: House, running: Promise<Ran>, onAsked: (held: Held) => void = () => {}): Promise<{ readonly ran: Ran, readonly asked: readonly string[] }> {
  const asked: string[] = []
  for (;;) {
    const questions = await Promise.race([house.questions(1), running.then(() => [])])
    if (questions.length === 0) return { ran: await running, asked }
    for (const held of questions) {
      asked.push(`${held.method} ${held.target}`)
      onAsked(held)
      const result = await house.firewall.answer(held.id, ONCE)
      if (result.kind !== 'accepted') throw new Error(`the answer was not taken: ${JSON.stringify(result)}`)
    }
  }
}
