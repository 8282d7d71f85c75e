/** What is allowed works as without us: bodies, framing, interim responses, aborts, keep-alive, on both ports. */
import t from 'tap'
import type { Test } from 'tap'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect as connectTls } from 'node:tls'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import { openSecureTunnel, openTunnel, openWire } from '../helpers/wire.ts'
import type { PolicyDocument } from '../../lib/index.ts'

const open = (port: number): PolicyDocument => ({ version: 1, rules: [{ id: 'open', host: 'open.test', port, private: true, access: 'full', scheme: ['https', 'http', 'wss', 'ws'] }] })

/** An origin that answers with raw bytes. */
async function rawOrigin(t: Test, answer: (socket: Socket, head: string) => void): Promise<{ port: number, sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    let text = ''
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = text.slice(0, end)
      text = text.slice(end + 4)
      answer(socket, head)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { for (const socket of sockets) socket.destroy(); server.close() })
  return { port: (server.address() as AddressInfo).port, sockets }
}

const plain = (house: House, port: number, head: string, body = ''): Promise<string> => openWire(house.port).then(wire => {
  const [method, path, ...fields] = head.split('\n')
  wire.write([`${method} http://open.test:${port}${path} HTTP/1.1`, `Host: open.test:${port}`, 'Connection: close', ...fields, '', body].join('\r\n'))
  return wire.ended()
})

/** Long enough for whatever is on its way. */
async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await new Promise(resolve => setTimeout(resolve, 1))
}

async function none(set: { size: number }): Promise<void> {
  while (set.size > 0) await new Promise(setImmediate)
}

t.test('a kept-alive tunnel carries many requests, each judged, over one upstream connection', async t => {
  const origin = await startOrigin(t, { secure: true })
  const house = await openHouse(t, { version: 1, unmatched: 'deny', rules: [{ id: 'open', host: 'open.test', port: origin.port, private: true, path: '/ok/*' }] })
  const wire = await openSecureTunnel(house.port, `open.test:${origin.port}`, { ca: house.ca })
  for (let n = 1; n <= 3; n++) {
    wire.write(`GET /ok/${n} HTTP/1.1\r\nHost: open.test:${origin.port}\r\n\r\n`)
    await wire.until(new RegExp(`(200 OK[^]*){${n}}ok\\n$`))
  }
  wire.write(`GET /no HTTP/1.1\r\nHost: open.test:${origin.port}\r\n\r\n`)
  await wire.until(/403 Forbidden[^]*\}\n$/)
  wire.write(`GET /ok/4 HTTP/1.1\r\nHost: open.test:${origin.port}\r\n\r\n`)
  await wire.until(/403 Forbidden[^]*200 OK[^]*ok\n$/)
  t.equal(origin.connections, 1)
  t.strictSame(origin.requests.map(request => request.url), ['/ok/1', '/ok/2', '/ok/3', '/ok/4'])
  wire.close()
})

t.test('pipelined requests are answered in order, each ruled on its own', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, { version: 1, unmatched: 'deny', rules: [{ id: 'open', host: 'open.test', scheme: 'http', port: origin.port, private: true, path: '/ok/*' }] })
  const wire = await openWire(house.port)
  const line = (path: string, last = false): string => `GET http://open.test:${origin.port}${path} HTTP/1.1\r\nHost: open.test:${origin.port}\r\n${last ? 'Connection: close\r\n' : ''}\r\n`
  wire.write(line('/ok/1') + line('/no') + line('/ok/2', true))
  const statuses = [...(await wire.ended()).matchAll(/HTTP\/1\.1 (\d+)/g)].map(match => match[1])
  t.strictSame(statuses, ['200', '403', '200'])
})

