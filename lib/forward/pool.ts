/**
 * Connections to upstreams that are kept for the next request.
 *
 * undici's own pools give no way to look at the socket that a request will use, and the address it ends at
 * has to be judged again each time (I4). So one entry here is one socket that `dial` made and one undici
 * `Client` that speaks HTTP/1.1 on it, and cannot make another.
 *
 * What is destroyed here is destroyed *with an error*: undici 7.30 asserts, outside of any catch, when a socket
 * closes without one while a body without a length is paused (client-h1.js, onHttpSocketClose).
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { Client as Undici } from 'undici'
import type { Clock, Timer } from '../model/clock.ts'
import type { Exchange } from '../model/flow.ts'
import type { AddressScope, JudgeAddress } from '../model/policy.ts'

/** Not the whole of undici, which brings fetch, caches and WebSockets along: 80 ms less at start. */
const loadClient = (): typeof Undici => Client ??= createRequire(import.meta.url)('undici/lib/dispatcher/client.js') as typeof Undici
let Client: typeof Undici | null = null

export interface Entry {
  readonly kind: 'entry'
  readonly key: string
  readonly socket: Socket
  readonly client: Undici
  readonly address: string
  /** Carried an exchange before: a failure before the first byte may be the other side's idle timeout. */
  isReused: boolean
  isIdle: boolean
  /** When a byte last moved, as far as the sweep saw; for an idle one, when it was given back. */
  movedAt: number
  bytes: number
}

/** A place for one more connection, taken. */
export interface Slot {
  readonly kind: 'slot'
  open(socket: Socket, address: string): Entry
  /** Nothing came of it. */
  free(): void
}

export type Place = Entry | Slot | { readonly kind: 'left' }

export interface PoolOptions {
  readonly clock: Clock
  readonly judge: JudgeAddress
  readonly idleMs: number
  /** Of an exchange with no byte either way. */
  readonly streamIdleMs: number
  /** Connections under one key; who comes later waits. */
  readonly perKey: number
  /** Idle connections in all; the one that has idled longest goes first. */
  readonly idle: number
}

export interface Pool {
  /**
   * An idle connection, judged again; else a place for a new one; else the wait for either, in order of arrival.
   *
   * @param fresh no idle one is wanted
   * @param window whoever wants it, and may leave while it waits
   */
  take(key: string, scope: AddressScope, fresh: boolean, window: Pick<Exchange, 'onGone'>): Place | Promise<Place>
  /** After an exchange, in a later turn of the event loop: kept when it can carry another. */
  giveBack(entry: Entry): void
  readonly idle: number
  close(): void
}

/** `code` of what ended a connection; on the socket's error, where undici hands it to the exchange. */
export const ENDED = { reset: 'UPSTREAM_RESET', silent: 'UPSTREAM_SILENT', usedUp: 'UPSTREAM_USED_UP', closed: 'UPSTREAM_CLOSED' } as const

const SWEEP_MS = 1_000
/** Of a response. */
const MAX_HEAD_BYTES = 64 * 1024
/** Every request brings its own Host. */
const ORIGIN = new URL('http://upstream.invalid')

interface Waiter {
  readonly scope: AddressScope
  serve(place: Place): void
}

