/** A log in a folder of its own, and what a test wants to know of it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAudit } from '../../../lib/audit/record.ts'
import type { Audit, AuditOptions } from '../../../lib/audit/record.ts'
import type { SealedRecord } from '../../../lib/audit/sinks.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import type { FakeClock } from '../../helpers/fake-clock.ts'

export const POLICY = { name: 'test', hash: 'ab'.repeat(32), generation: 1 }

/** The turn of the event loop ends: what was recorded in it is written. */
export const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

export interface TestLog {
  readonly file: string
  readonly clock: FakeClock
  /** What `onProblem` was told. */
  readonly said: string[]
  open(options?: Partial<AuditOptions>): Promise<Audit>
  text(): string
  records(): SealedRecord[]
}

export function testLog(folder: string): TestLog {
  const file = join(folder, 'audit.jsonl')
  const clock = fakeClock()
  const said: string[] = []
  const text = (): string => readFileSync(file, 'latin1')
  return {
    file, clock, said, text,
    open: options => createAudit({ sinks: file, clock, policy: () => POLICY, onProblem: says => said.push(says), ...options }),
    records: () => recordsIn(text()),
  }
}

export function recordsIn(text: string): SealedRecord[] {
  return text.split('\n').slice(0, -1).map(line => JSON.parse(line) as SealedRecord)
}

/** Bytes that look random and are the same for the same seed. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
