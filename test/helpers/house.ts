/** A firewall with its origins, on loopback, for one test. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFirewall } from '../../lib/index.ts'
import type { AuditRecord, Firewall, FirewallOptions, Held, HeldTask, PolicyDocument } from '../../lib/index.ts'
import { originCertificate } from './certificates.ts'

interface Teardown { teardown(call: () => unknown): void }

export interface House {
  readonly firewall: Firewall
  /** Of the proxy. */
  readonly port: number
  readonly url: string
  /** Records of the audit log, as they were written. */
  readonly records: AuditRecord[]
  /** The closing records. */
  readonly closed: AuditRecord[]
  /** The firewall's CA, PEM. */
  readonly ca: string
  /** Names that were looked up, in order. */
  readonly lookups: string[]
  /** Waits until so many flows have closed. */
  closings(count: number): Promise<readonly AuditRecord[]>
  /** Waits until so many questions are open. */
  questions(count: number): Promise<readonly Held[]>
  /** Waits until so many tasks are asked for. */
  tasks(count: number): Promise<readonly HeldTask[]>
}

/** One CA for all tests of a process: making one costs time, and they are no part of each other. */
let certs: string | null = null

export async function openHouse(t: Teardown, policy: PolicyDocument | string, options: Partial<FirewallOptions> = {}): Promise<House> {
  if (certs === null) {
    const made = certs = mkdtempSync(join(tmpdir(), 'sallyport-test-'))
    process.on('exit', () => rmSync(made, { recursive: true, force: true }))
  }
  const records: AuditRecord[] = []
  const lookups: string[] = []
  const waiting = new Set<() => void>()
  const firewall = await createFirewall({
    policy,
    certs,
    standing: true,
    upstreamCa: [originCertificate().file],
    lookup: async host => { lookups.push(host); return ['127.0.0.1'] },
    env: {},
    ...options,
    audit: [record => { records.push(record); for (const call of [...waiting]) call() }, ...[options.audit ?? []].flat() as never[]],
  })
  t.teardown(() => firewall.close())
  firewall.subscribe(() => { for (const call of [...waiting]) call() })
  const { port, url } = await firewall.listen()
  const closed = (): AuditRecord[] => records.filter(record => record.event === 'closed')
  const wait = <T>(look: () => T | null): Promise<T> => new Promise(resolve => {
    const call = (): void => {
      const found = look()
      if (found === null) return
      waiting.delete(call)
      resolve(found)
    }
    waiting.add(call)
    call()
  })
  return {
    firewall, port, url, records, lookups,
    get closed() { return closed() },
    ca: readFileSync(firewall.ca.path, 'utf8'),
    closings: count => wait(() => closed().length >= count ? closed() : null),
    questions: count => wait(() => enough(requestsOf(firewall), count)),
    tasks: count => wait(() => enough(firewall.pending().filter(held => held.kind === 'task'), count)),
  }
}

/** The questions about requests that are open. */
export const requestsOf = (firewall: Firewall): readonly Held[] => firewall.pending().filter(held => held.kind === 'request')

const enough = <T>(found: readonly T[], count: number): readonly T[] | null => found.length >= count ? found : null