t.test('a request overtakes none that may change something, and none that does overtakes it', async t => {
  const answers = new Map<string, () => void>()
  const origin = await startOrigin(t, { answer: (request, response) => { answers.set(request.url!, () => response.end()) } })
  const house = await openHouse(t, open(origin.port))
  const wire = await openWire(house.port)
  const seen = (): (string | undefined)[] => origin.requests.map(request => request.url)
  const answered = async (path: string, ...then: string[]): Promise<void> => {
    answers.get(path)!()
    while (!then.every(next => answers.has(next))) await new Promise(setImmediate)
  }
  const requests = [['GET', '/1'], ['GET', '/2'], ['DELETE', '/3'], ['GET', '/4'], ['GET', '/5'], ['PUT', '/6'], ['GET', '/7']] as const
  wire.write(requests.map(([method, path]) => `${method} http://open.test:${origin.port}${path} HTTP/1.1\r\nHost: open.test:${origin.port}\r\nContent-Length: 0\r\n\r\n`).join(''))
  while (!answers.has('/2')) await new Promise(setImmediate)
  await turns()
  t.strictSame(seen().sort(), ['/1', '/2'], 'reading goes side by side')
  await answered('/1')
  await turns()
  t.notOk(answers.has('/3'), 'one of those before it is not answered yet')
  await answered('/2', '/3')
  await turns()
  t.strictSame(seen().slice(2), ['/3'], 'what changes something goes alone')
  await answered('/3', '/4', '/5')
  await answered('/5')
  await answered('/4', '/6')
  wire.close()
  const closed = await house.closings(requests.length)
  t.strictSame(seen().slice(5), ['/6'], 'what waited when its client left is not sent')
  t.match(closed.find(({ path }) => path === '/7'), { method: 'GET', error: 'client_left' }, 'and has its record')
})

t.test('bodies stream both ways, whatever their framing', async t => {
  const origin = await startOrigin(t, { answer: (_request, response, body) => { response.write(body.slice(0, 3)); response.end(body.slice(3)) } })
  const house = await openHouse(t, open(origin.port))
  t.match(await plain(house, origin.port, 'POST\n/\nContent-Length: 11', 'hello world'), /\r\n\r\n3\r\nhel\r\n8\r\nlo world\r\n0\r\n\r\n$/, 'a length in, chunks out')
  t.match(await plain(house, origin.port, 'PUT\n/\nTransfer-Encoding: chunked', '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'), /200 OK/, 'chunks in')
  t.strictSame(origin.requests.map(request => request.body), ['hello world', 'hello world'])
  const old = await openWire(house.port)
  old.write(`GET http://open.test:${origin.port}/ HTTP/1.0\r\n\r\n`)
  t.notMatch(await old.ended(), /chunked/i, 'HTTP/1.0 gets no chunks')
})

