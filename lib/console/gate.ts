/**
 * Whether a request may come from the console's own page: its Host, its Origin, and what the browser holds.
 *
 * A name that resolves to us (DNS rebinding) brings a Host that is not ours. A page of another site (CSRF)
 * brings its Origin, cannot set our field, and gets no cookie sent along. Pure.
 */
import type { IncomingMessage } from 'node:http'
import type { Credentials } from './sessions.ts'

/** Field that carries the page's half of a session. Another origin cannot send it without asking first, and is never allowed. */
export const KEY_FIELD = 'sallyport-key'

export interface Gate {
  /** Why this request is none of the page's; null where it may be. */
  foreign(request: IncomingMessage): string | null
  /** What it brought, if anything. */
  credentials(request: IncomingMessage): Credentials
  /** For `Set-Cookie`. */
  cookie(value: string, maxAgeMs: number): string
}

/**
 * @param port where we listen; part of the cookie's name, because cookies know no ports
 * @param names hosts that we are reached by, in lower case, each with its port where it has one
 */
export function createGate(port: number, names: readonly string[]): Gate {
  const cookieName = `sallyport-${port}`
  const hosts = new Set(names)

  return {
    foreign(request) {
      const [host, ...more] = valuesOf(request, 'host')
      if (host === undefined || more.length > 0 || !hosts.has(host.toLowerCase())) return 'The Host is not one of the console\'s.'
      const origins = valuesOf(request, 'origin')
      const isRead = request.method === 'GET' || request.method === 'HEAD'
      if (origins.length === 0) {
        // Every browser sends the Origin of a POST, and nothing else may write here.
        if (!isRead) return 'The request has no Origin.'
      } else if (origins.length > 1 || !isOf(origins[0]!, host)) {
        return 'The request comes from another site.'
      }
      const [site] = valuesOf(request, 'sec-fetch-site')
      if (site !== undefined && site !== 'same-origin' && site !== 'none' && request.headers['sec-fetch-mode'] !== 'navigate') return 'The request comes from another site.'
      return null
    },
    credentials(request) {
      const found = valuesOf(request, 'cookie').flatMap(line => line.split(';')).map(pair => pair.trim()).find(pair => pair.startsWith(`${cookieName}=`))
      return { cookie: found?.slice(cookieName.length + 1) ?? '', key: valuesOf(request, KEY_FIELD).join() }
    },
    cookie: (value, maxAgeMs) => `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(maxAgeMs / 1000)}`,
  }
}

/** The Hosts of a listener on this machine, and those under which the operator says it is reached. */
export function hostsOf({ host, port }: { readonly host: string, readonly port: number }, also: readonly string[]): readonly string[] {
  const own = host.includes(':') ? `[${host}]` : host
  const here = [own, '127.0.0.1', 'localhost', '[::1]'].map(name => `${name}:${port}`)
  // With a port it is taken by its word; without, a proxy in front of us may have the usual one.
  const named = also.map(name => name.toLowerCase()).flatMap(name => /:\d+$/.test(name) ? [name] : [name, `${name}:${port}`])
  return [...new Set([...here, ...named])]
}

function isOf(origin: string, host: string): boolean {
  const lower = origin.toLowerCase()
  return lower === `http://${host.toLowerCase()}` || lower === `https://${host.toLowerCase()}`
}

function valuesOf({ rawHeaders }: IncomingMessage, name: string): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === name)
}
