/** I1–I11 on the whole house, with real sockets. Each is a promise of docs/architecture.md. */
import t from 'tap'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { openHouse } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import { openSecureTunnel, openWire } from '../helpers/wire.ts'
import type { PolicyDocument } from '../../lib/index.ts'

const policy = (port: number, rules: PolicyDocument['rules'] = []): PolicyDocument => ({
  version: 1,
  name: 'invariants',
  rules: [
    { id: 'open', host: 'open.test', port, private: true, access: 'full', scheme: ['https', 'http'] },
    { id: 'ask', action: 'hold', host: 'ask.test', private: true },
    { id: 'shut', action: 'deny', host: 'shut.test' },
    ...rules,
  ],
})
const get = (host: string, path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

t.test('I1: no upstream socket opens, and no name is resolved, before a permit exists', async t => {
  const origin = await startOrigin(t, { secure: true })
  const house = await openHouse(t, policy(origin.port))
  const denied = await openSecureTunnel(house.port, `shut.test:${origin.port}`, { ca: house.ca })
  denied.write(get(`shut.test:${origin.port}`))
  t.match(await denied.ended(), /^HTTP\/1\.1 403/, 'a denial is told inside the tunnel')

  const held = await openSecureTunnel(house.port, `ask.test:${origin.port}`, { ca: house.ca })
  held.write(get(`ask.test:${origin.port}`))
  const [question] = await house.questions(1)
  t.strictSame(house.lookups, [], 'nothing was looked up')
  t.equal(origin.connections, 0, 'nothing was dialled')
  t.equal((await house.firewall.answer(question!.id, { verdict: 'approve', grant: 'once' })).kind, 'accepted')
  t.match(await held.ended(), /^HTTP\/1\.1 200[\s\S]*ok\n$/, 'the same request went on')
  t.strictSame(house.lookups, ['ask.test'], 'one look-up, after the permit')
  t.equal(origin.connections, 1)
})

t.test('I2: method, target and host are sent byte for byte as they were judged', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port))
  const targets = ['/', '/a%2Fb;x=1//c?d=%20e&f=//../g', '/%41%7e', '/a//b', '/;a', '/x?', '/?a?b', '/@:!$&\'()*+,;=', '/%e2%82%ac']
  for (const target of targets) {
    const wire = await openWire(house.port)
    wire.write(`GET http://OPEN.test:${origin.port}${target} HTTP/1.1\r\nHost: OPEN.test:${origin.port}\r\nConnection: close\r\n\r\n`)
    t.match(await wire.ended(), /^HTTP\/1\.1 200/, target)
    const seen = origin.requests.at(-1)
    t.equal(seen?.url, target)
    t.equal(seen?.method, 'GET')
    t.equal(seen?.rawHeaders[1 + seen.rawHeaders.findIndex(name => name.toLowerCase() === 'host')]?.toLowerCase(), `open.test:${origin.port}`)
  }
})

t.test('I3: a hook that throws, hangs up or talks nonsense allows nothing', async t => {
  const origin = await startOrigin(t)
  const nonsense: unknown[] = [true, 1, 'approve', { allow: true }, { verdict: 'allow' }, { verdict: 'approve' }, { verdict: 'approve', grant: true }, { verdict: 'approve', grant: 'always' }, [], null, undefined, { verdict: 'approve', grant: { rule: { host: '**', anyHost: true } } }]
  const answers: (() => unknown)[] = [() => { throw new Error('boom') }, async () => { throw new Error('boom') }, ...nonsense.map(value => () => value)]
  for (const answer of answers) {
    const house = await openHouse(t, policy(origin.port), { approve: answer as never, standing: false })
    const wire = await openWire(house.port)
    wire.write(get(`ask.test:${origin.port}`).replace('GET /', `GET http://ask.test:${origin.port}/`))
    const text = await wire.ended()
    t.match(text, /^HTTP\/1\.1 503 [\s\S]*approver_unavailable/, String(answer))
    await house.firewall.close()
  }
  t.equal(origin.requests.length, 0)
})

t.test('I4: only an address that was judged is dialled', async t => {
  const origin = await startOrigin(t)
  const rules: PolicyDocument['rules'] = [{ id: 'public-only', host: 'rebind.test', scheme: 'http', port: origin.port }]
  const cases: [string, string[]][] = [
    ['loopback', ['127.0.0.1']], ['a private address', ['10.1.2.3']], ['metadata', ['169.254.169.254']], ['mapped loopback', ['::ffff:127.0.0.1']],
    ['no address at all', []], ['something that is no address', ['localhost']], ['unspecified', ['0.0.0.0', '::']],
  ]
  for (const [what, addresses] of cases) {
    const house = await openHouse(t, policy(origin.port, rules), { lookup: async () => addresses })
    const wire = await openWire(house.port)
    wire.write(`GET http://rebind.test:${origin.port}/ HTTP/1.1\r\nHost: rebind.test:${origin.port}\r\nConnection: close\r\n\r\n`)
    t.match(await wire.ended(), addresses.length === 0 ? /^HTTP\/1\.1 502 / : /^HTTP\/1\.1 403 [\s\S]*address_forbidden/, what)
  }
  t.equal(origin.connections, 0)
})

