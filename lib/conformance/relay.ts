/**
 * The attacker's hands inside of a sandbox: lines of JSON that say what to do come in, a line for each that says what came
 * of it goes out. It stands alone, as it is handed over as text: nothing of ours is to be found in there.
 */
import { createSocket } from 'node:dgram'
import { execFile } from 'node:child_process'
import { lookup } from 'node:dns'
import { readFile } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { connect as connectTls } from 'node:tls'

export type Deed =
  | { readonly do: 'connect', readonly host: string, readonly port: number, readonly tls?: { readonly sni: string, readonly isTrusting?: boolean }, readonly bytes?: string }
  | { readonly do: 'unix', readonly path: string, readonly bytes: string }
  | { readonly do: 'datagram', readonly host: string, readonly port: number, readonly bytes: string }
  | { readonly do: 'lookup', readonly name: string }
  | { readonly do: 'read', readonly path: string }
  | { readonly do: 'run', readonly command: readonly [string, ...string[]] }

/** `read` is what came back, latin-1; `problem` why nothing more did, '' when it went well. */
export interface Came { readonly read: string, readonly problem: string }

const QUIET_MS = 1_000
/** For the first byte of an answer, or a program's end. */
const PATIENCE_MS = 20_000

createInterface({ input: process.stdin }).on('line', line => {
  const { id, deed } = JSON.parse(line) as { id: number, deed: Deed }
  act(deed, came => process.stdout.write(`${JSON.stringify({ id, ...came })}\n`))
}).on('close', () => process.exit(0))

function act(deed: Deed, done: (came: Came) => void): void {
  switch (deed.do) {
    case 'connect': return speak(connect(deed.port, deed.host), deed, done)
    case 'unix': return speak(connect(deed.path), deed, done)
    case 'datagram': return throwOut(deed, done)
    case 'lookup': return lookup(deed.name, { all: true }, (error, found) => done(error === null ? { read: found.map(({ address }) => address).join(' '), problem: '' } : { read: '', problem: codeOf(error) }))
    case 'read': return readFile(deed.path, 'latin1', (error, text) => done(error === null ? { read: text.slice(0, 65_536), problem: '' } : { read: '', problem: codeOf(error) }))
    case 'run': return void execFile(deed.command[0], deed.command.slice(1), { timeout: PATIENCE_MS }, (error, out, err) => done({ read: `${out}${err}`, problem: error === null ? '' : `exit ${error.code ?? error.signal ?? error.message}` }))
  }
}

function speak(plain: Socket, deed: Extract<Deed, { readonly do: 'connect' | 'unix' }>, done: (came: Came) => void): void {
  let read = ''
  const socket = deed.do === 'connect' && deed.tls !== undefined ? connectTls({ socket: plain, servername: deed.tls.sni, rejectUnauthorized: deed.tls.isTrusting !== true }) : plain
  const finish = (problem: string): void => {
    for (const each of [plain, socket]) each.removeAllListeners().on('error', () => {})
    plain.destroy()
    done({ read, problem })
  }
  plain.setTimeout(PATIENCE_MS, () => finish(read === '' ? 'silence' : ''))
  socket.once(socket === plain ? 'connect' : 'secureConnect', () => { socket.write(Buffer.from(deed.bytes ?? '', 'latin1')) })
  socket.on('data', (chunk: Buffer) => {
    read += chunk.toString('latin1')
    plain.setTimeout(QUIET_MS)
  })
  for (const each of new Set<Socket>([plain, socket])) each.once('error', (error: NodeJS.ErrnoException) => finish(codeOf(error)))
  socket.once('close', () => finish(read === '' ? 'closed' : ''))
}

function throwOut({ host, port, bytes }: Extract<Deed, { readonly do: 'datagram' }>, done: (came: Came) => void): void {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const finish = (came: Came): void => {
    if (patience.onabort === null) return
    patience.onabort = null
    socket.removeAllListeners().on('error', () => {})
    socket.close()
    done(came)
  }
  const patience = AbortSignal.timeout(QUIET_MS)
  patience.onabort = () => finish({ read: '', problem: 'silence' })
  socket.once('message', message => finish({ read: message.toString('latin1'), problem: '' }))
  socket.once('error', error => finish({ read: '', problem: codeOf(error) }))
  // Told of a failure here and not by an event; it is only an error where there is one.
  socket.connect(port, host, ((error?: NodeJS.ErrnoException) => {
    if (error !== undefined) finish({ read: '', problem: codeOf(error) })
    else socket.send(Buffer.from(bytes, 'latin1'), () => {})
  }) as () => void)
}

const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? error.message
