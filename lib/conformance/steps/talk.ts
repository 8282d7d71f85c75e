/** A connection that stays while other things happen: it has a name, and each step says a little more on it. */
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { asksHead, misread, statusesOf } from '../answers.ts'
import type { Reads } from '../answers.ts'
import { reach } from '../attack.ts'
import { bytesOf } from '../cases.ts'
import type { Bytes } from '../cases.ts'
import { exchange, isOpened, reaches, tunnel } from '../exchange.ts'
import type { Memory, Outcome, World } from './step.ts'

export interface Talk {
  readonly kind: 'talk'
  /** Of the connection; it is opened when it is named for the first time. */
  readonly line: string
  /** Opened by a CONNECT to there, with TLS inside. */
  readonly connect?: string
  readonly bytes?: Bytes
  /** A regular expression: once it is read the connection is left alone, and stays; null: nothing is waited for. Default: the end, or a silence, and it is closed. */
  readonly until?: string | null
  readonly reads?: Reads
}

/** What is left open between steps. */
export interface Line { readonly socket: Socket, answers: number }

export async function talk(step: Talk, world: World, { lines }: Memory): Promise<Outcome> {
  const { clock, proxy, caughtUp } = world
  let line = lines.get(step.line)
  if (line === undefined) {
    line = { socket: reach(proxy), answers: 0 }
    lines.set(step.line, line)
    if (step.connect !== undefined) {
      const secure = await secured(line.socket, step.connect, world)
      if (secure === null) return { verdict: 'otherwise', problem: `no tunnel to ${step.connect}` }
      line = { socket: secure, answers: 0 }
      lines.set(step.line, line)
    }
  }
  const bytes = bytesOf({ bytes: step.bytes ?? '' })
  if (step.until === null) {
    line.socket.write(Buffer.from(bytes, 'latin1'))
    // By then it has been read.
    await caughtUp()
    return null
  }
  const answer = await exchange(line.socket, { bytes, clock, ...step.until === undefined ? { caughtUp } : { done: new RegExp(step.until) } })
  line.answers += statusesOf(answer, asksHead(bytes)).length
  const problem = step.reads === undefined ? '' : misread(answer, bytes, step.reads)
  return problem === '' ? null : { verdict: 'otherwise', problem }
}

/** Ends what is left, and tells of it. */
export function hangUp({ lines }: Memory, { proxy }: Pick<World, 'proxy'>): void {
  for (const { socket, answers } of lines.values()) {
    socket.destroy()
    proxy.heard?.(answers)
  }
  lines.clear()
}

async function secured(socket: Socket, authority: string, { clock }: World): Promise<Socket | null> {
  if (!isOpened(await tunnel(socket, authority, clock))) return null
  const secure = connectTls({ socket, servername: authority.replace(/:\d+$/, ''), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  return await reaches(secure, 'secureConnect', clock) ? secure : null
}
