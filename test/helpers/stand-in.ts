/** A preset's own rules for the real names of a service, with an origin on loopback standing in for its hosts. */
import { loadPolicy } from '../../lib/index.ts'
import type { PolicyDocument } from '../../lib/index.ts'
import { certificateFor } from './certificates.ts'
import { openHouse } from './house.ts'
import type { House } from './house.ts'
import type { Origin } from './origin.ts'

interface Teardown { teardown(call: () => unknown): void }

type Use = NonNullable<PolicyDocument['use']>[number]

/**
 * A firewall with the rules of `use`, but that each is for the stand-in's port and lets names resolve to loopback.
 * A name that is not one of `hosts` resolves to nothing.
 */
export async function openStandIn(t: Teardown, use: Use, { port }: Origin, hosts: readonly string[]): Promise<House> {
  const loaded = await loadPolicy({ version: 1, unmatched: 'deny', use: [use] })
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.problems))
  const rules = (loaded.document.rules ?? []).map(rule => ({ ...rule, port, private: true }))
  return openHouse(t, { ...loaded.document, rules }, {
    upstreamCa: [certificateFor(...hosts).file],
    resolve: hosts.map(host => `${host}:${port}:127.0.0.1`),
    lookup: async host => { throw new Error(`${host} is not looked up here`) },
  })
}
