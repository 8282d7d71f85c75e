/**
 * A stream relayed both ways: with backpressure, half-closes carried on, and a failure of one side seen as a
 * failure by the other.
 *
 *   both open --one side ends--> half open --the other ends--> closed
 *   any state --an error, a revoked permit, silence--> cut: both sides at once
 */
import type { Socket } from 'node:net'
import type { ByteMeter } from '../model/budget.ts'
import type { Clock } from '../model/clock.ts'
import type { Outcome, Stream } from '../model/flow.ts'
import { reset } from '../model/reset.ts'
import { whenQuiet } from './quiet.ts'

type Ending = Extract<Outcome, { kind: 'done' }>['error']

export interface Joined {
  readonly clock: Clock
  readonly client: NodeJS.ReadWriteStream
  readonly upstream: Socket
  /** Breaks the client's connection off. */
  cut(): void
  /** Without a byte either way. */
  readonly idleMs: number
  /** The same, once one side has ended; null: a half-open stream may live as long as an open one. */
  readonly halfOpenMs: number | null
  /** Of the budgets that its bytes count against; null: none. */
  readonly meter: ByteMeter | null
  /** The policy no longer allows it. */
  readonly signal: AbortSignal
}

export interface RelayOptions extends Omit<Joined, 'client' | 'cut' | 'halfOpenMs'> {
  readonly window: Stream
  readonly address: string
}

export async function relay(options: RelayOptions): Promise<Outcome> {
  const { window, upstream, address } = options
  const client = window.socket
  if (window.isGone) {
    upstream.destroy()
    return { kind: 'done', address, status: null, bytesUp: 0, bytesDown: 0, error: 'client_left' }
  }
  if (options.meter?.take(window.head.length) === false) {
    upstream.destroy()
    window.cut()
    return { kind: 'done', address, status: null, bytesUp: 0, bytesDown: 0, error: 'budget_spent' }
  }
  if (window.head.length > 0) upstream.write(window.head)
  const ending = untilClosed({ ...options, client, cut: () => window.cut(), halfOpenMs: null })
  client.pipe(upstream)
  upstream.pipe(client)
  const error = await ending
  return { kind: 'done', address, status: null, bytesUp: upstream.bytesWritten, bytesDown: upstream.bytesRead, error }
}

/** Sees two sockets that somebody pipes into each other to their end: none outlives the other. */
/** Call it before they are piped: bytes that a budget has no room for are never written. */
export function untilClosed({ clock, client, upstream, cut, idleMs, halfOpenMs, meter, signal }: Joined): Promise<Ending> {
  return new Promise(resolve => {
    const moved = (): number => upstream.bytesRead + upstream.bytesWritten
    let ending: Ending = null
    let isOver = false
    let isClientClosed = false
    let stopWatching = whenQuiet(clock, idleMs, moved, () => over('upstream_timeout'))

    function over(reason: Ending): void {
      if (isOver) return
      isOver = true
      ending = reason
      if (!isClientClosed) cut()
      breakOff(upstream)
      end()
    }

    function end(): void {
      if (!isClientClosed || !upstream.closed) return
      isOver = true
      stopWatching()
      signal.removeEventListener('abort', onAbort)
      resolve(ending)
    }

    function onHalf(): void {
      if (isOver || halfOpenMs === null) return
      stopWatching()
      stopWatching = whenQuiet(clock, halfOpenMs, moved, () => over(null))
    }

    function onAbort(): void {
      over('revoked')
    }

    function onBytes(chunk: Uint8Array): void {
      if (meter?.take(chunk.length) === false) over('budget_spent')
    }

    if (meter !== null) {
      client.on('data', onBytes)
      upstream.on('data', onBytes)
    }
    signal.addEventListener('abort', onAbort)
    client.once('end', onHalf)
    upstream.once('end', onHalf)
    client.on('error', () => over('client_left'))
    upstream.on('error', () => over('upstream_incomplete'))
    client.once('close', () => {
      isClientClosed = true
      // It closed in order if both directions had ended before; what it sent last may still be on its way.
      if (upstream.readableEnded && upstream.writableEnded) upstream.destroySoon()
      else over(upstream.writableEnded ? null : 'client_left')
      end()
    })
    upstream.once('close', () => {
      // Where both directions had ended before, the client's end is on its way.
      if (!upstream.readableEnded || !upstream.writableEnded) over('upstream_incomplete')
      end()
    })
    if (signal.aborted) onAbort()
    else if (upstream.destroyed) over('upstream_incomplete')
  })
}

/** So that the other side sees a failure; TLS has no such way but to leave its closing alert out. */
function breakOff(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy()
  else reset(socket)
}
