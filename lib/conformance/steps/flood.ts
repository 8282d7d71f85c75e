/** Many at once, each asking for a little and keeping its place: others must be served all the same. */
import type { Socket } from 'node:net'
import { asksHead, statusesOf } from '../answers.ts'
import { isAlive, reach } from '../attack.ts'
import { bytesOf } from '../cases.ts'
import type { Bytes } from '../cases.ts'
import { exchange, reaches } from '../exchange.ts'
import type { Outcome, World } from './step.ts'

export interface Flood {
  readonly kind: 'flood'
  readonly connections: number
  /** `{n}` is the number of the connection. */
  readonly bytes: Bytes
  /** As of `talk`: what each reads before others are looked at. Default: nothing is waited for. */
  readonly until?: string
  /** How they go. Default: `ends`. */
  readonly then?: 'ends' | 'resets'
}

export async function flood({ connections, bytes, until, then = 'ends' }: Flood, { proxy, lane, clock }: World): Promise<Outcome> {
  const sockets: Socket[] = []
  const text = bytesOf({ bytes })
  const answers = await Promise.all(Array.from({ length: connections }, async (_, number) => {
    const socket = reach(proxy)
    sockets.push(socket)
    if (!await reaches(socket, 'connect', clock)) return null
    socket.on('error', () => {})
    const mine = text.replaceAll('{n}', String(number))
    if (until !== undefined) return statusesOf(await exchange(socket, { bytes: mine, clock, done: new RegExp(until) }), asksHead(mine)).length
    socket.write(Buffer.from(mine, 'latin1'))
    return 0
  }))
  const life = await isAlive(proxy, lane.allowed, clock)
  for (const socket of sockets) {
    if (then === 'resets') socket.resetAndDestroy()
    else socket.destroy()
  }
  for (const count of answers) if (count !== null) proxy.heard?.(count)
  if (answers.includes(null)) return { verdict: 'otherwise', problem: 'a connection was not taken' }
  return life === 'alive' ? null : { verdict: 'otherwise', problem: 'others are not served meanwhile' }
}
