/**
 * One POST of JSON to an address that the operator named, with bounds: in time, in bytes, and nowhere else.
 *
 * It is the firewall's own traffic and not that of a sandbox. A redirect is not followed: what is asked and how it is signed is for
 * the named address alone.
 */
import type { Clock } from '../model/clock.ts'

export interface Post {
  readonly url: URL
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** Of the whole, in milliseconds. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

export type Posted =
  | { readonly kind: 'answered', readonly status: number, readonly text: string }
  /** Worth another try. */
  | { readonly kind: 'failed', readonly problem: string }

export const MAX_ANSWER_BYTES = 64 * 1_024

/** @throws the signal's reason, and nothing else */
export async function post({ url, body, headers, timeoutMs, clock, signal }: Post): Promise<Posted> {
  signal.throwIfAborted()
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  signal.addEventListener('abort', stop)
  const timer = clock.after(timeoutMs, stop)
  try {
    const response = await fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers }, redirect: 'manual', signal: controller.signal })
    const text = await textOf(response)
    return text === null ? { kind: 'failed', problem: `it answered with more than ${MAX_ANSWER_BYTES} bytes, or not in UTF-8` } : { kind: 'answered', status: response.status, text }
  } catch (error) {
    signal.throwIfAborted()
    return { kind: 'failed', problem: controller.signal.aborted ? `it did not answer within ${timeoutMs} ms` : `it cannot be reached (${codeOf(error)})` }
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', stop)
  }
}

/** @returns null for what is too long or no text */
async function textOf(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).length
    // Leaving the loop ends the connection.
    if (size > MAX_ANSWER_BYTES) return null
    chunks.push(chunk as Uint8Array)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    return null
  }
}

/** The code alone: the message of an error may hold the address, and an address may hold a secret. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : null
  const code = cause instanceof Error && 'code' in cause ? cause.code : null
  return typeof code === 'string' ? code : 'no connection'
}