t.test('I4: the firewall never dials itself', async t => {
  const house = await openHouse(t, { version: 1, rules: [{ id: 'all', cidr: '127.0.0.0/8', scheme: 'http', port: '1-65535', private: true }, { id: 'name', host: 'me.test', scheme: 'http', port: '1-65535', private: true }] })
  for (const host of ['127.0.0.1', '127.0.0.2', 'me.test']) {
    const wire = await openWire(house.port)
    wire.write(`GET http://${host}:${house.port}/ HTTP/1.1\r\nHost: ${host}:${house.port}\r\nConnection: close\r\n\r\n`)
    t.match(await wire.ended(), /^HTTP\/1\.1 403 [\s\S]*address_forbidden/, host)
  }
})

t.test('I5: exactly one closing record per flow, on every path', async t => {
  const origin = await startOrigin(t, { secure: true })
  const house = await openHouse(t, policy(origin.port), { limits: { holdMs: 50 } })
  const through = async (host: string, bytes: string): Promise<string> => {
    const wire = await openSecureTunnel(house.port, `${host}:${origin.port}`, { ca: house.ca })
    wire.write(bytes)
    const text = await wire.ended()
    wire.close()
    return text
  }
  const steps: [string, () => Promise<unknown>, string | null][] = [
    ['allowed', () => through('open.test', get(`open.test:${origin.port}`)), null],
    ['denied', () => through('shut.test', get(`shut.test:${origin.port}`)), 'policy_denied'],
    ['held until the hold ended', () => through('ask.test', get(`ask.test:${origin.port}`)), 'approval_pending'],
    ['malformed', () => through('open.test', 'GET  / HTTP/1.1\r\n\r\n'), 'malformed_request'],
    ['another host', () => through('open.test', get('shut.test')), 'misdirected'],
    ['no CONNECT target', async () => { const wire = await openWire(house.port); wire.write('CONNECT nothing HTTP/1.1\r\n\r\n'); await wire.ended() }, 'malformed_target'],
    ['a connection without a byte', async () => { const wire = await openWire(house.port); wire.socket.end(); await wire.ended() }, null],
    ['a tunnel without a byte', async () => { const wire = await openSecureTunnel(house.port, `open.test:${origin.port}`, { ca: house.ca }); wire.socket.end(); await wire.ended() }, null],
    ['a client that does not trust us', async () => { await openSecureTunnel(house.port, `open.test:${origin.port}`, {}).catch(() => {}) }, null],
  ]
  let count = 0
  for (const [what, act, code] of steps) {
    await act()
    const closed = await house.closings(++count)
    t.equal(closed.length, count, `${what}: one record`)
    t.equal(closed.at(-1)?.code, code, `${what}: with its code`)
  }
  const flows = house.closed.map(record => record.flow)
  t.equal(new Set(flows).size, flows.length, 'no flow twice')
})

t.test('I6: the key of the CA is in its file, mode 0600, and nowhere else', async t => {
  const house = await openHouse(t, policy(1))
  const { dir } = house.firewall.ca
  const key = readFileSync(join(dir, 'ca.key'), 'utf8')
  t.equal(statSync(join(dir, 'ca.key')).mode & 0o777, 0o600)
  const body = key.split('\n').slice(1, 2).join('')
  for (const file of readdirSync(dir).filter(file => file !== 'ca.key')) t.notOk(readFileSync(join(dir, file), 'utf8').includes(body), file)
  const seen = inspect(house.firewall, { depth: 20, showHidden: true }) + JSON.stringify(house.firewall.status()) + JSON.stringify(house.firewall.env())
  t.notOk(seen.includes(body), 'not in what a caller can see')
  t.notMatch(seen, /PRIVATE KEY/)
})

t.test('I7: a hold ends by its deadline, and by its client', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port), { limits: { holdMs: 60 } })
  const wire = await openWire(house.port)
  wire.write(`GET http://ask.test:${origin.port}/ HTTP/1.1\r\nHost: ask.test:${origin.port}\r\nConnection: close\r\n\r\n`)
  t.match(await wire.ended(), /^HTTP\/1\.1 503 [\s\S]*Retry-After: \d+[\s\S]*approval_pending/)

  const patient = await openHouse(t, policy(origin.port))
  const leaver = await openWire(patient.port)
  leaver.write(`GET http://ask.test:${origin.port}/ HTTP/1.1\r\nHost: ask.test:${origin.port}\r\n\r\n`)
  const [question] = await patient.questions(1)
  leaver.close()
  const [record] = await patient.closings(1)
  t.equal(record?.error, 'client_left')
  t.equal(patient.firewall.status().counts.waiting, 0)
  await patient.firewall.answer(question!.id, { verdict: 'approve', grant: 'once' })
  t.equal(origin.connections, 0, 'nothing is sent for a client that left')
})

