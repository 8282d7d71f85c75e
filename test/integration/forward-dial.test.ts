/** From a permit to a connection: nothing is resolved or dialled without one, and only what was judged is dialled. */
import t from 'tap'
import type { Test } from 'tap'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Permit } from '../../lib/model/decision.ts'
import type { Outcome } from '../../lib/model/flow.ts'
import type { AddressScope } from '../../lib/model/policy.ts'
import { certificateFor } from '../helpers/certificates.ts'
import { bench, fakeExchange, MAY, MAY_NOT, OK, rawOrigin, requestPermit, saying, streamPermit, until } from '../unit/forward/fixtures.ts'

const code = (outcome: Outcome): string | null => outcome.kind === 'refused' ? outcome.code : outcome.error

async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

t.test('what no judgement wrote opens nothing, and no name is looked up for it', async t => {
  const { forwarder, lookups } = bench(t)
  const permit = requestPermit(1)
  const signal = new AbortController().signal
  const never = {} as never
  const handshake = requestPermit(1, { scheme: 'ws' })
  const forgeries = (real: Permit): Permit[] => [null, {}, { ...real }, { facts: real.facts, terms: real.terms, ruleId: 'rule' }, new Proxy(real, {})] as Permit[]
  for (const forged of forgeries(permit)) await t.rejects(forwarder.exchange(forged, fakeExchange(), { generation: 1 }), TypeError)
  for (const forged of forgeries(handshake)) await t.rejects(forwarder.upgrade(forged, fakeExchange() as never, { generation: 1, signal }), TypeError)
  for (const forged of forgeries(streamPermit(1))) await t.rejects(forwarder.tunnel(forged, fakeExchange() as never, { signal }), TypeError)
  await t.rejects(forwarder.exchange(streamPermit(1), never, { generation: 1 }), TypeError, 'a stream is no request')
  await t.rejects(forwarder.exchange(requestPermit(1, { scheme: 'wss' }), never, { generation: 1 }), TypeError, 'a WebSocket is no exchange')
  await t.rejects(forwarder.upgrade(permit, never, { generation: 1, signal }), TypeError, 'an exchange is no WebSocket')
  await t.rejects(forwarder.tunnel(permit, never, { signal }), TypeError, 'a request is no stream')
  t.strictSame(lookups, [])
  t.equal(forwarder.counts.sockets, 0)
})

t.test('a name is looked up once, each address is judged with the scope of the permit, and only what may be dialled is', async t => {
  const origin = await saying(t, OK)
  const scope: AddressScope = { key: 'mine', private: true, cidrs: [] }
  const judged: [string, number, AddressScope][] = []
  const { forwarder, lookups } = bench(t, {
    resolve: async host => { lookups.push(host); return ['169.254.169.254', '127.0.0.2', '127.0.0.1'] },
    judge(address, port, given) { judged.push([address, port, given]); return address === '127.0.0.1' ? MAY : MAY_NOT },
  })
  t.match(await forwarder.exchange(requestPermit(origin.port, {}, { scope }), fakeExchange(), { generation: 1 }), { kind: 'done', address: '127.0.0.1', error: null })
  t.strictSame(lookups, ['origin.test'])
  t.strictSame(judged, [['169.254.169.254', origin.port, scope], ['127.0.0.2', origin.port, scope], ['127.0.0.1', origin.port, scope]])
})

t.test('an address that may not be dialled is not', async t => {
  const origin = await saying(t, OK)
  const refused = async (shows: string, options: Parameters<typeof bench>[1], request: Parameters<typeof requestPermit>[1] = {}): Promise<void> => {
    const { forwarder } = bench(t, options)
    t.equal(code(await forwarder.exchange(requestPermit(origin.port, request), fakeExchange(), { generation: 1 })), 'address_forbidden', shows)
  }
  await refused('by a name', { judge: () => MAY_NOT })
  await refused('as a literal', { judge: () => MAY_NOT, resolve: async () => { throw new Error('a literal is not looked up') } }, { host: '127.0.0.1', hostKind: 'ipv4' })
  await refused('by --resolve', { judge: () => MAY_NOT, overrides: [{ host: 'origin.test', port: origin.port, addresses: ['127.0.0.1'] }] })
  await refused('an answer that is a name, which would be looked up again', { resolve: async () => ['localhost'] })
  await refused('the metadata name, whatever it is', { overrides: [{ host: 'metadata.google.internal', port: origin.port, addresses: ['127.0.0.1'] }] }, { host: 'metadata.google.internal' })
  t.equal(origin.connections, 0)
})

t.test('the next address is tried where one fails, and each has its share of the time', async t => {
  const origin = await saying(t, OK)
  const { forwarder } = bench(t, { resolve: async () => ['127.0.0.7', '127.0.0.1'] })
  t.match(await forwarder.exchange(requestPermit(origin.port), fakeExchange(), { generation: 1 }), { kind: 'done', address: '127.0.0.1' }, 'one that refuses')
  // Documentation addresses: nobody answers, or the machine says at once that there is no way.
  const silent = bench(t, { resolve: async () => ['192.0.2.1', '127.0.0.1'] })
  const window = fakeExchange()
  const ran = silent.forwarder.exchange(requestPermit(origin.port), window, { generation: 1 })
  let isOver = false
  void ran.then(() => { isOver = true })
  await until(() => isOver || silent.clock.pending > 0)
  silent.clock.advance(5_000)
  t.match(await ran, { kind: 'done', address: '127.0.0.1' }, 'one that says nothing')
})

