/**
 * The log against what was done: every connection of a case comes from an address of the case's own, which is what the
 * log calls the client. So its records can be counted: one for each answer that was read, one for a connection that asked for
 * something and was answered nothing, no flow that is closed twice or never, and no request at an origin that the log did
 * not allow. What comes from a sandbox, or through the listener of redirected connections, has the sandbox for its client
 * and is not counted.
 */
import { open } from 'node:fs/promises'
import type { Clock } from '../model/clock.ts'
import type { Door } from './attack.ts'

/** What one case did at the door for clients that know of the proxy. */
export interface Done {
  readonly client: string
  /** Answers that were read on each connection on which something was asked. */
  readonly connections: number[]
  /** Requests that origins read; null: some came through another door. */
  reached: number | null
}

/** What is read of a record. */
export interface Kept {
  readonly event: string
  readonly flow: string | null
  readonly client: string | null
  readonly action: string | null
}

/** How long the last record may take once everything is over. */
const SETTLE_MS = 10_000
const POLL_MS = 25

/** @param number of the case: each has an address of its own */
export const clientOf = (number: number): string => `127.200.${number >> 7}.${1 + (number & 127)}`

/** The same door, where the case comes from its own address and what it reads is counted. */
export const counted = ({ host, port }: Door, { client, connections }: Done): Door => ({ host, port, from: client, heard: answers => void connections.push(answers) })

/** Reads the log until nothing is missing in it, or it had time enough. @returns what is wrong with the records of each client; nothing of those that are as they should be */
export async function audited(file: string, all: readonly Done[], clock: Clock): Promise<ReadonlyMap<string, string>> {
  const records: Kept[] = []
  const log = await open(file)
  try {
    const deadline = clock.now() + SETTLE_MS
    for (let rest = ''; ;) {
      const { buffer, bytesRead } = await log.read({ buffer: Buffer.alloc(2 ** 20) })
      const lines = (rest + buffer.subarray(0, bytesRead).toString('latin1')).split('\n')
      rest = lines.pop()!
      records.push(...lines.map(line => JSON.parse(line) as Kept))
      if (bytesRead > 0) continue
      const wrong = compare(all, records)
      if (wrong.size === 0 || clock.now() > deadline) return wrong
      await new Promise<void>(resolve => void clock.after(POLL_MS, resolve))
    }
  } finally {
    await log.close()
  }
}

/** Pure. */
export function compare(all: readonly Done[], records: readonly Kept[]): Map<string, string> {
  const byClient = new Map<string | null, Kept[]>()
  for (const record of records) {
    if (record.flow === null) continue
    const kept = byClient.get(record.client)
    if (kept === undefined) byClient.set(record.client, [record])
    else kept.push(record)
  }
  return new Map(all.map(done => [done.client, problemOf(done, byClient.get(done.client) ?? [])] as const).filter(([, problem]) => problem !== ''))
}

function problemOf({ connections, reached }: Done, records: readonly Kept[]): string {
  const closed = records.filter(({ event }) => event === 'closed')
  const flows = new Set(closed.map(({ flow }) => flow))
  if (flows.size < closed.length) return 'the log has a flow that was closed twice'
  if (records.some(({ event, flow }) => event !== 'closed' && !flows.has(flow))) return 'the log has a flow that was never closed'
  const owed = connections.reduce((sum, answers) => sum + Math.max(1, answers), 0)
  if (closed.length !== owed) return `the log has ${closed.length} flows, of ${connections.length} connections with ${connections.join(' and ')} answers`
  const allowed = closed.filter(({ action }) => action === 'allow').length
  return reached !== null && allowed < reached ? `the log has ${allowed} flows that were allowed, and ${reached} reached an origin` : ''
}
