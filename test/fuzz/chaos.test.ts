/**
 * Clients and upstreams that do whatever they like, many at a time, each thing more than once on a connection: the firewall goes
 * on, nothing forbidden gets out, every flow has its one record, and in the end nothing is left of any of it.
 * `SEED=…` repeats what is done (not when it is done), `FUZZ_CASES=…` makes it longer.
 */
import t from 'tap'
import type { Test } from 'tap'
import { createServer as createTcp, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createTls, connect as connectTls } from 'node:tls'
import type { Duplex } from 'node:stream'
import { reset } from '../../lib/model/reset.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { originCertificate } from '../helpers/certificates.ts'
import type { PolicyDocument } from '../../lib/index.ts'
import { seeded } from '../unit/decide/seeded.ts'
import type { Seeded } from '../unit/decide/seeded.ts'

const CLIENTS = 200 * Number(process.env['FUZZ_CASES'] ?? 1)
const AT_A_TIME = 24
const MAX_ACTIONS = 14

const turn = (): Promise<void> => new Promise(setImmediate)

/** What an upstream does with a connection once it has read a head, by the first word of the path. */
const ANSWERS: Readonly<Record<string, (socket: Duplex) => void>> = {
  ok: socket => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') },
  chunked: socket => { socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n'); setImmediate(() => socket.write('3\r\nbcd\r\n0\r\nX-Sum: 1\r\n\r\n')) },
  large: socket => { socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`) },
  close: socket => { socket.end('HTTP/1.0 200 OK\r\n\r\nuntil the end') },
  gone: socket => { socket.destroy() },
  cut: socket => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf'); setImmediate(() => socket.destroy()) },
  early: socket => { socket.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n') },
  hints: socket => { socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') },
  interim: socket => { socket.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(40)) },
  unasked: socket => { socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n') },
  socket: socket => { socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nhello') },
  twice: socket => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmore') },
  empty: socket => { socket.write('HTTP/1.1 204 No Content\r\n\r\n') },
  garbage: socket => { socket.write('\x16\x03\x01 no HTTP\r\n\r\n') },
  lengths: socket => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!') },
  silent: () => {},
}

interface Upstreams {
  readonly plain: number
  readonly secure: number
  /** First lines of what came. */
  readonly heads: string[]
  readonly sockets: Set<Duplex>
}

/** Bytes of a body of which all is there, else null. */
function bodyIn(head: string, rest: string): number | null {
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return rest.includes('0\r\n\r\n') ? rest.indexOf('0\r\n\r\n') + 5 : null
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
  return rest.length < length ? null : length
}

async function startUpstreams(t: Test): Promise<Upstreams> {
  const heads: string[] = []
  const sockets = new Set<Duplex>()
  const serve = (socket: Duplex): void => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    let text = ''
    // What comes in an open channel, or behind a CONNECT that was ruled as a stream, is nobody's request.
    let isChannel = false
    socket.on('end', () => socket.end())
    socket.on('data', (chunk: Buffer) => {
      if (!isChannel) text += chunk.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end)
        const path = /^[A-Z]+ \/([a-z]+)\S* HTTP\/1\.1\r\n/.exec(head)?.[1]
        const length = bodyIn(head, text.slice(end + 4))
        if (length === null) return
        if (path !== undefined) heads.push(head)
        text = text.slice(end + 4 + length)
        isChannel = path === 'socket'
        if (isChannel) text = ''
        if (path !== undefined) ANSWERS[path]?.(socket)
      }
    })
  }
  const listen = async (server: ReturnType<typeof createTcp>): Promise<number> => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => { server.close(); for (const socket of sockets) socket.destroy() })
    return (server.address() as AddressInfo).port
  }
  const { cert, key } = originCertificate()
  const secure = createTls({ cert, key }, serve)
  secure.on('tlsClientError', () => {})
  return { plain: await listen(createTcp({ allowHalfOpen: true }, serve)), secure: await listen(secure), heads, sockets }
}

/** One connection, and all that its client does on it. */
async function misbehave(house: House, upstreams: Upstreams, random: Seeded): Promise<void> {
  const raw = connect({ port: house.port, host: '127.0.0.1', allowHalfOpen: random.upTo(4) === 0 })
  raw.on('error', () => {})
  let came = 0
  let socket: Socket = raw
  const hear = (): void => { socket.on('data', (chunk: Buffer) => { came += chunk.length }) }
  const pause = async (): Promise<void> => {
    const kind = random.upTo(4)
    if (kind === 0) return
    const before = came
    // Until something comes, but not for ever: some of what is sent has no answer.
    for (let n = kind === 1 ? 2 : 60; n > 0 && came === before && !socket.destroyed; n--) await turn()
  }
  const host = random.pick(['open.test', 'open.test', 'open.test', 'ask.test', 'no.test', 'other.test', 'stream.test', 'pass.test', 'sallyport.internal'])
  const isSecure = random.upTo(2) === 0
  const port = isSecure ? upstreams.secure : upstreams.plain
  const isTunnel = isSecure || random.upTo(3) === 0
  hear()
  if (isTunnel) {
    raw.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`)
    for (let n = 0; n < 500 && came === 0 && !raw.destroyed; n++) await turn()
    if (isSecure && random.upTo(6) > 0) {
      raw.removeAllListeners('data')
      socket = connectTls({ socket: raw, servername: random.upTo(12) === 0 ? 'open.test' : host, ca: house.ca, rejectUnauthorized: false })
      socket.on('error', () => {})
      hear()
      await new Promise<void>(resolve => { for (const event of ['secureConnect', 'close', 'error']) socket.once(event, () => resolve()) })
    }
  }
  const act = random.pick([undefined, undefined, ...ACTIONS])
  for (let n = 1 + random.upTo(MAX_ACTIONS); n > 0 && !socket.destroyed; n--) {
    // Some do one thing again and again.
    const bytes = (act ?? random.pick(ACTIONS))({ random, at: isTunnel ? '' : `http://${host}:${port}`, host: `${host}:${port}` })
    if (bytes === null) break
    socket.write(Buffer.from(bytes, 'latin1'))
    await pause()
  }
  const end = random.upTo(4)
  if (end === 0) reset(raw, socket)
  else if (end === 1) raw.destroy()
  else socket.end()
  for (let n = 0; n < 100 && !socket.destroyed; n++) await turn()
  socket.destroy()
  raw.destroy()
}

