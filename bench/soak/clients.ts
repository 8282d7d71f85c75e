/** Clients of the soak: those that behave and are timed, and those that do not. */
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

export interface Target {
  /** Of the proxy. */
  readonly port: number
  readonly origin: number
  /** Default: open.test, which is allowed. */
  readonly host?: string
}

/** Milliseconds of those that were answered, and how many of each status there were; 0: no answer. */
export interface Served {
  readonly ms: number[]
  readonly statuses: Map<number, number>
}

/** So many requests a second, whatever becomes of them, for so long. @param pathOf of the nth */
export async function ask(target: Target, { rate, seconds, pathOf = () => '/' }: { rate: number, seconds: number, pathOf?: (n: number) => string }): Promise<Served> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const served: Served = { ms: [], statuses: new Map() }
  const underway = new Set<Promise<void>>()
  const from = performance.now()
  for (let sent = 0, now = 0; now < seconds; now = (performance.now() - from) / 1_000) {
    for (; sent < now * rate; sent++) {
      const one = askOnce(target, agent, pathOf(sent), served).finally(() => underway.delete(one))
      underway.add(one)
    }
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  await Promise.all(underway)
  agent.destroy()
  return served
}

function askOnce({ port, origin, host = 'open.test' }: Target, agent: Agent, path: string, { ms, statuses }: Served): Promise<void> {
  const from = performance.now()
  return new Promise(resolve => {
    const end = (status: number): void => {
      if (status === 200) ms.push(performance.now() - from)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      resolve()
    }
    const sent = request({ agent, host: '127.0.0.1', port, path: `http://${host}:${origin}${path}`, headers: { Host: `${host}:${origin}` }, timeout: 30_000 }, response => {
      response.resume()
      response.once('close', () => end(response.complete ? response.statusCode ?? 0 : 0))
    })
    sent.on('timeout', () => sent.destroy())
    sent.once('error', () => end(0))
    sent.end()
  })
}

/** @returns open connections, each of which has sent that and waits */
export async function open(port: number, count: number, textOf: (n: number) => string): Promise<readonly Socket[]> {
  const sockets: Socket[] = []
  // In handfuls: a listener's backlog is not endless.
  while (sockets.length < count) {
    await Promise.all(Array.from({ length: Math.min(200, count - sockets.length) }, () => new Promise<void>(resolve => {
      const socket = connect({ host: '127.0.0.1', port })
      const n = sockets.push(socket)
      socket.on('error', () => {})
      socket.once('close', () => resolve())
      socket.once('connect', () => { socket.write(textOf(n)); resolve() })
    })))
  }
  return sockets
}

export async function shut(sockets: readonly Socket[]): Promise<void> {
  await Promise.all(sockets.map(socket => new Promise<void>(resolve => { socket.once('close', () => resolve()); if (socket.destroyed) resolve(); else socket.destroy() })))
}

export function quantile(ms: readonly number[], part: number): number {
  const sorted = [...ms].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
}
