/** Upstreams that are hostile, broken or slow: the client is told the truth, the process lives, nothing leaks. */
import t from 'tap'
import type { Test } from 'tap'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { certificateFor, originCertificate } from '../helpers/certificates.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { openSecureTunnel, openWire } from '../helpers/wire.ts'
import type { PolicyDocument } from '../../lib/index.ts'

const crashes: unknown[] = []
process.on('uncaughtException', error => { crashes.push(error) })
process.on('unhandledRejection', error => { crashes.push(error) })

interface RawOrigin { readonly port: number, readonly sockets: Set<Socket>, readonly heads: string[], connections: number }

/** Calls back with each request head, body ignored. */
async function rawOrigin(t: Test, answer: (socket: Socket, head: string, number: number) => void): Promise<RawOrigin> {
  const sockets = new Set<Socket>()
  const origin = { port: 0, sockets, heads: [] as string[], connections: 0 }
  const server = createServer(socket => {
    origin.connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    let text = ''
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        origin.heads.push(text.slice(0, end))
        text = text.slice(end + 4)
        answer(socket, origin.heads.at(-1)!, origin.heads.length)
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { for (const socket of sockets) socket.destroy(); server.close() })
  origin.port = (server.address() as AddressInfo).port
  return origin
}

const policy = (port: number, more: object = {}): PolicyDocument => ({ version: 1, rules: [{ id: 'open', host: 'open.test', port, private: true, access: 'full', scheme: ['https', 'http'], ...more }] })

async function get(house: House, port: number, line = 'GET /', fields = '', body = ''): Promise<string> {
  const wire = await openWire(house.port)
  const [method, path] = line.split(' ')
  wire.write(`${method} http://open.test:${port}${path} HTTP/1.1\r\nHost: open.test:${port}\r\nConnection: close\r\n${fields}\r\n${body}`)
  return wire.ended()
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

t.test('an answer that is no HTTP/1.1 is a 502, and the next request is served', async t => {
  const cases: [string, string][] = [
    ['a status below 100', 'HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n'],
    ['a status above 599', 'HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n'],
    ['a 101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nbytes'],
    ['a 101 without Upgrade', `HTTP/1.1 101 S\r\n\r\n${OK}`],
    ['a 100 that nobody asked for', `HTTP/1.1 100 Continue\r\n\r\n${OK}`],
    ['two framings', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!'],
    ['a bare LF in the head', 'HTTP/1.1 200 OK\r\nX: a\nY: b\r\nContent-Length: 2\r\n\r\nok'],
    ['a NUL in a value', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok'],
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9\r\n'],
    ['a head without an end', `HTTP/1.1 200 OK\r\n${`X: ${'y'.repeat(100)}\r\n`.repeat(2_000)}`],
  ]
  for (const [what, bytes] of cases) {
    const origin = await rawOrigin(t, (socket, _head, number) => socket.write(number === 1 ? bytes : OK))
    const house = await openHouse(t, policy(origin.port))
    t.match(await get(house, origin.port), /^HTTP\/1\.1 502 [^]*"code":"upstream_i/, what)
    t.match(await get(house, origin.port), /^HTTP\/1\.1 200/, `${what}: the next one`)
    t.equal(house.closed.length, 2)
  }
})

t.test('the reason phrase of an upstream is never passed on', async t => {
  const origin = await rawOrigin(t, socket => socket.write('HTTP/1.1 200 O\x1b[31mK\r\nContent-Length: 2\r\n\r\nok'))
  const house = await openHouse(t, policy(origin.port))
  t.notMatch(await get(house, origin.port), /\x1b/)
})

t.test('a flood of interim responses ends', async t => {
  const origin = await rawOrigin(t, socket => socket.write('HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n'.repeat(100)))
  const house = await openHouse(t, policy(origin.port))
  const text = await get(house, origin.port)
  t.match(text, /HTTP\/1\.1 502 [^]*upstream_invalid/)
  t.equal(text.match(/103 Early/g)?.length, 16)
})

t.test('bytes behind an answer never become the next answer', async t => {
  const origin = await rawOrigin(t, (socket, _head, number) => socket.write(number === 1 ? `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil` : OK))
  const house = await openHouse(t, policy(origin.port))
  const tunnel = await openWire(house.port)
  for (let n = 1; n <= 2; n++) {
    tunnel.write(`GET http://open.test:${origin.port}/${n} HTTP/1.1\r\nHost: open.test:${origin.port}\r\n\r\n`)
    await tunnel.until(new RegExp(`(200 OK[^]*?\\r\\n\\r\\nok[^]*?){${n}}`))
  }
  t.notMatch(tunnel.text, /evil/)
  tunnel.close()
})

t.test('a re-used connection that died is replaced once, for a request that may be repeated', async t => {
  for (const [line, fields, body, repeats] of [['GET /', '', '', true], ['POST /', 'Content-Length: 2\r\n', 'hi', false]] as const) {
    const origin = await rawOrigin(t, (socket, _head, number) => {
      if (number === 2) socket.destroy()
      else socket.write(OK)
    })
    const house = await openHouse(t, policy(origin.port))
    t.match(await get(house, origin.port), /^HTTP\/1\.1 200/)
    const text = await get(house, origin.port, line, fields, body)
    t.match(text, repeats ? /^HTTP\/1\.1 200/ : /^HTTP\/1\.1 502 [^]*upstream_incomplete/, line)
    t.equal(origin.heads.length, repeats ? 3 : 2, `${line}: requests seen`)
  }
})

t.test('a connection is used again under the same policy, never across a change of it', async t => {
  const origin = await rawOrigin(t, socket => socket.write(OK))
  const house = await openHouse(t, policy(origin.port))
  await get(house, origin.port)
  await get(house, origin.port)
  t.equal(origin.connections, 1)
  t.strictSame(house.lookups, ['open.test'], 'one look-up for both')
  await house.firewall.reload(policy(origin.port, { note: 'changed' }))
  await get(house, origin.port)
  t.equal(origin.connections, 2)
  t.strictSame(house.lookups, ['open.test', 'open.test'])
})

t.test('the next address is tried when one fails', async t => {
  const origin = await rawOrigin(t, socket => socket.write(OK))
  const house = await openHouse(t, policy(origin.port), { lookup: async () => ['127.0.0.99', '10.0.0.1', '127.0.0.1'] })
  t.match(await get(house, origin.port), /^HTTP\/1\.1 200/)
  t.equal(house.closed[0]?.address, '127.0.0.1')
})

t.test('what cannot be reached is told by its own code', async t => {
  const origin = await rawOrigin(t, () => {})
  const cases: [string, RegExp, Parameters<typeof openHouse>[2]][] = [
    ['a name that does not resolve', /^HTTP\/1\.1 502 [^]*dns_error[^]*upstream_dns_failed/, { lookup: async () => { throw Object.assign(new Error('x'), { code: 'ENOTFOUND' }) } }],
    ['a port that nobody listens on', /^HTTP\/1\.1 502 [^]*connection_refused[^]*upstream_refused/, { lookup: async () => ['127.0.0.98'] }],
    ['an upstream that ends at once', /^HTTP\/1\.1 502 [^]*upstream_incomplete/, {}],
  ]
  for (const [what, expected, options] of cases) {
    const house = await openHouse(t, policy(origin.port), options)
    const text = get(house, origin.port)
    if (Object.keys(options!).length === 0) {
      while (origin.heads.length === 0) await new Promise(setImmediate)
      for (const socket of origin.sockets) socket.destroy()
    }
    t.match(await text, expected, what)
  }
})

t.test('the TLS identity of an upstream is verified: its root, its name, its age', async t => {
  const right = originCertificate()
  const other = certificateFor('other.test')
  const unknown = certificateFor('open.test')
  for (const [what, certificate, roots] of [['another name', other, [other.file]], ['an unknown root', unknown, [right.file]]] as const) {
    const server = createTls({ cert: certificate.cert, key: certificate.key }, socket => { socket.on('error', () => {}); socket.end(OK) })
    server.on('tlsClientError', () => {})
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => server.close())
    const { port } = server.address() as AddressInfo
    const house = await openHouse(t, policy(port), { upstreamCa: roots })
    const wire = await openSecureTunnel(house.port, `open.test:${port}`, { ca: house.ca })
    wire.write(`GET / HTTP/1.1\r\nHost: open.test:${port}\r\nConnection: close\r\n\r\n`)
    t.match(await wire.ended(), /^HTTP\/1\.1 502 [^]*tls_certificate_error[^]*upstream_tls_failed/, what)
  }
})

t.test('byte caps are counted as bodies stream', async t => {
  const origin = await rawOrigin(t, (socket, head) => socket.write(head.startsWith('GET /announced')
    ? 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n' + 'x'.repeat(100)
    : head.startsWith('GET') ? `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'a\r\n0123456789\r\n'.repeat(10)}0\r\n\r\n` : OK))
  const house = await openHouse(t, policy(origin.port, { maxRequestBytes: 10, maxResponseBytes: 50 }))
  t.match(await get(house, origin.port, 'GET /announced'), /^HTTP\/1\.1 502 [^]*response_too_large/, 'announced')
  const streamed = await get(house, origin.port, 'GET /streamed')
  t.ok(/response_too_large/.test(streamed) || !/\r\n0\r\n\r\n$/.test(streamed), 'streamed: refused or cut, never complete')
  t.match(await get(house, origin.port, 'POST /', 'Content-Length: 11\r\n', '0123456789a'), /^HTTP\/1\.1 413 [^]*request_too_large/)
  t.match(await get(house, origin.port, 'POST /', 'Transfer-Encoding: chunked\r\n', 'b\r\n0123456789a\r\n0\r\n\r\n'), /^HTTP\/1\.1 413 [^]*request_too_large/)
  t.match(await get(house, origin.port, 'POST /', 'Content-Length: 10\r\n', '0123456789'), /^HTTP\/1\.1 200/, 'at the cap')
})

t.test('trailers that frame, route or authenticate are dropped, others pass', async t => {
  const origin = await rawOrigin(t, socket => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: abc\r\nSet-Cookie: a=b\r\nAuthorization: x\r\n\r\n'))
  const house = await openHouse(t, policy(origin.port))
  const text = await get(house, origin.port)
  t.match(text, /0\r\nx-sum: abc\r\n\r\n$/i)
})

t.test('an answer that comes before the body was read is passed on', async t => {
  const origin = await rawOrigin(t, socket => socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno'))
  const house = await openHouse(t, policy(origin.port))
  const wire = await openWire(house.port)
  wire.write(`POST http://open.test:${origin.port}/ HTTP/1.1\r\nHost: open.test:${origin.port}\r\nContent-Length: 1000000\r\n\r\nhalf`)
  await wire.until(/413 [^]*no$/)
  // A client that goes on sending does not wait for ever, and nothing of its body is taken for a request.
  wire.write('x'.repeat(100_000) + 'GET / HTTP/1.1\r\n\r\n')
  t.match(await wire.ended(), /no$/, 'the connection ends')
  t.equal((await house.closings(1)).length, 1)
})

t.test('nothing above crashed the process, and no socket is left', async t => {
  t.strictSame(crashes, [])
})