t.test('responses without a body have none', async t => {
  const origin = await startOrigin(t, { answer: (request, response) => {
    if (request.method === 'HEAD') response.writeHead(200, { 'Content-Length': 42 })
    else response.writeHead(Number(request.url!.slice(1)), { ETag: '"x"' })
    response.end()
  } })
  const house = await openHouse(t, open(origin.port))
  t.match(await plain(house, origin.port, 'HEAD\n/'), /Content-Length: 42\r\n[^]*\r\n\r\n$/i, 'HEAD keeps the length')
  for (const status of [204, 304]) t.match(await plain(house, origin.port, `GET\n/${status}`), new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\n\\r\\n$`), String(status))
})

t.test('the client\'s fields keep their order, case and repetitions, and so do the origin\'s', async t => {
  const origin = await rawOrigin(t, socket => socket.write('HTTP/1.1 200 Fine\r\nX-B: 1\r\nSet-Cookie: a=1\r\nx-a: 2\r\nSet-Cookie: b=2\r\nProxy-Authenticate: Basic\r\nSallyport-Flow: spoofed\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok'))
  const house = await openHouse(t, open(origin.port))
  const text = await plain(house, origin.port, 'GET\n/')
  t.match(text, /X-B: 1\r\nSet-Cookie: a=1\r\nx-a: 2\r\nSet-Cookie: b=2\r\n/)
  t.notMatch(text, /Proxy-Authenticate|Sallyport-Flow|timeout=5|Fine/)
})

t.test('interim responses reach the client before the final one', async t => {
  const origin = await rawOrigin(t, socket => socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  const house = await openHouse(t, open(origin.port))
  t.match(await plain(house, origin.port, 'GET\n/'), /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK/i)
})

t.test('a 100 comes after the ruling, and none at all for what is denied', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, { version: 1, rules: [...open(origin.port).rules!, { id: 'shut', action: 'deny', host: 'shut.test' }, { id: 'ask', action: 'hold', host: 'ask.test', private: true }] })
  const expecting = (host: string): string => `POST http://${host}:${origin.port}/ HTTP/1.1\r\nHost: ${host}:${origin.port}\r\nUser-Agent: python-requests/2\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`
  const allowed = await openWire(house.port)
  allowed.write(expecting('open.test'))
  await allowed.until('100 Continue')
  allowed.write('hi')
  t.match(await allowed.ended(), /100 Continue\r\n\r\nHTTP\/1\.1 200/)
  t.equal(origin.requests[0]?.body, 'hi')
  const denied = await openWire(house.port)
  denied.write(expecting('shut.test'))
  t.match(await denied.ended(), /^HTTP\/1\.1 403/)
  const held = await openWire(house.port)
  held.write(expecting('ask.test'))
  const [question] = await house.questions(1)
  t.equal(held.text, '', 'nothing releases the body while it is held')
  await house.firewall.answer(question!.id, { verdict: 'approve', grant: 'once' })
  await held.until('100 Continue')
  held.write('yo')
  t.match(await held.ended(), /HTTP\/1\.1 200/)
})

t.test('a denied body is read for the sake of the next request only where it is short', async t => {
  const house = await openHouse(t, { version: 1, unmatched: 'deny', rules: [] })
  const head = (fields: string): string => `POST http://no.test/ HTTP/1.1\r\nHost: no.test\r\n${fields}\r\n`
  const short = await openWire(house.port)
  short.write(head('Content-Length: 1000\r\n'))
  await short.until(/403 Forbidden[^]*\}\n$/)
  short.write('x'.repeat(1000) + head(''))
  await short.until(/(403 Forbidden[^]*){2}\}\n$/)
  short.close()
  for (const fields of ['Content-Length: 1000000000\r\n', 'Transfer-Encoding: chunked\r\n']) {
    const long = await openWire(house.port)
    long.write(head(fields))
    t.match(await long.ended(), /403 Forbidden[^]*Connection: close[^]*\}\n$/, fields)
  }
})

t.test('an event stream is flushed event by event', async t => {
  let finish = (): void => {}
  const origin = await startOrigin(t, { answer: (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.flushHeaders()
    finish = () => { response.write('data: 1\n\n'); finish = () => response.end() }
  } })
  const house = await openHouse(t, open(origin.port))
  const wire = await openWire(house.port)
  wire.write(`GET http://open.test:${origin.port}/ HTTP/1.1\r\nHost: open.test:${origin.port}\r\nConnection: close\r\n\r\n`)
  await wire.until('\r\n\r\n')
  t.match(wire.text, /text\/event-stream/, 'the head comes before any event')
  finish()
  await wire.until('data: 1')
  finish()
  await wire.ended()
})

t.test('an upstream that is cut in mid-body is seen as a cut', async t => {
  for (const [framing, head] of Object.entries({ 'a length': 'Content-Length: 100', chunks: 'Transfer-Encoding: chunked', 'the end of the connection': 'X-None: 1' })) {
    let cut = (): void => {}
    const origin = await rawOrigin(t, socket => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${framing === 'chunks' ? '5\r\nhello\r\n' : 'hello'}`)
      cut = () => socket.resetAndDestroy()
    })
    const house = await openHouse(t, open(origin.port))
    const error = await new Promise<string>(resolve => {
      const request = httpRequest({ host: '127.0.0.1', port: house.port, path: `http://open.test:${origin.port}/`, headers: { Host: `open.test:${origin.port}` } }, (response: IncomingMessage) => {
        response.on('error', (problem: NodeJS.ErrnoException) => resolve(problem.code ?? problem.message))
        response.on('end', () => resolve('a clean end'))
        response.on('data', () => cut())
      })
      request.on('error', (problem: NodeJS.ErrnoException) => resolve(problem.code ?? problem.message))
      request.end()
    })
    t.not(error, 'a clean end', framing)
    await house.closings(1)
    t.equal(house.closed[0]?.error, 'upstream_incomplete', framing)
  }
})

