/** Bytes written, bytes heard, with bounds in time and size: the only place where this room waits for a proxy to speak. */
import type { Socket } from 'node:net'
import type { Clock } from '../model/clock.ts'

/** A client that has heard nothing for so long asks whether the proxy has had the time to speak. */
const QUIET_MS = 300
/** A proxy that is this late with the answer to a plain request hangs. */
export const ALIVE_MS = 10_000
/** An answer longer than this is none that a case could ask for, in bytes. */
const MAX_ANSWER = 2 ** 20

export interface Exchange {
  /** Each character is one byte. */
  readonly bytes: string
  readonly clock: Clock
  /** What is waited for: once it has come the socket stays open, and is paused. Default: the end, or a silence. */
  readonly done?: RegExp
  /** Default: 300 ms; ten seconds when something is waited for. */
  readonly quietMs?: number
  /** Resolves when the proxy has served others meanwhile: a silence that outlasts it is one, however busy the machine. Default: it is one at once. */
  readonly caughtUp?: () => Promise<unknown>
}

/** @returns all that came, latin-1; the socket is destroyed unless `done` was seen */
export function exchange(socket: Socket, { bytes, clock, done, quietMs = done === undefined ? QUIET_MS : ALIVE_MS, caughtUp }: Exchange): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    const hear = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      timer.cancel()
      if (text.length > MAX_ANSWER) return finish()
      if (done?.test(text) === true) return settle()
      timer = clock.after(quietMs, rest)
    }
    const rest = (): void => {
      if (caughtUp === undefined) return finish()
      const { length } = text
      void caughtUp().then(() => { if (text.length === length) finish() }, finish)
    }
    const settle = (): void => {
      timer.cancel()
      socket.off('data', hear)
      socket.pause()
      resolve(text)
    }
    const finish = (): void => {
      settle()
      socket.destroy()
    }
    let timer = clock.after(quietMs, rest)
    socket.on('error', () => {})
    socket.on('data', hear)
    socket.resume()
    for (const event of ['end', 'close']) socket.once(event, () => { if (done === undefined || !done.test(text)) finish() })
    socket.write(Buffer.from(bytes, 'latin1'))
  })
}

/** @returns what CONNECT was answered; the socket goes on when that is 200 */
export const tunnel = (socket: Socket, authority: string, clock: Clock): Promise<string> =>
  exchange(socket, { bytes: `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`, clock, done: /\r\n\r\n/ })

export const isOpened = (answer: string): boolean => /^HTTP\/1\.[01] 200/.test(answer)

/** Whether a TLS socket, or any other, has got so far. */
export function reaches(socket: Socket, event: 'secureConnect' | 'connect', clock: Clock): Promise<boolean> {
  return new Promise(resolve => {
    const timer = clock.after(ALIVE_MS, () => resolve(false))
    socket.once(event, () => { timer.cancel(); resolve(true) })
    for (const end of ['error', 'close']) socket.once(end, () => { timer.cancel(); resolve(false) })
  })
}
