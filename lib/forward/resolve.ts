/**
 * Names → addresses, only for what holds a permit.
 *
 * The absolute name is asked (`example.com.`), so that a search domain of resolv.conf never completes it;
 * a name that only the hosts file knows is found by a second look, because the C library does not find
 * absolute names there (run: getaddrinfo of glibc 2.36).
 */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { CanonicalHost } from '../model/request.ts'

export interface Override {
  readonly host: string
  readonly port: number
  readonly addresses: readonly string[]
}

export interface ResolveOptions {
  readonly resolve?: (host: string) => Promise<readonly string[]>
  readonly overrides: readonly Override[]
  /** Look-ups at the same time. */
  readonly lookups: number
}

/** @returns addresses in the order in which they are to be tried; rejects as the resolver does */
export type Resolve = (host: CanonicalHost, port: number) => Promise<readonly string[]>

export function createResolve({ resolve = systemResolve, overrides, lookups }: ResolveOptions): Resolve {
  const given = new Map(overrides.map(({ host, port, addresses }) => [`${host}:${port}`, addresses]))
  const line: (() => void)[] = []
  let underway = 0
  return async (host, port) => {
    const override = given.get(`${host}:${port}`)
    if (override !== undefined) return override
    if (isIP(host) !== 0) return [host]
    if (underway >= lookups) await new Promise<void>(turn => line.push(turn))
    underway++
    try {
      return await resolve(host)
    } finally {
      underway--
      line.shift()?.()
    }
  }
}

async function systemResolve(host: string): Promise<readonly string[]> {
  const addresses = await lookup(`${host}.`, { all: true, verbatim: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTFOUND') throw error
    return lookup(host, { all: true, verbatim: true })
  })
  return addresses.map(({ address }) => address)
}
