/** The built program as an operator starts it: `serve` in a home of its own. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bareEnvironment } from './clients.ts'
import type { Env } from './clients.ts'
import type { PolicyDocument } from '../../lib/index.ts'

interface Teardown { teardown(call: () => unknown): void }

export const PROGRAM = fileURLToPath(new URL('../../dist/bin/sallyport.js', import.meta.url))

export interface Serving {
  /** URL of the proxy. */
  readonly proxy: string
  /** Its CA, PEM. */
  readonly ca: string
}

/**
 * @param more variables of its environment
 * @throws with what it said when it ended before it was ready
 */
export function serve(t: Teardown, home: string, policy: PolicyDocument, args: readonly string[], more: Env = {}): Promise<Serving> {
  mkdirSync(join(home, 'run'), { mode: 0o700 })
  writeFileSync(join(home, 'policy.json'), JSON.stringify(policy))
  const env: Env = { ...bareEnvironment(home), XDG_RUNTIME_DIR: join(home, 'run'), XDG_STATE_HOME: join(home, 'state'), ...more }
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--policy', 'policy.json', '--listen', '127.0.0.1:0', '--json', ...args], { cwd: home, env })
  t.teardown(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString() })
  return new Promise((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(JSON.parse(chunk.toString().split('\n')[0]!) as Serving))
    child.once('exit', status => reject(new Error(`it ended with ${status}: ${said}`)))
  })
}