t.test('a client that aborts takes its upstream connection with it', async t => {
  const origin = await rawOrigin(t, () => { /* never answers */ })
  const house = await openHouse(t, open(origin.port))
  for (let n = 1; n <= 5; n++) {
    const wire = await openWire(house.port)
    wire.write(`POST http://open.test:${origin.port}/ HTTP/1.1\r\nHost: open.test:${origin.port}\r\nContent-Length: 100\r\n\r\nhalf`)
    while (origin.sockets.size === 0) await new Promise(setImmediate)
    wire.close()
    await none(origin.sockets)
    const closed = await house.closings(n)
    t.equal(closed.at(-1)?.error, 'client_left')
  }
  t.equal(house.firewall.status().counts.connections, 0)
})

t.test('a client that only closed its half still gets its answer', async t => {
  let answer = (): void => {}
  const origin = await startOrigin(t, { answer: (_request, response) => { answer = () => response.end('late\n') } })
  const house = await openHouse(t, open(origin.port))
  const wire = await openWire(house.port)
  wire.socket.end(`GET http://open.test:${origin.port}/ HTTP/1.1\r\nHost: open.test:${origin.port}\r\nConnection: close\r\n\r\n`)
  await wire.until('100 Continue')
  while (origin.requests.length === 0) await new Promise(setImmediate)
  answer()
  t.match(await wire.ended(), /200 OK[^]*late/)
})

t.test('a WebSocket opens over both ports, carries bytes both ways, and a rule has to name it', async t => {
  const upgrades: string[] = []
  for (const secure of [false, true]) {
    const origin = await startOrigin(t, { secure })
    origin.server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
      upgrades.push(`${request.url} ${request.rawHeaders.join(' ')}`)
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n')
      socket.on('data', chunk => socket.write(`echo ${String(chunk)}`))
      socket.on('error', () => {})
    })
    const house = await openHouse(t, open(origin.port))
    const fields = `Host: open.test:${origin.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nProxy-Authorization: Basic eDp5\r\nX-Mine: 1\r\n\r\n`
    const wire = secure ? await openSecureTunnel(house.port, `open.test:${origin.port}`, { ca: house.ca }) : await openWire(house.port)
    wire.write(secure ? `GET //chat?x=1 HTTP/1.1\r\n${fields}` : `GET http://open.test:${origin.port}//chat?x=1 HTTP/1.1\r\n${fields}`)
    await wire.until('\r\n\r\n')
    t.match(wire.text, /^HTTP\/1\.1 101/)
    wire.write('hello')
    await wire.until('echo hello')
    t.match(upgrades.at(-1), /^\/\/chat\?x=1 /, 'the target is as the client wrote it')
    t.notMatch(upgrades.at(-1), /Proxy-Authorization/i)
    wire.close()
    const [record] = await house.closings(1)
    t.match(record, { scheme: secure ? 'wss' : 'ws', status: 101, action: 'allow', bytesUp: 5, bytesDown: 10 })

    const strict = await openHouse(t, { version: 1, unmatched: 'deny', rules: [{ id: 'http', host: 'open.test', port: origin.port, private: true, access: 'full', scheme: ['http', 'https'] }] })
    const refused = secure ? await openSecureTunnel(strict.port, `open.test:${origin.port}`, { ca: strict.ca }) : await openWire(strict.port)
    refused.write(secure ? `GET /chat HTTP/1.1\r\n${fields}` : `GET http://open.test:${origin.port}/chat HTTP/1.1\r\n${fields}`)
    t.match(await refused.ended(), /^HTTP\/1\.1 403 [^]*policy_denied/)
  }
})

t.test('a WebSocket that the policy no longer allows is closed within a second', async t => {
  const origin = await startOrigin(t)
  origin.server.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    socket.on('error', () => {})
  })
  const house = await openHouse(t, open(origin.port))
  const wire = await openWire(house.port)
  wire.write(`GET http://open.test:${origin.port}/ HTTP/1.1\r\nHost: open.test:${origin.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n`)
  await wire.until('101')
  await house.firewall.reload(open(origin.port))
  t.equal(wire.socket.destroyed, false, 'a reload that changes nothing for it leaves it alone')
  const started = performance.now()
  await house.firewall.reload({ version: 1, unmatched: 'deny' })
  await wire.ended()
  t.ok(performance.now() - started < 1_000)
  t.equal((await house.closings(1))[0]?.error, 'revoked')
})

