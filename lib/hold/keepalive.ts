/**
 * Which interim response keeps a waiting client alive, and how often it is sent.
 *
 * Measured client by client: what keeps one alive breaks another, and a client that is
 * not known is sent nothing. The User-Agent chooses the keep-alive and never a rule.
 */
import type { Clock, Timer } from '../model/clock.ts'

export type KeepaliveStatus = 100 | 102

/** Every shape is anchored and looks at the first products alone. */
const CLIENTS: readonly (readonly [RegExp, KeepaliveStatus])[] = [
  // They take a 102 or 103 for the final answer.
  [/^(?:python-requests|Python-urllib|pip|(?:python-)?urllib3|apt)(?:[/ ]|$)/i, 100],
  [/^[a-z]{1,16} APT-HTTP\//i, 100],
  // fetch breaks on a 100.
  [/^(?:node|undici|OpenAI\/JS|Anthropic\/JS)(?:[/ ]|$)/i, 102],
  [/^(?:(?:python-)?httpx|aiohttp|Wget|Ruby|Java)(?:[/ ]|$)/i, 100],
  [/^Python\/[0-9.]{1,16} aiohttp\//i, 100],
]

/** Shorter than the shortest patience that was seen (httpx: 5 s). */
const KEEPALIVE_MS = 3_000

/**
 * @param userAgent as the client wrote it; null where it wrote none
 * @returns the status to repeat, or null: nothing may be sent. HTTP/1.0 knows no interim response
 */
export function keepaliveFor(userAgent: string | null, httpVersion: '1.0' | '1.1'): KeepaliveStatus | null {
  if (userAgent === null || httpVersion === '1.0') return null
  return CLIENTS.find(([shape]) => shape.test(userAgent))?.[1] ?? null
}

/** Sends `status` every 3 s, the first time after 3 s, until it is cancelled. */
export function startKeepalive(clock: Clock, status: KeepaliveStatus, send: (status: KeepaliveStatus) => void): Timer {
  return clock.every(KEEPALIVE_MS, () => send(status))
}
