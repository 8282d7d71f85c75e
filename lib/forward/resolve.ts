/**
 * Names → addresses, asked only for what holds a permit.
 *
 * The absolute name is asked (`example.com.`): getaddrinfo completes any other with the search domains of
 * resolv.conf, also one with dots in it, and the origin that answers is then not the one that was judged. What
 * getaddrinfo does not do for an absolute name (run: glibc 2.36) is look into the hosts file; so we do that.
 */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

export interface Override {
  readonly host: string
  readonly port: number
  readonly addresses: readonly string[]
}

export interface ResolveOptions {
  readonly resolve?: (host: string) => Promise<readonly string[]>
  /** The hosts file as it is now (hosts(5)); it rules before DNS. Default: none. */
  readonly hosts?: () => string
  readonly overrides: readonly Override[]
  /** Look-ups at the same time. */
  readonly lookups: number
}

/**
 * @param signal gives up waiting for a turn; a look-up that has begun is not stopped, and keeps its place
 * @returns addresses in the order in which they are to be tried; rejects as the resolver does
 */
export type Resolve = (host: string, port: number, signal: AbortSignal) => Promise<readonly string[]>

export function createResolve({ resolve, hosts, overrides, lookups }: ResolveOptions): Resolve {
  const given = new Map(overrides.map(({ host, port, addresses }) => [`${host.toLowerCase()}:${port}`, addresses]))
  const ask = resolve ?? (host => systemLookup(host, hosts))
  const line = new Set<() => void>()
  let underway = 0

  async function turn(signal: AbortSignal): Promise<void> {
    if (underway < lookups) return void underway++
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => { line.delete(enter); reject(signal.reason as Error) }
      const enter = (): void => { signal.removeEventListener('abort', leave); resolve() }
      line.add(enter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** The place goes to the next in line, or is free. */
  function done(): void {
    const [next] = line
    if (next === undefined) underway--
    else {
      line.delete(next)
      next()
    }
  }

  return async (host, port, signal) => {
    const override = given.get(`${host}:${port}`)
    if (override !== undefined) return override
    if (isIP(host) !== 0) return [host]
    await turn(signal)
    try {
      return await ask(host)
    } finally {
      done()
    }
  }
}

async function systemLookup(host: string, hosts: (() => string) | undefined): Promise<readonly string[]> {
  const listed = hosts === undefined ? [] : addressesIn(hosts(), host)
  if (listed.length > 0) return listed
  // Never a question for DNS (RFC 6761 §6.3).
  if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1', '::1']
  const found = await lookup(`${host}.`, { all: true, verbatim: true })
  return found.map(({ address }) => address)
}

/** hosts(5): an address, then its names; `#` begins a comment. */
export function addressesIn(hosts: string, host: string): readonly string[] {
  const found: string[] = []
  for (const line of hosts.split('\n')) {
    const [address = '', ...names] = line.split('#', 1)[0]!.trim().split(/\s+/)
    if (isIP(address) !== 0 && names.some(name => name.toLowerCase() === host)) found.push(address)
  }
  return found
}
