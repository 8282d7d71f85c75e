/** The built program, a policy that knows three hosts, and their origins: for tests of `sallyport run`. */
import type { Test } from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openUser } from './as-user.ts'
import type { USERS, User } from './as-user.ts'
import { originCertificate } from './certificates.ts'
import { startGitServer } from './git-server.ts'
import { startOrigin } from './origin.ts'

export interface Ran { readonly code: number | null, readonly out: string, readonly err: string }

export interface Desk {
  readonly user: User
  readonly web: number
  readonly git: number
  /** Options of `run`, up to the command. */
  readonly options: readonly string[]
  sallyport(...args: readonly string[]): Promise<Ran>
  /** The same, started by a program that makes the machine another one first. */
  sallyportUnder(wrapper: readonly string[], ...args: readonly string[]): Promise<Ran>
  /** The same, with whatever is asked approved by a second process. */
  approving(...args: readonly string[]): Promise<Ran & { readonly approved: number }>
}

/** `open.test` is allowed, `ask.test` asked about, anything else denied. */
export async function openDesk(t: Test, name: typeof USERS[number]): Promise<Desk> {
  const user = openUser(t, name)
  const web = await startOrigin(t, { secure: true })
  const git = await startGitServer(t, 'https')
  const ports = [web.port, git.origin.port]
  const root = join(user.home, 'origin.crt')
  copyFileSync(originCertificate().file, root)
  const policy = join(user.home, 'policy.json')
  writeFileSync(policy, JSON.stringify({ version: 1, name: 'run', unmatched: 'deny', rules: [
    ...ports.map(port => ({ id: `open-${port}`, host: 'open.test', port, private: true })),
    ...ports.map(port => ({ id: `ask-${port}`, action: 'hold', host: 'ask.test', port, private: true })),
  ] }))
  const resolve = ports.flatMap(port => ['open', 'ask', 'shut'].flatMap(host => ['--resolve', `${host}.test:${port}:127.0.0.1`]))
  const sallyportUnder = (wrapper: readonly string[], ...args: readonly string[]): Promise<Ran> => run(user, [user.node, user.file('dist/bin/sallyport.js'), ...args], wrapper)
  const sallyport = (...args: readonly string[]): Promise<Ran> => sallyportUnder([], ...args)
  return {
    user, web: web.port, git: git.origin.port, sallyport, sallyportUnder,
    options: ['run', '--policy', policy, '--upstream-ca', root, '--audit', join(user.home, 'audit.jsonl'), '--ro', join(user.node, '../..'), ...resolve],
    async approving(...args) {
      let isOver = false
      let approved = 0
      const running = sallyport(...args).finally(() => { isOver = true })
      while (!isOver) {
        const listed = await sallyport('pending', '--json')
        if (listed.code !== 0) continue
        for (const { id } of (JSON.parse(listed.out) as { pending: { id: string }[] }).pending) {
          const answered = await sallyport('approve', id, '--by', 'ann')
          if (answered.code === 0) approved++
        }
      }
      return { ...await running, approved }
    },
  }
}

async function run(user: User, command: readonly string[], wrapper: readonly string[]): Promise<Ran> {
  const asUser = user.command(...command)
  const [file = '', ...args] = [...wrapper, asUser.file, ...asUser.args]
  const child = spawn(file, args, { cwd: user.work, stdio: ['ignore', 'pipe', 'pipe'], timeout: 40_000 })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString() })
  const [code] = await once(child, 'close') as [number | null]
  return { code, out, err }
}
