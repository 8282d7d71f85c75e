/**
 * A firewall with every door open, requests that wait and a grant that stands; and clients that say bytes at those doors.
 * What a case may name is told by words in braces: `{question}`, `{shown}`, `{task}`, `{grant}`, `{cookie}`, `{key}`, `{host}`, `{inode}` of the log.
 */
import { statSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { connectControl } from '../../lib/control/client.ts'
import { shortDir } from '../helpers/fake-desk.ts'
import { fakeClock } from '../helpers/fake-clock.ts'
import { openHouse, requestsOf } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'

export type Door = 'control' | 'console' | 'agent'

/** How a client goes about it. `close`: it waits for the end; `end`: it closes its half; `leave`: it is gone after so many bytes. */
export type Manner =
  | { readonly kind: 'close' | 'end', readonly cuts: readonly number[] }
  | { readonly kind: 'leave', readonly after: number }

export interface State {
  /** Each question, as it was shown and with those who wait for it: one text. */
  readonly questions: readonly string[]
  /** Grants and the policy in force. */
  readonly rules: string
  /** Requests that an origin has got. */
  readonly released: number
}

export interface DoorsWorld {
  /** Puts back what a case has used up. @returns what the words stand for */
  prepare(): Promise<Readonly<Record<string, string>>>
  /** @returns what was answered, latin-1 */
  say(door: Door, bytes: string, manner: Manner): Promise<string>
  state(): Promise<State>
  /** Whether the control socket answers as it should, and no connection is left. */
  afterwards(): Promise<string | null>
}

const HELD = 3
/** Longest that a door may take, on a busy machine. Milliseconds. */
const PATIENCE_MS = 20_000

export async function openDoorsWorld(t: Test): Promise<DoorsWorld> {
  const clock = fakeClock()
  const origin = await startOrigin(t)
  const { port } = origin
  // What was let go leaves no connection behind here either.
  origin.server.keepAliveTimeout = 1
  const folder = shortDir(t)
  const path = join(folder, 's.sock')
  const log = join(folder, 'audit.jsonl')
  const house = await openHouse(t, {
    version: 1, rules: [{ id: 'ask', action: 'hold', host: ['ask.test', 'given.test'], port, scheme: 'http', private: true }, { id: 'never', action: 'deny', host: 'never.test' }],
  }, { clock, audit: log, control: path, console: { port: 0 }, limits: { holdMs: 1_000_000_000, rememberMs: 1 } })
  const { firewall } = house
  const operator = connectControl(path)
  const page = new URL(firewall.console!.url)
  let session = await redeem(firewall.console!.link)
  let asked = 0
  const clients = new Set<Socket>()

  /** Fields that the page sends. */
  function fieldsOf({ cookie, key }: { readonly cookie: string, readonly key: string }): Record<string, string> {
    return { host: page.host, origin: page.origin, 'content-type': 'application/json', cookie, 'sallyport-key': key }
  }

  function call(path: string, fields: Record<string, string>, body: string): Promise<{ readonly status: number, readonly text: string, readonly cookie: string }> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: page.hostname, port: page.port, agent: false, method: path.startsWith('/v1/') ? 'GET' : 'POST', path, headers: fields }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => { text += part })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text, cookie: String(response.headers['set-cookie']?.[0]).split(';')[0]! }))
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  async function redeem(link: string): Promise<{ readonly cookie: string, readonly key: string }> {
    const { text, cookie } = await call('/sign-in', fieldsOf({ cookie: '', key: '' }), JSON.stringify({ token: link.split('#sign-in=')[1] }))
    return { cookie, key: (JSON.parse(text) as { key: string }).key }
  }

  async function isSignedIn(): Promise<boolean> {
    return (await call('/v1/status', fieldsOf(session), '')).status === 200
  }

  /** Held until somebody answers; its client stays. */
  function hold(url: string): void {
    const sent = request({ port: house.port, agent: false, path: url, headers: { host: new URL(url).host } }, response => { response.resume() })
    sent.on('error', () => {})
    sent.on('socket', socket => {
      clients.add(socket)
      socket.once('close', () => clients.delete(socket))
    })
    sent.end()
  }
  t.teardown(() => { for (const socket of clients) socket.destroy() })

  async function prepare(): Promise<Readonly<Record<string, string>>> {
    // What an agent may do in a minute, it may do again.
    clock.advance(60_000)
    for (const task of firewall.pending()) if (task.kind === 'task' && task.reason !== STANDING) await firewall.answer(task.id, { verdict: 'deny' })
    if (!firewall.pending().some(({ kind }) => kind === 'task')) await say('agent', bytesOfTask(asked++), { kind: 'close', cuts: [] })
    if (!await isSignedIn()) session = await redeem(await operator.consoleLink())
    const grants = await operator.grants()
    const grant = grants.find(({ rule }) => rule.host === 'given.test')
    for (const { id } of grants) if (id !== grant?.id) await operator.undo(id)
    if (grant === undefined) {
      hold(`http://given.test:${port}/`)
      const question = (await house.questions(requestsOf(firewall).length + 1)).find(({ host }) => host === 'given.test')
      await firewall.answer(question!.id, { verdict: 'approve', grant: { rule: { host: 'given.test', port, scheme: 'http' } } })
      return prepare()
    }
    for (let missing = HELD - requestsOf(firewall).length; missing > 0; missing--) hold(`http://ask.test:${port}/held/${asked++}`)
    const [first] = await house.questions(HELD)
    const task = firewall.pending().find(({ kind }) => kind === 'task')
    return { question: first!.id, shown: first!.shown, task: task!.id, port: String(port), grant: grant.id, ...session, host: page.host, inode: String(statSync(log).ino) }
  }

  async function state(): Promise<State> {
    const { policy } = firewall.status()
    const grants = await operator.grants()
    return {
      questions: firewall.pending().map(({ kind, id, shown, waiting }) => `${kind} ${id} ${shown} ${waiting}`),
      released: origin.requests.length,
      rules: JSON.stringify([grants.map(({ id }) => id), policy]),
    }
  }

  function say(door: Door, bytes: string, manner: Manner): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = door === 'control' ? connect(path) : connect(door === 'console' ? Number(page.port) : house.port, '127.0.0.1')
      let text = ''
      socket.setNoDelay?.(true)
      socket.on('error', () => {})
      socket.on('data', chunk => {
        text += chunk.toString('latin1')
        // It would never end by itself.
        if (text.includes('text/event-stream')) socket.destroy()
      })
      // Whatever the firewall waits for by its own clock is over some ticks later.
      const ticks = setInterval(() => clock.advance(1_000), 20)
      const patience = setTimeout(() => {
        reject(new Error(`the connection stays open after ${JSON.stringify(text.slice(0, 200))}`))
        socket.destroy()
      }, PATIENCE_MS)
      socket.once('close', () => {
        clearInterval(ticks)
        clearTimeout(patience)
        resolve(text)
      })
      socket.once('connect', () => {
        if (manner.kind === 'leave') {
          socket.write(Buffer.from(bytes.slice(0, manner.after), 'latin1'), () => setImmediate(() => socket.destroy()))
          return
        }
        const ends = [...manner.cuts.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
        let at = 0
        const next = (): void => {
          const end = ends.shift()
          if (end === undefined) {
            if (manner.kind === 'end') socket.end()
            return
          }
          socket.write(Buffer.from(bytes.slice(at, end), 'latin1'), () => setImmediate(next))
          at = end
        }
        next()
      })
    })
  }

  async function afterwards(): Promise<string | null> {
    const { state } = await operator.status()
    if (state !== 'running') return `the firewall is ${state}`
    const before = process.hrtime.bigint()
    // Who waits is connected, at both ends here.
    while (sockets() > 2 * clients.size) {
      if (process.hrtime.bigint() - before > BigInt(PATIENCE_MS) * 1_000_000n) return `${sockets()} sockets are open, and ${clients.size} clients wait`
      await new Promise(setImmediate)
    }
    return null
  }

  const others = process.getActiveResourcesInfo().filter(isSocket).length
  const sockets = (): number => process.getActiveResourcesInfo().filter(isSocket).length - others
  return { prepare, say, state, afterwards }
}

const STANDING = 'stands'

/** What was denied once would not be asked again. */
function bytesOfTask(number: number): string {
  const body = JSON.stringify({ reason: STANDING, rules: [{ host: `later${number}.test` }] })
  return `POST http://sallyport.internal/v1/requests HTTP/1.1\r\nHost: sallyport.internal\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
}

const isSocket = (name: string): boolean => name === 'TCPSocketWrap' || name === 'PipeWrap'
