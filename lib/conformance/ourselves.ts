/** Ourselves as the proxy under test: the program, started with a policy and addresses for the lanes, and nothing else. */
import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Address } from './attack.ts'
import type { Lane } from './lanes.ts'

export interface Started {
  readonly proxy: Address
  close(): void
}

/**
 * @param program how the program is called, its `serve` behind it
 * @param dir a folder for its files
 * @throws with what it said when it ended before it was ready
 */
export async function startOurselves(program: readonly [string, ...string[]], dir: string, lanes: readonly Lane[], originCa: string): Promise<Started> {
  const policy = join(dir, 'policy.json')
  await mkdir(join(dir, 'run'), { mode: 0o700 })
  await writeFile(policy, JSON.stringify(policyFor(lanes)))
  const [file, ...before] = program
  const names = lanes.flatMap(({ address, allowed, denied, inside }) => [allowed, denied, inside].flatMap(name => [80, 443].flatMap(port => ['--resolve', `${name}:${port}:${address}`])))
  const child = spawn(file, [...before, 'serve', '--policy', policy, '--listen', '127.0.0.1:0', '--json', '--upstream-ca', originCa, '--audit', join(dir, 'audit.jsonl'), ...names], {
    cwd: dir, env: { PATH: '/usr/bin:/bin', HOME: dir, XDG_RUNTIME_DIR: join(dir, 'run'), XDG_STATE_HOME: join(dir, 'state') }, stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let told = ''
  child.stderr.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-4_096) })
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      if (told.includes('\n')) return
      told += chunk.toString()
      if (!told.includes('\n')) return
      const { hostname, port } = new URL((JSON.parse(told.split('\n')[0]!) as { proxy: string }).proxy)
      resolve({ proxy: { host: hostname, port: Number(port) }, close: () => void child.kill('SIGKILL') })
    })
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`it ended with ${code}: ${said}`)))
  })
}

const policyFor = (lanes: readonly Lane[]): unknown => ({
  version: 1,
  unmatched: 'deny',
  rules: lanes.flatMap(({ allowed, inside }) => [
    { id: `lane-${allowed.slice(5, 7)}`, host: allowed, scheme: ['https', 'http'], access: 'full', private: true },
    { id: `inside-${allowed.slice(5, 7)}`, host: inside, scheme: ['https', 'http'], access: 'full' },
  ]),
})
