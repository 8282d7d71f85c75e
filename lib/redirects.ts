/**
 * Where upstreams sent their clients on to: remembered for a while, to say so when a client asks for that place.
 *
 * It is shown and nothing else: an upstream writes what it likes into a Location, and no ruling depends on it.
 */
import { parseAuthority } from './identify/authority.ts'
import type { Clock } from './model/clock.ts'
import type { Facts, RequestFacts } from './model/request.ts'
import { canonicalHost } from './normalize/host.ts'

export interface Redirects {
  /** @param location as the upstream wrote it; one that leads to the same host, or nowhere, is not kept */
  note(from: RequestFacts, location: string): void
  /** @returns the host that sent this client there last, within a quarter of an hour; else null */
  origin(facts: Facts): string | null
}

const TTL_MS = 15 * 60_000
/** Of all clients together; the oldest goes first. */
const MAX_KEPT = 2_000

export function createRedirects(clock: Clock): Redirects {
  const kept = new Map<string, { readonly from: string, readonly at: number }>()
  const keyOf = (client: string, host: string, port: number): string => JSON.stringify([client, host, port])
  return {
    note(from, location) {
      const target = targetOf(location, from)
      if (target === null || target.host === from.host) return
      const key = keyOf(from.client, target.host, target.port)
      kept.delete(key)
      kept.set(key, { from: from.host, at: clock.elapsed() })
      if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!)
    },
    origin({ client, host, port }) {
      const known = kept.get(keyOf(client, host, port))
      return known !== undefined && clock.elapsed() - known.at < TTL_MS ? known.from : null
    },
  }
}

const ABSOLUTE = /^(?:(https?):)?\/\/([^/?#\\]*)/i

function targetOf(location: string, { scheme }: RequestFacts): { readonly host: string, readonly port: number } | null {
  const parts = ABSOLUTE.exec(location)
  if (parts === null) return null
  const parsed = parseAuthority('host', parts[2] ?? '')
  if (parsed.kind === 'refused') return null
  const host = canonicalHost(parsed.host)
  if (host.kind === 'refused') return null
  return { host: host.host, port: parsed.port ?? ((parts[1] ?? scheme).toLowerCase() === 'https' ? 443 : 80) }
}