interface Place { readonly random: Seeded, readonly at: string, readonly host: string }
type Act = (place: Place) => string | null

const path = (random: Seeded): string => `/${random.pick(random.upTo(8) === 0 ? ['shut', '%2e%2e/ok', 'ok/../../x'] : Object.keys(ANSWERS))}/${random.upTo(4)}`
const request = (place: Place, method: string, fields: string, body = '', target = path(place.random)): string => `${method} ${place.at}${target} HTTP/1.1\r\nHost: ${place.host}\r\n${fields}\r\n${body}`
const get: Act = place => request(place, 'GET', '')

const ACTIONS: readonly Act[] = [
  get, get,
  place => request(place, 'GET', '', '', place.random.pick(['/v1/policy', '/v1/denials', '/v1/requests/x?wait=1'])),
  place => request(place, 'POST', 'Content-Type: application/json\r\nContent-Length: 47\r\n', '{"reason":"x","rules":[{"host":"a.example.com"}', '/v1/requests'),
  place => request(place, 'HEAD', ''),
  place => request(place, 'GET', 'Connection: close\r\n'),
  place => request(place, 'POST', 'Content-Length: 5\r\n', 'hello'),
  place => request(place, 'PUT', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'),
  place => request(place, 'POST', 'Content-Length: 50000\r\n', 'only the beginning'),
  place => request(place, 'POST', 'Transfer-Encoding: chunked\r\n', '5\r\nhel'),
  place => request(place, 'POST', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\nzz\r\n'),
  place => request(place, 'POST', 'Content-Length: 2\r\nExpect: 100-continue\r\n'),
  place => request(place, 'GET', 'Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'),
  place => request(place, 'GET', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'),
  place => [get(place), request(place, 'DELETE', ''), get(place), get(place)].join(''),
  place => request(place, 'TRACE', ''),
  place => request(place, 'GET', `X-Long: ${'x'.repeat(17_000)}\r\n`),
  place => `CONNECT ${place.host} HTTP/1.1\r\nHost: ${place.host}\r\n\r\n`,
  place => request(place, 'GET', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  place => request(place, 'GET', '').slice(0, 20),
  ({ random }) => random.pick(['\r\n', '\r\n\r\n', '\0', 'hello', '\x16\x03\x01\x00\x05', 'GET / HTTP/9.9\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']),
  () => null,
]

t.test('clients and upstreams that do whatever they like', { timeout: 110_000 + CLIENTS * 300 }, async t => {
  const random = seeded()
  t.comment(`SEED=${random.seed}`)
  const wrong: string[] = []
  const note = (what: unknown): void => { wrong.push(what instanceof Error ? String(what.stack) : String(what)) }
  for (const event of ['uncaughtException', 'unhandledRejection', 'warning'] as const) {
    process.on(event, note)
    t.teardown(() => process.off(event, note))
  }
  const upstreams = await startUpstreams(t)
  const open = { port: [upstreams.plain, upstreams.secure], private: true, access: 'full', scheme: ['http', 'https', 'ws', 'wss'] } as const
  const answers = seeded(random.upTo(2 ** 31))
  const policy = (paths: readonly string[]): PolicyDocument => ({ version: 1, rules: [
    { id: 'open', host: 'open.test', ...open },
    { id: 'shut', action: 'deny', host: ['open.test', 'ask.test', 'other.test'], path: paths },
    { id: 'no', action: 'deny', host: 'no.test' },
    { id: 'ask', action: 'hold', host: 'ask.test', ...open },
    { id: 'stream', host: 'stream.test', scheme: 'tcp', port: open.port, private: true },
    { id: 'pass', host: 'pass.test', tls: 'passthrough', port: upstreams.secure, private: true },
  ] })
  const house = await openHouse(t, policy(['/shut/**']), { limits: { betweenMs: 200, streamIdleMs: 1_000, silenceMs: 50, headerMs: 100, handshakeMs: 200, holdMs: 300, drainMs: 100 }, approve: async () => {
    for (let n = answers.upTo(10); n > 0; n--) await turn()
    return answers.pick([{ verdict: 'approve', grant: 'once' }, { verdict: 'deny', reason: 'no' }, { verdict: 'pass' }] as const)
  } })

  let left = CLIENTS
  const reloading = (async () => {
    for (let n = 0; left > 0 && wrong.length === 0; n++) {
      for (let turns = 0; turns < 200; turns++) await turn()
      await house.firewall.reload(policy(n % 2 === 0 ? ['/shut/**', '/socket/**'] : ['/shut/**']))
    }
  })()
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    while (left-- > 0 && wrong.length === 0) await misbehave(house, upstreams, seeded(random.upTo(2 ** 31)))
  }))
  await reloading

  const heads = upstreams.heads.filter(head => /^[A-Z]+ (?:\/shut|\S*\.\.)|\r\nhost: (?:no|other)\.test/i.test(head) && !/(?:stream|pass)\.test/.test(head))
  t.strictSame(heads, [], 'nothing forbidden got out')
  for (let n = 0; n < 2_000 && house.firewall.status().counts.connections > 0; n++) await new Promise(resolve => setTimeout(resolve, 5))
  t.equal(house.firewall.status().counts.connections, 0, 'no connection of a client is left')
  await house.firewall.close()
  for (let n = 0; n < 200 && upstreams.sockets.size > 0; n++) await new Promise(resolve => setTimeout(resolve, 5))
  t.equal(upstreams.sockets.size, 0, 'nor one to an upstream')
  const flows = house.closed.map(({ flow }) => flow)
  t.equal(new Set(flows).size, flows.length, 'every flow has one closing record')
  const opened = new Set(house.records.filter(({ event }) => event === 'open').map(({ flow }) => flow))
  for (const flow of flows) opened.delete(flow)
  t.equal(opened.size, 0, 'and so has every flow that was said to be open')
  t.strictSame(wrong, [], 'nothing was thrown, and nothing warned')
  t.ok(upstreams.heads.length > CLIENTS / 10, `${upstreams.heads.length} requests reached an upstream, ${flows.length} flows`)
})