t.test('each failure has its code', async t => {
  const closed = await closedPort()
  const failing = (error: object): Parameters<typeof bench>[1] => ({ resolve: async () => { throw Object.assign(new Error(), error) } })
  // [what it shows, options, code]
  const rows: [string, Parameters<typeof bench>[1], string][] = [
    ['a name that is not there', failing({ code: 'ENOTFOUND' }), 'upstream_dns_failed'],
    ['a resolver that fails', failing({}), 'upstream_dns_failed'],
    ['a name without an address', { resolve: async () => [] }, 'upstream_dns_failed'],
    ['a port on which nobody listens', {}, 'upstream_refused'],
  ]
  for (const [shows, options, expected] of rows) {
    const { forwarder } = bench(t, options)
    t.match(await forwarder.exchange(requestPermit(closed), fakeExchange(), { generation: 1 }), { kind: 'refused', code: expected, bytesUp: 0 }, shows)
    await until(() => forwarder.counts.sockets === 0)
  }
  const slow = bench(t, { resolve: () => new Promise(() => {}) })
  const ran = slow.forwarder.exchange(requestPermit(closed), fakeExchange(), { generation: 1 })
  await until(() => slow.clock.pending > 0)
  slow.clock.advance(10_000)
  t.equal(code(await ran), 'upstream_dns_failed', 'a resolver that says nothing')
})

t.test('TLS is verified: the root, the name, the address; and SNI is the name alone', async t => {
  const names: (string | false | null)[] = []
  const ours = certificateFor('origin.test', '127.0.0.1')
  const secure = (certificate = ours): ReturnType<typeof rawOrigin> => rawOrigin(t, {
    certificate,
    greet(socket) { names.push((socket as unknown as { servername: string | false }).servername) },
    answer(socket, said) { if (said.endsWith('\r\n\r\n')) socket.write(OK) },
  })
  const good = await secure()
  const stranger = await secure(certificateFor('origin.test'))
  const https = { scheme: 'https' } as const
  const one = async (origin: { port: number }, request: Parameters<typeof requestPermit>[1], options: Parameters<typeof bench>[1] = {}): Promise<Outcome> => {
    const { forwarder } = bench(t, { roots: [ours.cert], ...options })
    const outcome = await forwarder.exchange(requestPermit(origin.port, { ...https, ...request }), fakeExchange(), { generation: 1 })
    await forwarder.close()
    await until(() => forwarder.counts.sockets === 0)
    return outcome
  }
  t.match(await one(good, {}), { kind: 'done', status: 200, error: null })
  t.match(await one(good, { host: '127.0.0.1', hostKind: 'ipv4' }), { kind: 'done', status: 200 }, 'an address is verified by address')
  t.strictSame(names, ['origin.test', false], 'an address is no SNI')
  t.match(await one(good, { host: 'origin.other' }), { code: 'upstream_tls_failed' }, 'another name')
  t.match(await one(stranger, {}), { code: 'upstream_tls_failed' }, 'another root (B-198)')
  t.match(await one(good, {}, { roots: [] }), { code: 'upstream_tls_failed' }, 'no root at all')
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  t.teardown(() => { if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']; else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before })
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.match(await one(stranger, {}), { code: 'upstream_tls_failed' }, 'whatever the environment says')
  t.match(await one(await rawOrigin(t, { answer: socket => socket.write('no TLS\r\n') }), {}), { code: 'upstream_tls_failed' }, 'no TLS')
  t.match(await one(await rawOrigin(t, { answer: socket => socket.resetAndDestroy() }), {}), { code: 'upstream_incomplete' }, 'broken off in the handshake')
  const silent = await rawOrigin(t, { answer() {} })
  const { forwarder, clock } = bench(t)
  const ran = forwarder.exchange(requestPermit(silent.port, https), fakeExchange(), { generation: 1 })
  await until(() => silent.said.some(said => said !== ''))
  clock.advance(10_000)
  t.match(await ran, { code: 'upstream_timeout' }, 'silent in the handshake')
  await until(() => forwarder.counts.sockets === 0)
})

t.test('a client that leaves while we dial leaves no socket behind', async t => {
  const silent = await rawOrigin(t, { answer() {} })
  const { forwarder } = bench(t)
  const window = fakeExchange()
  const ran = forwarder.exchange(requestPermit(silent.port, { scheme: 'https' }), window, { generation: 1 })
  await until(() => silent.said.some(said => said !== ''))
  window.leave()
  t.equal(code(await ran), 'client_left')
  await until(() => forwarder.counts.sockets === 0 && silent.sockets.size === 0)
})

t.test('proxy variables of our own environment are not heard', async t => {
  const origin = await saying(t, OK)
  const names = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']
  for (const name of names) process.env[name] = 'http://127.0.0.1:1'
  t.teardown(() => { for (const name of names) delete process.env[name] })
  const { forwarder } = bench(t)
  t.match(await forwarder.exchange(requestPermit(origin.port), fakeExchange(), { generation: 1 }), { kind: 'done', status: 200 })
})

t.test('after close nothing is dialled', async (t: Test) => {
  const origin = await saying(t, OK)
  const { forwarder } = bench(t)
  await forwarder.close()
  t.equal(code(await forwarder.exchange(requestPermit(origin.port), fakeExchange(), { generation: 1 })), 'shutting_down')
  t.equal(origin.connections, 0)
})
