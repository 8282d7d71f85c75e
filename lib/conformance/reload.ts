/** The policy of our own program, changed while it runs: written to its file, announced, and waited for until it is in force or was refused. */
import { rename, unlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import type { Clock } from '../model/clock.ts'

export interface Reloader {
  /** @param text of the file; null: there is none any more */
  reload(text: string | null): Promise<'in force' | 'kept'>
  /** Resolves once a request to this host waits for an answer. */
  held(host: string): Promise<void>
  /** The policy that was there at first. */
  restore(): Promise<void>
}

export interface ReloaderOptions {
  /** Path of the policy, as it was at the start. */
  readonly file: string
  readonly text: string
  /** Path of the operator's socket. */
  readonly control: string
  /** Tells the program. */
  readonly announce: () => void
  readonly clock: Clock
}

interface PolicyNow { readonly hash: string, readonly generation: number, readonly problem: string | null }

const PATIENCE_MS = 10_000
const POLL_MS = 20

export function createReloader({ file, text, control, announce, clock }: ReloaderOptions): Reloader {
  let current: string | null = text

  async function reload(next: string | null): Promise<'in force' | 'kept'> {
    const before = await policyNow()
    // The file is watched, too: another generation of the same policy says nothing.
    const isSame = next === current
    current = next
    if (next === null) await unlink(file)
    else {
      await writeFile(`${file}.next`, next)
      await rename(`${file}.next`, file)
    }
    announce()
    return until(async () => {
      const { hash, generation, problem } = await policyNow()
      if (problem !== null) return problem === before.problem ? null : 'kept'
      return hash !== before.hash || before.problem !== null || (isSame && generation !== before.generation) ? 'in force' : null
    })
  }

  const policyNow = async (): Promise<PolicyNow> => (await ask(control, '/v1/status') as { readonly policy: PolicyNow }).policy

  /** @throws when it does not come to be so */
  async function until<T>(look: () => Promise<T | null>): Promise<T> {
    for (const deadline = clock.now() + PATIENCE_MS; clock.now() < deadline;) {
      const seen = await look()
      if (seen !== null) return seen
      await new Promise<void>(resolve => void clock.after(POLL_MS, resolve))
    }
    throw new Error('the program did not take notice')
  }

  return {
    reload,
    held: async host => void await until(async () => JSON.stringify(await ask(control, '/v1/pending')).includes(`"${host}"`) ? true : null),
    async restore() {
      if (current !== text) await reload(text)
    },
  }
}

const ask = (socketPath: string, path: string): Promise<unknown> => new Promise((resolve, reject) => {
  request({ socketPath, path, headers: { Host: 'sallyport' } }, response => {
    let text = ''
    response.on('data', (chunk: Buffer) => { text += chunk.toString() })
    response.on('error', reject)
    response.on('end', () => resolve(JSON.parse(text)))
  }).once('error', reject).end()
})
