/** A sandbox of ours, and somebody in it who does what a case says. One for all cases: what they do goes side by side. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Came, Deed } from './relay.ts'

export interface Inside {
  act(deed: Deed): Promise<Came>
  close(): void
}

/**
 * @param program how we are called
 * @param args of `run`, without the command
 * @returns why there is none, where this machine allows no sandbox
 */
export function openInside([file, ...before]: readonly [string, ...string[]], args: readonly string[], dir: string, env: NodeJS.ProcessEnv): Promise<Inside | { readonly problem: string }> {
  const relay = readFileSync(fileURLToPath(import.meta.url).replace(/inside(\.[jt]s)$/, 'relay$1'), 'utf8')
  const child = spawn(file, [...before, 'run', ...args, '--', process.execPath, '--input-type=module', '-e', relay], { cwd: dir, env, stdio: ['pipe', 'pipe', 'pipe'] })
  const waiting = new Map<number, (came: Came) => void>()
  let said = ''
  let last = 0
  child.stderr.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-2_048) })
  child.stdin.on('error', () => {})
  createInterface({ input: child.stdout }).on('line', line => {
    const { id, ...came } = JSON.parse(line) as Came & { readonly id: number }
    waiting.get(id)?.(came)
    waiting.delete(id)
  })
  let ended: string | null = null
  const act = (deed: Deed): Promise<Came> => new Promise(resolve => {
    if (ended !== null) return resolve({ read: '', problem: ended })
    waiting.set(++last, resolve)
    child.stdin.write(`${JSON.stringify({ id: last, deed })}\n`)
  })
  return new Promise(resolve => {
    const end = (problem: string): void => {
      ended = problem
      for (const call of waiting.values()) call({ read: '', problem })
      waiting.clear()
      resolve({ problem })
    }
    child.once('error', error => end(error.message))
    child.once('close', code => end(`it ended with ${code}: ${said.trim()}`))
    act({ do: 'lookup', name: 'localhost' }).then(() => resolve({ act, close: () => void child.kill('SIGKILL') }), () => {})
  })
}