export function createPool(options: PoolOptions): Pool {
  const { clock } = options
  /** Places taken, per key. */
  const taken = new Map<string, number>()
  const lines = new Map<string, Set<Waiter>>()
  const open = new Set<Entry>()
  /** Per key; the one that was used last is the last. */
  const idle = new Map<string, Entry[]>()
  let idling = 0
  let sweeping: Timer | null = null

  function take(key: string, scope: AddressScope, fresh: boolean, window: Pick<Exchange, 'onGone'>): Place | Promise<Place> {
    const entry = fresh ? null : borrow(key, scope)
    if (entry !== null) return entry
    const count = taken.get(key) ?? 0
    if (count < options.perKey) {
      taken.set(key, count + 1)
      return slot(key)
    }
    return new Promise(resolve => {
      const line = lines.get(key) ?? new Set()
      let stop = (): void => {}
      const waiter: Waiter = {
        scope,
        serve(place) {
          line.delete(waiter)
          if (line.size === 0) lines.delete(key)
          stop()
          resolve(place)
        },
      }
      lines.set(key, line.add(waiter))
      stop = window.onGone(() => waiter.serve({ kind: 'left' }))
    })
  }

  /** The one that was used last is the likeliest to be alive. */
  function borrow(key: string, scope: AddressScope): Entry | null {
    const list = idle.get(key)
    for (let entry = list?.pop(); entry !== undefined; entry = list?.pop()) {
      idling--
      entry.isIdle = false
      if (isUsable(entry, scope)) return use(entry)
      end(entry, ENDED.usedUp)
    }
    return null
  }

  function isUsable({ socket }: Entry, scope: AddressScope): boolean {
    const { remoteAddress, remotePort } = socket
    return !socket.destroyed && socket.readableLength === 0 && remoteAddress !== undefined && remotePort !== undefined
      && options.judge(remoteAddress, remotePort, scope).kind === 'may-dial'
  }

  function use(entry: Entry): Entry {
    entry.isReused = true
    entry.movedAt = clock.elapsed()
    return entry
  }

  function giveBack(entry: Entry): void {
    if (entry.isIdle || entry.socket.destroyed) return
    const line = lines.get(entry.key)
    if (line !== undefined) {
      const [waiter] = line
      // One that may not be used leaves its place when it has closed.
      return isUsable(entry, waiter!.scope) ? waiter!.serve(use(entry)) : end(entry, ENDED.usedUp)
    }
    entry.movedAt = clock.elapsed()
    entry.isIdle = true
    idling++
    const list = idle.get(entry.key)
    if (list === undefined) idle.set(entry.key, [entry])
    else list.push(entry)
    if (idling > options.idle) endLongestIdle()
  }

  function endLongestIdle(): void {
    let longest: Entry | null = null
    for (const entry of open) if (entry.isIdle && (longest === null || entry.movedAt < longest.movedAt)) longest = entry
    if (longest === null) return
    unlist(longest)
    end(longest, ENDED.usedUp)
  }

  function slot(key: string): Slot {
    return { kind: 'slot', open: (socket, address) => enter(key, socket, address), free: () => free(key) }
  }

  /** The place goes to the next in line. */
  function free(key: string): void {
    const [next] = lines.get(key) ?? []
    if (next !== undefined) return next.serve(slot(key))
    const count = taken.get(key)! - 1
    if (count > 0) return void taken.set(key, count)
    taken.delete(key)
    idle.delete(key)
  }

  function enter(key: string, socket: Socket, address: string): Entry {
    const entry: Entry = { kind: 'entry', key, socket, address, client: clientOn(socket, options.idleMs), isReused: false, isIdle: false, movedAt: clock.elapsed(), bytes: 0 }
    open.add(entry)
    sweeping ??= clock.every(SWEEP_MS, sweep)
    if (socket.closed) closed(entry)
    else socket.once('close', () => closed(entry))
    return entry
  }

  function closed(entry: Entry): void {
    open.delete(entry)
    if (entry.isIdle) unlist(entry)
    free(entry.key)
    if (open.size > 0) return
    sweeping?.cancel()
    sweeping = null
  }

  function unlist(entry: Entry): void {
    const list = idle.get(entry.key)!
    list.splice(list.lastIndexOf(entry), 1)
    entry.isIdle = false
    idling--
  }

  function sweep(): void {
    const now = clock.elapsed()
    for (const entry of open) {
      if (entry.isIdle) {
        if (entry.movedAt + options.idleMs <= now) end(entry, ENDED.usedUp)
        continue
      }
      const bytes = entry.socket.bytesRead + entry.socket.bytesWritten
      if (bytes !== entry.bytes) Object.assign(entry, { bytes, movedAt: now })
      else if (entry.movedAt + options.streamIdleMs <= now) end(entry, ENDED.silent)
    }
  }

  return {
    take,
    giveBack,
    get idle() { return idling },
    close() {
      for (const entry of [...open]) end(entry, ENDED.closed)
    },
  }
}

function end(entry: Entry, code: string): void {
  entry.socket.destroy(problem(code))
}

/** @returns an undici client that speaks on this socket, and has nothing to connect with once it is gone */
function clientOn(socket: Socket, idleMs: number): Undici {
  // A reset inside a body without a length is taken for its end by undici (and, where the body is paused, for a
  // broken assertion that nobody catches), for the sake of another system's sockets: by any other code it fails.
  socket.prependListener('error', (error: NodeJS.ErrnoException) => { if (error.code === 'ECONNRESET') error.code = ENDED.reset })
  let given: Socket | null = socket
  const client = new (loadClient())(ORIGIN, {
    connect(_options, done) {
      const once = given
      given = null
      // Not in this turn: undici does not look again at what is called back while it connects.
      process.nextTick(() => once === null ? done(problem(ENDED.usedUp), null) : done(null, once))
    },
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    maxHeaderSize: MAX_HEAD_BYTES,
  })
  // What a handler of ours throws comes out here; the exchange has failed by then.
  client.on('error' as never, () => { socket.destroy(problem(ENDED.closed)) })
  return client
}

function problem(code: string): Error {
  return Object.assign(new Error('the connection has ended'), { code })
}
