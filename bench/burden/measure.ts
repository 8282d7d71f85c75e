/** Traces against a firewall each, on loopback: what `run.ts` prints and a test holds to its goals. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFirewall } from '../../lib/index.ts'
import type { AuditRecord, PolicyDocument } from '../../lib/index.ts'
import { openInternet } from './origin.ts'
import { replay } from './replay.ts'
import type { Replayed } from './replay.ts'
import type { Trace } from './trace.ts'

/** From an answer to the first byte, at the median. */
export const FIRST_BYTE_MS = 20

export interface MeasureOptions {
  /** For certificates. */
  readonly dir: string
  readonly thinkMs: number
  /** Called before each trace. */
  said?(task: string): void
}

/** No rule lets anything through: all is asked about. The one that is there opens loopback to what is answered, because the origins are there. */
const ASK_ABOUT_ALL: PolicyDocument = { version: 1, name: 'burden', rules: [{ id: 'everything', action: 'hold', host: '**', anyHost: true, private: true }] }

export async function measure(traces: readonly Trace[], { dir, thinkMs, said }: MeasureOptions): Promise<readonly Replayed[]> {
  const internet = await openInternet(traces, dir)
  const results: Replayed[] = []
  try {
    for (const trace of traces) {
      said?.(trace.task)
      const records: AuditRecord[] = []
      const firewall = await createFirewall({
        policy: ASK_ABOUT_ALL, standing: true, certs: join(dir, 'ca'), upstreamCa: [internet.root], env: {},
        lookup: async () => ['127.0.0.1'], audit: record => { records.push(record) },
      })
      const { url } = await firewall.listen()
      results.push(await replay(trace, { firewall, url, ca: readFileSync(firewall.ca.path, 'utf8'), port: internet.port, thinkMs, records: () => records }))
      await firewall.close()
    }
  } finally {
    await internet.close()
  }
  return results
}

/** @param judgesTime  whether the time to the first byte counts */
export function isMet({ questions, services, failed, prompts, answerToFirstByteMs }: Replayed, judgesTime = true): boolean {
  return questions <= services && failed === 0 && prompts === 0 && (!judgesTime || (answerToFirstByteMs ?? 0) <= FIRST_BYTE_MS)
}