t.test('I8: Proxy-* and hop-by-hop fields never reach the upstream, and nothing is added', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port))
  const wire = await openWire(house.port)
  wire.write(`GET http://open.test:${origin.port}/ HTTP/1.1\r\nHost: open.test:${origin.port}\r\nX-First: 1\r\nProxy-Authorization: Basic YTpi\r\nProxy-Connection: keep-alive\r\nProxy: http://evil.test\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nX-Twice: a\r\nx-twice: b\r\n\r\n`)
  await wire.ended()
  const names = origin.requests[0]!.rawHeaders.filter((_, i) => i % 2 === 0)
  t.strictSame(names.filter(name => !/^(host|connection)$/i.test(name)), ['X-First', 'X-Twice', 'x-twice'])
})

t.test('I9: a refusal says nothing that the client did not send, but code, flow, rule and hint', async t => {
  const house = await openHouse(t, policy(1, [{ id: 'secret-note', action: 'deny', host: 'noted.test', note: 'SECRET-NOTE' }]))
  const wire = await openWire(house.port)
  wire.write('GET http://noted.test/p?token=abc HTTP/1.1\r\nHost: noted.test\r\nConnection: close\r\n\r\n')
  const text = await wire.ended()
  t.notMatch(text, /SECRET-NOTE|open\.test|ask\.test|invariants|127\.0\.0\.1/)
  t.match(text, /"rule":"secret-note"/)
})

t.test('I10: the operator\'s door cannot be reached through the proxy', async t => {
  // Short: the path of a socket has at most 107 bytes.
  const dir = mkdtempSync(join(tmpdir(), 'sp-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const control = join(dir, 'private', 'c.sock')
  const house = await openHouse(t, { version: 1, rules: [{ id: 'all', host: '**', anyHost: true, scheme: ['http', 'https'], port: '1-65535', private: true, access: 'full' }] }, { control, console: {} })
  const desk = house.firewall.console!
  t.equal(statSync(control).mode & 0o777, 0o600)
  t.equal(statSync(join(dir, 'private')).mode & 0o777, 0o700)
  for (const target of ['http://sallyport/v1/pending', 'http://localhost/v1/pending', `http://localhost:${house.port}/v1/pending`, `http://unix:${control}:/v1/pending`, `${desk.url}/`, `http://localhost:${desk.port}/`]) {
    const wire = await openWire(house.port)
    wire.write(`GET ${target} HTTP/1.1\r\nHost: ${/^http:\/\/([^/]*)/.exec(target)![1]}\r\nConnection: close\r\n\r\n`)
    t.notMatch(await wire.ended(), /"pending"|<title>Sallyport/, target)
  }
  t.match(await fetch(desk.url).then(response => response.text()), '<title>Sallyport', 'though the console is there')
  t.strictSame(house.closed.filter(({ port }) => port === desk.port).map(({ code }) => code), ['address_forbidden', 'address_forbidden'])
  const direct = connect(house.port, '127.0.0.1')
  direct.end('GET /v1/pending HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const text = await new Promise<string>(resolve => { let all = ''; direct.on('data', chunk => { all += String(chunk) }); direct.on('close', () => resolve(all)) })
  t.match(text, /^HTTP\/1\.1 400/, 'the proxy\'s own port serves no API')
})

t.test('I11: no approval opens what the policy keeps shut, and it opens exactly what was shown', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port))
  const held = await openWire(house.port)
  held.write(`GET http://ask.test:${origin.port}/a HTTP/1.1\r\nHost: ask.test:${origin.port}\r\nConnection: close\r\n\r\n`)
  const [question] = await house.questions(1)
  for (const rule of [
    { host: 'ask.test', port: origin.port, scheme: 'http' as const, private: true }, { host: '**', anyHost: true }, { host: 'other.test' },
    { host: 'ask.test', port: origin.port, scheme: 'http' as const, path: '/b' }, { host: 'ask.test', tls: 'passthrough' as const }, { cidr: '127.0.0.0/8' },
  ]) {
    const result = await house.firewall.answer(question!.id, { verdict: 'approve', grant: { rule } })
    t.equal(result.kind, 'refused', JSON.stringify(rule))
    t.equal(house.firewall.pending().length, 1, 'the question stays')
  }
  await house.firewall.answer(question!.id, { verdict: 'approve', grant: { rule: { host: 'ask.test', port: origin.port, scheme: 'http', path: '/a' }, ttlMs: 60_000 } })
  t.match(await held.ended(), /^HTTP\/1\.1 200/)
  const other = await openWire(house.port)
  other.write(`GET http://ask.test:${origin.port}/b HTTP/1.1\r\nHost: ask.test:${origin.port}\r\nConnection: close\r\n\r\n`)
  await house.questions(1)
  t.equal(origin.requests.length, 1, 'another path is another question')
  other.close()
})