t.test('a body that breaks its framing while its answer is under way ends the connection, and nothing else', async t => {
  const origin = await startOrigin(t, { secure: true, handle(_request, response) { response.write('begin') } })
  const house = await openHouse(t, open(origin.port))
  const head = (method: string): string => `${method} / HTTP/1.1\r\nHost: open.test:${origin.port}\r\n`
  const wire = await openSecureTunnel(house.port, `open.test:${origin.port}`, { ca: house.ca })
  wire.write(`${head('POST')}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`)
  await wire.until('begin')
  // What our own reader refuses and Node's does not, in one record with what would be the next request.
  wire.write(`1;extension\r\na\r\n0\r\n\r\n${head('GET')}\r\n`)
  await wire.ended()
  t.match(await house.closings(1), [{ method: 'POST', error: 'client_left' }])
  await none(origin.sockets)
  t.equal(house.closed.length, 1, 'and was no request')
})

t.test('an offer of another protocol is ignored, and the request served', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, open(origin.port))
  const text = await plain(house, origin.port, 'POST\n/x\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\nContent-Length: 2', 'hi')
  t.match(text, /^HTTP\/1\.1 200/)
  t.match(origin.requests[0], { method: 'POST', url: '/x', body: 'hi' })
  t.notMatch(origin.requests[0]!.rawHeaders.join(), /upgrade|http2/i)
})

t.test('an opaque stream is relayed under a tcp rule, held under none, and closed where unmatched is deny', async t => {
  const server = createServer(socket => { socket.write('220 hello\r\n'); socket.pipe(socket); socket.on('error', () => {}) })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const ruled = await openHouse(t, { version: 1, rules: [{ id: 'db', host: 'db.test', scheme: 'tcp', port, private: true }] })
  const first = await openTunnel(ruled.port, `db.test:${port}`)
  await first.until('220 hello')
  first.write('ping')
  await first.until('ping')
  first.socket.end()
  await first.ended()
  t.match((await ruled.closings(1))[0], { scheme: 'tcp', action: 'allow', rule: 'db', bytesUp: 4 })

  const asked = await openHouse(t, { version: 1, rules: [{ id: 'ask', action: 'hold', host: 'db.test', private: true }] }, { limits: { silenceMs: 30 } })
  const silent = await openTunnel(asked.port, `db.test:${port}`)
  const [question] = await asked.questions(1)
  t.match(question, { scheme: 'tcp', host: 'db.test', port, method: null })
  t.equal(silent.text, '', 'nothing is relayed meanwhile')
  await asked.firewall.answer(question!.id, { verdict: 'approve', grant: 'once' })
  await silent.until('220 hello')
  silent.close()

  const shut = await openHouse(t, { version: 1, unmatched: 'deny' })
  const closed = await openTunnel(shut.port, `db.test:${port}`)
  closed.write('SSH-2.0-x\r\n')
  t.equal(await closed.ended(), '')
  t.match((await shut.closings(1))[0], { action: 'deny', code: 'policy_denied' })
})

t.test('a passed-through tunnel shows the origin\'s own certificate, and only under its name', async t => {
  const origin = await startOrigin(t, { secure: true })
  const house = await openHouse(t, { version: 1, rules: [{ id: 'pin', host: 'pinned.test', port: origin.port, tls: 'passthrough', private: true }] })
  const { socket } = await openTunnel(house.port, `pinned.test:${origin.port}`)
  socket.removeAllListeners('data')
  const secure = connectTls({ socket, servername: 'pinned.test', rejectUnauthorized: false })
  await new Promise<void>(resolve => secure.once('secureConnect', resolve))
  t.equal(secure.getPeerCertificate().subject.CN, 'test origin')
  secure.destroy()
  const other = await openTunnel(house.port, `pinned.test:${origin.port}`)
  other.socket.removeAllListeners('data')
  const wrong = connectTls({ socket: other.socket, servername: 'other.test', rejectUnauthorized: false })
  await t.rejects(new Promise((resolve, reject) => { wrong.once('secureConnect', resolve); wrong.once('error', reject); wrong.once('close', () => reject(new Error('closed'))) }))
})
