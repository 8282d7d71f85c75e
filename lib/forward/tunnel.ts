/** A stream relayed both ways: with backpressure, half-closes carried on, a failure of one side cut through to the other. */
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import type { Outcome } from '../model/flow.ts'

export interface RelayOptions {
  readonly client: Duplex
  /** Already read from the client, sent first. */
  readonly head: Uint8Array
  readonly upstream: Socket
  readonly address: string
  readonly status: number | null
  /** Without a byte either way. */
  readonly idleMs: number
  /** The policy no longer allows it. */
  readonly signal: AbortSignal
}

export function relay({ client, head, upstream, address, status, idleMs, signal }: RelayOptions): Promise<Outcome> {
  return new Promise(resolve => {
    let bytesUp = head.length
    let bytesDown = 0
    let error: Extract<Outcome, { kind: 'done' }>['error'] = null
    const cut = (): void => { client.destroy(); upstream.destroy() }
    const onAbort = (): void => { error = 'revoked'; cut() }
    const end = (): void => {
      if (!client.destroyed || !upstream.destroyed) return
      signal.removeEventListener('abort', onAbort)
      resolve({ kind: 'done', address, status, bytesUp, bytesDown, error })
    }
    if (head.length > 0) upstream.write(head)
    client.on('data', (chunk: Uint8Array) => { bytesUp += chunk.length })
    upstream.on('data', (chunk: Uint8Array) => { bytesDown += chunk.length })
    client.pipe(upstream)
    upstream.pipe(client)
    client.on('error', cut)
    upstream.on('error', () => { error ??= 'upstream_incomplete'; cut() })
    client.once('close', () => { if (!upstream.writableEnded) upstream.destroy(); else if (!client.readableEnded) upstream.destroy(); end() })
    upstream.once('close', () => { if (!client.writableEnded) client.destroy(); end() })
    client.once('close', end)
    upstream.setTimeout(idleMs, cut)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    end()
  })
}
