/**
 * Connections to upstreams that are kept for the next request.
 *
 * undici's own pools give no way to look at the socket that a request will use, and the address it ends at
 * has to be judged again each time (I4). So one entry here is one socket that `dial` made and one undici
 * `Client` that speaks HTTP/1.1 on it, and cannot make another.
 */
import type { Socket } from 'node:net'
import { Client } from 'undici'
import type { Clock, Timer } from '../model/clock.ts'

export interface Entry {
  readonly key: string
  readonly socket: Socket
  readonly client: Client
  readonly address: string
  /** Carried an exchange before: a failure before the first byte may be the other side's idle timeout. */
  isReused: boolean
  /** The socket failed; undici reports a reset behind a body without a length as its end (FACTS: undici). */
  hasFailed: boolean
  idleSince: number
}

export interface PoolOptions {
  readonly clock: Clock
  readonly idleMs: number
  /** Connections under one key; who comes later waits. */
  readonly perKey: number
  /** Idle connections in all. */
  readonly idle: number
  mayReuse(entry: Entry): boolean
}

export interface Pool {
  /** An idle connection that may be used, newest first; null where there is none. */
  take(key: string): Entry | null
  /** Waits until another connection may be opened under the key. */
  room(key: string): Promise<void> | null
  open(key: string, origin: string, socket: Socket, address: string): Entry
  /** After an exchange: kept when it can carry another. */
  release(entry: Entry): void
  drop(entry: Entry): void
  readonly counts: { readonly sockets: number, readonly idle: number }
  close(): Promise<void>
}

export function createPool(options: PoolOptions): Pool {
  const all = new Map<string, Set<Entry>>()
  const idle = new Map<string, Entry[]>()
  const line = new Map<string, (() => void)[]>()
  let idleCount = 0
  let sockets = 0
  let sweep: Timer | null = null

  function forget(entry: Entry): void {
    const under = all.get(entry.key)
    if (under?.delete(entry) !== true) return
    sockets--
    if (under.size === 0) all.delete(entry.key)
    const list = idle.get(entry.key)
    const at = list?.indexOf(entry) ?? -1
    if (at >= 0) unlist(entry.key, list!, at)
    callNext(entry.key)
  }

  function callNext(key: string): void {
    const waiting = line.get(key)
    const next = waiting?.shift()
    if (waiting?.length === 0) line.delete(key)
    next?.()
  }

  function unlist(key: string, list: Entry[], at: number): void {
    list.splice(at, 1)
    idleCount--
    if (list.length === 0) idle.delete(key)
    if (idleCount === 0) {
      sweep?.cancel()
      sweep = null
    }
  }

  function drop(entry: Entry): void {
    entry.socket.destroy()
    forget(entry)
  }

  function dropStale(): void {
    const before = options.clock.elapsed() - options.idleMs
    for (const list of [...idle.values()]) for (const entry of [...list]) if (entry.idleSince <= before) drop(entry)
  }

  return {
    get counts() { return { sockets, idle: idleCount } },
    take(key) {
      for (let list = idle.get(key); list !== undefined; list = idle.get(key)) {
        const entry = list.at(-1)!
        unlist(key, list, list.length - 1)
        if (!entry.socket.destroyed && entry.socket.readableLength === 0 && options.mayReuse(entry)) {
          entry.isReused = true
          return entry
        }
        drop(entry)
      }
      return null
    },
    room(key) {
      if ((all.get(key)?.size ?? 0) < options.perKey) return null
      return new Promise(resolve => {
        const waiting = line.get(key)
        if (waiting === undefined) line.set(key, [resolve])
        else waiting.push(resolve)
      })
    },
    open(key, origin, socket, address) {
      let given: Socket | null = socket
      const client = new Client(origin, {
        // Of this one socket; a client that lost it has nothing to connect with.
        connect: (_options: unknown, done: (error: Error | null, socket: Socket | null) => void) => {
          const once = given
          given = null
          // Not in this turn: undici does not look again at what is called back while it connects.
          process.nextTick(done, once === null ? new Error('the connection is used up') : null, once)
        },
        pipelining: 1,
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: options.idleMs,
        keepAliveMaxTimeout: options.idleMs,
        maxHeaderSize: MAX_HEAD_BYTES,
      } as ConstructorParameters<typeof Client>[1])
      const entry: Entry = { key, socket, client, address, isReused: false, hasFailed: false, idleSince: 0 }
      socket.prependListener('error', () => { entry.hasFailed = true })
      socket.once('close', () => forget(entry))
      const under = all.get(key)
      if (under === undefined) all.set(key, new Set([entry]))
      else under.add(entry)
      sockets++
      return entry
    },
    release(entry) {
      if (entry.socket.destroyed || entry.hasFailed || idleCount >= options.idle) return drop(entry)
      entry.idleSince = options.clock.elapsed()
      const list = idle.get(entry.key)
      if (list === undefined) idle.set(entry.key, [entry])
      else list.push(entry)
      idleCount++
      sweep ??= options.clock.every(SWEEP_MS, dropStale)
      callNext(entry.key)
    },
    drop,
    async close() {
      sweep?.cancel()
      const entries = [...all.values()].flatMap(under => [...under])
      await Promise.all(entries.map(entry => entry.client.destroy().catch(() => {})))
      for (const entry of entries) drop(entry)
    },
  }
}

const SWEEP_MS = 1_000
/** Of a response. */
const MAX_HEAD_BYTES = 64 * 1024
