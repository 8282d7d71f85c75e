/**
 * An agent's client, as the firewall sees one: tunnels through the proxy, kept open; redirects followed; nothing asked twice.
 */
import { ProxyAgent, request } from 'undici'
import type { TraceRequest } from './trace.ts'

export interface Client {
  /** @returns when all of it has come, redirects included; never rejects */
  send(request: TraceRequest): Promise<Sent>
  /** Requests that are on their way. */
  readonly underway: ReadonlySet<Underway>
  close(): Promise<void>
}

export interface Underway {
  readonly method: string
  readonly host: string
  /** Path and query. */
  readonly target: string
  /** The first byte of its answer is here. */
  began: (() => void) | null
}

export interface Sent {
  /** Of its last answer; null where there was none. */
  readonly status: number | null
}

const MAX_REDIRECTS = 5

/** @param options `port`: of the origin, which stands for every host */
export function createClient({ proxy, ca, port, connections }: { readonly proxy: string, readonly ca: string, readonly port: number, readonly connections: number }): Client {
  const agent = new ProxyAgent({ uri: proxy, requestTls: { ca }, connections, headersTimeout: 0, bodyTimeout: 0 })
  const underway = new Set<Underway>()

  async function one({ method, url, sends }: TraceRequest): Promise<{ readonly status: number, readonly location: string | null }> {
    const { hostname, pathname, search } = new URL(url)
    const going: Underway = { method, host: hostname, target: pathname + search, began: null }
    underway.add(going)
    try {
      const { statusCode, headers, body } = await request(`https://${hostname}:${port}${pathname}${search}`, {
        dispatcher: agent, method: method as 'GET',
        ...sends === 0 ? {} : { body: Buffer.alloc(sends, 'x'), headers: { 'content-type': 'application/octet-stream' } },
      })
      going.began?.()
      await body.dump({ limit: Infinity })
      const location = headers['location']
      return { status: statusCode, location: typeof location === 'string' ? location : null }
    } finally {
      underway.delete(going)
    }
  }

  return {
    underway,
    async send(first) {
      try {
        let next = first
        for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
          const { status, location } = await one(next)
          if (location === null) return { status }
          next = { method: first.method === 'HEAD' ? 'HEAD' : 'GET', url: location, sends: 0 }
        }
      } catch {
        // The proxy hung up, or refused the tunnel: no answer came.
      }
      return { status: null }
    },
    close: () => agent.destroy(),
  }
}
