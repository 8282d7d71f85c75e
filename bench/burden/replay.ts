/**
 * A trace, replayed against the real firewall, and what it cost the operator.
 *
 * Nobody tries again behind the operator's back: a request that fails ends the agent's run, which is then prompted again.
 */
import type { AuditRecord, Firewall } from '../../lib/index.ts'
import { createClient } from './client.ts'
import type { Client } from './client.ts'
import { startOperator } from './operator.ts'
import type { Answered } from './operator.ts'
import { oneByOne } from './one-by-one.ts'
import type { Burden } from './one-by-one.ts'
import type { Trace } from './trace.ts'
import { median } from '../table.ts'

export interface Replayed extends Burden {
  readonly task: string
  readonly services: number
  readonly answers: readonly Answered[]
  /** Requests that waited for an answer. */
  readonly held: number
  /** Summed over these requests. */
  readonly heldSeconds: number
  /** Medians over the answers, in milliseconds; null where nothing was asked. To the first byte of what the answer let go on, and of the last of it. */
  readonly answerToFirstByteMs: number | null
  readonly answerToLastRequestMs: number | null
  /** The same task where each host and port is asked about by itself, and denied at once. */
  readonly oneByOne: Burden
}

export interface ReplayOptions {
  readonly firewall: Firewall
  /** Of its proxy. */
  readonly url: string
  /** PEM of its CA. */
  readonly ca: string
  /** Of the origin. */
  readonly port: number
  readonly thinkMs: number
  /** Its audit log so far. */
  records(): readonly AuditRecord[]
}

/** Prompted again as often, a task is given up. */
const MAX_PROMPTS = 10

export async function replay(trace: Trace, { firewall, url, ca, port, thinkMs, records }: ReplayOptions): Promise<Replayed> {
  const client = createClient({ proxy: url, ca, port, connections: Math.max(...trace.steps.map(({ parallel }) => parallel)) })
  /** For each answer, how long each of the requests that it let go on took to begin. */
  const waits: number[][] = []
  const operator = startOperator({
    firewall, trace, thinkMs,
    answered(settled, at) {
      const took: number[] = []
      waits.push(took)
      for (const going of client.underway) {
        if (settled.some(held => held.method === going.method && held.host === going.host && held.target === going.target)) going.began = () => took.push(performance.now() - at)
      }
    },
  })
  let [requests, failed, prompts] = [0, 0, 1]
  try {
    for (let step = 0; step < trace.steps.length && prompts <= MAX_PROMPTS;) {
      const sent = await runStep(trace.steps[step]!, client)
      requests += sent.length
      const wrong = sent.filter(({ status }) => status === null || status >= 400).length
      failed += wrong
      if (wrong === 0) step++
      else prompts++
    }
  } finally {
    operator.stop()
    await client.close()
  }
  const held = records().flatMap(({ event, held }) => event === 'closed' && held !== null ? [held] : [])
  return {
    task: trace.task,
    services: trace.services.length,
    answers: operator.answers,
    requests, failed,
    questions: operator.answers.length,
    prompts: prompts - 1,
    held: held.length,
    heldSeconds: held.reduce((sum, { ms }) => sum + ms, 0) / 1_000,
    answerToFirstByteMs: waits.length === 0 ? null : median(waits.map(took => Math.min(...took))),
    answerToLastRequestMs: waits.length === 0 ? null : median(waits.map(took => Math.max(...took))),
    oneByOne: oneByOne(trace),
  }
}

async function runStep({ requests, parallel }: Trace['steps'][number], client: Client): Promise<Awaited<ReturnType<Client['send']>>[]> {
  const sent: Awaited<ReturnType<Client['send']>>[] = []
  const left = [...requests].reverse()
  await Promise.all(Array.from({ length: parallel }, async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) sent.push(await client.send(next))
  }))
  return sent
}
