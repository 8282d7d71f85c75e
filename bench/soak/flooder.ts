/**
 * Clients that mean harm, in a process of their own: what they cost themselves is in nobody's figures.
 *
 * Told `{ flood, port, origin, rate, most }` it opens so many connections a second, each of which sends what that
 * flood is made of and stays; at `most` the oldest gives way. Told `stop` it ends them all, and answers how many there were.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'

export type Flood = 'slow heads' | 'slow bodies' | 'heads without end' | 'connections' | 'questions'

export interface FloodOrder {
  readonly flood: Flood
  readonly port: number
  readonly origin: number
  /** Connections a second. */
  readonly rate: number
  /** Connections at a time. */
  readonly most: number
}

const TURN_MS = 5
/** Of a head or body that comes slowly: a byte of each connection in so many milliseconds. */
const DRIP_MS = 500

let stop: (() => number) | null = null
process.on('message', (order: FloodOrder | 'stop') => {
  if (order === 'stop') return void process.send?.(stop?.() ?? 0)
  stop = begin(order)
})
process.on('disconnect', () => process.exit())

function begin({ flood, port, origin, rate, most }: FloodOrder): () => number {
  const open = new Set<Socket>()
  const from = performance.now()
  let made = 0
  const opening = setInterval(() => {
    for (const due = (performance.now() - from) / 1_000 * rate; made < due;) openOne(made++)
  }, TURN_MS)
  const dripping = setInterval(() => { if (flood.startsWith('slow')) for (const socket of open) socket.write('x') }, DRIP_MS)

  function openOne(n: number): void {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => {})
    socket.on('data', () => {})
    socket.once('close', () => open.delete(socket))
    socket.once('connect', () => socket.write(bytesOf(flood, origin, n)))
    open.add(socket)
    if (open.size <= most) return
    const [oldest] = open
    open.delete(oldest!)
    oldest!.destroy()
  }

  return () => {
    clearInterval(opening)
    clearInterval(dripping)
    for (const socket of open) socket.destroy()
    return made
  }
}

function bytesOf(flood: Flood, origin: number, n: number): string {
  switch (flood) {
    case 'slow heads': return 'GET http://open.test/ HTTP/1.1\r\nX-A: '
    case 'slow bodies': return `POST http://held.test:${origin}/ HTTP/1.1\r\nHost: held.test:${origin}\r\nContent-Length: 1000000\r\n\r\nx`
    case 'heads without end': return `GET http://open.test/ HTTP/1.1\r\n${'X-Filler: y\r\n'.repeat(3_000)}`
    case 'connections': return ''
    // The same question for most, so that approvers are not what is measured.
    case 'questions': return `GET http://held.test:${origin}/${n % 150} HTTP/1.1\r\nHost: held.test:${origin}\r\n\r\n`
    default: return flood satisfies never
  }
}
