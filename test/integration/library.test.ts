/** The library as its users meet it: options, events, the embedding runtime's own sockets, failures at the start. */
import t from 'tap'
import diagnostics from 'node:diagnostics_channel'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { createFirewall } from '../../lib/index.ts'
import { openHouse } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import { openWire } from '../helpers/wire.ts'

const request = (port: number, host = 'open.test'): string => `GET http://${host}:${port}/x?secret=1 HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`
const rules = (port: number) => ({ version: 1 as const, rules: [{ id: 'open', host: 'open.test', port, private: true, scheme: 'http' as const }] })

t.test('a connection that the runtime has already is served as any other', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, rules(origin.port))
  let written = ''
  const [ours, theirs] = pair()
  theirs.on('data', chunk => { written += String(chunk) })
  house.firewall.handle(ours)
  theirs.write(request(origin.port))
  const [record] = await house.closings(1)
  t.match(written, /^HTTP\/1\.1 200/)
  t.equal(record?.client, 'embedded')
})

t.test('each step of a flow is told on its diagnostics channel', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, { version: 1, rules: [...rules(origin.port).rules, { id: 'ask', action: 'hold', host: 'ask.test', private: true }] })
  const heard: string[] = []
  for (const step of ['normalized', 'held', 'ruled', 'closed']) {
    const listen = (message: unknown): void => { heard.push(`${step} ${(message as { host: string }).host}`) }
    diagnostics.subscribe(`sallyport:flow:${step}`, listen)
    t.teardown(() => diagnostics.unsubscribe(`sallyport:flow:${step}`, listen))
  }
  const wire = await openWire(house.port)
  wire.write(request(origin.port, 'ask.test'))
  const [question] = await house.questions(1)
  await house.firewall.answer(question!.id, { verdict: 'approve', grant: 'once' })
  await wire.ended()
  await house.closings(1)
  t.strictSame(heard, ['normalized ask.test', 'held ask.test', 'ruled ask.test', 'closed ask.test'])
})

t.test('decide and explain judge offline: nothing is sent, asked or counted', async t => {
  const house = await openHouse(t, { version: 1, rules: [{ id: 'read', host: 'api.example.com', access: 'read-only', maxUses: 1 }, { id: 'no', action: 'deny', host: 'bad.example.com' }] })
  for (let n = 0; n < 3; n++) t.match(house.firewall.decide({ url: 'https://api.example.com/v1' }), { action: 'allow', rule: 'read' })
  t.match(house.firewall.decide({ method: 'POST', url: 'https://api.example.com/v1' }), { action: 'hold', rule: null })
  t.match(house.firewall.decide({ url: 'https://bad.example.com/' }), { action: 'deny', rule: 'no', code: 'policy_denied' })
  t.match(house.firewall.decide({ url: 'https://api.example.com/a/../b' }), { action: 'refused' })
  const told = house.firewall.explain({ method: 'DELETE', url: 'https://api.example.com/v1' })
  t.match(told, { action: 'hold', nearest: { rule: 'read' } })
  t.equal(house.firewall.pending().length, 0)
  t.strictSame(house.lookups, [])
})

t.test('what cannot stand is one sentence with what to do, before anything listens', async t => {
  const dir = t.testdir({ 'bad.json': '{"version":1,"rules":[{"id":"x"}]}', 'tokens': 'agent:short\n' })
  const certs = join(dir, 'certs')
  const cases: [string, () => Promise<unknown>, string][] = [
    ['a policy that is not there', () => createFirewall({ policy: join(dir, 'none.json'), certs }), 'E_POLICY_UNREADABLE'],
    ['a policy that would not take effect', () => createFirewall({ policy: join(dir, 'bad.json'), certs }), 'E_POLICY_INVALID'],
    ['a token that could be guessed', () => createFirewall({ policy: { version: 1 }, certs, clientTokens: join(dir, 'tokens') }), 'E_OPTION_INVALID'],
    ['an override that is none', () => createFirewall({ policy: { version: 1 }, certs, resolve: ['open.test:443:nowhere'] }), 'E_OPTION_INVALID'],
    ['a network that is none', () => createFirewall({ policy: { version: 1 }, certs, allowFrom: ['10.0.0.0/99'] }), 'E_OPTION_INVALID'],
    ['roots that are not there', () => createFirewall({ policy: { version: 1 }, certs, upstreamCa: [join(dir, 'none.pem')] }), 'E_ROOTS_UNREADABLE'],
  ]
  for (const [what, make, code] of cases) {
    await t.rejects(make(), { code, message: /./, fix: /./ }, what)
  }
})

t.test('a port beyond loopback needs somebody named who may use it', async t => {
  const house = await openHouse(t, { version: 1 })
  await t.rejects(house.firewall.listen({ host: '0.0.0.0' }), { code: 'E_LISTEN_OPEN' })
  await t.rejects(house.firewall.listen({ host: '::' }), { code: 'E_LISTEN_OPEN' })
  await t.rejects(house.firewall.listen({ port: house.port }), { code: 'E_LISTEN_FAILED' })
  const open = await openHouse(t, { version: 1 }, { allowFrom: ['10.0.0.0/8'] })
  t.match((await open.firewall.listen({ host: '0.0.0.0' })).url, /^http:\/\/0\.0\.0\.0:\d+$/)
})

t.test('a client without a right token is told 407, on CONNECT and in the clear', async t => {
  const token = { name: 'agent', token: '0123456789abcdef0123' }
  const house = await openHouse(t, { version: 1 }, { clientTokens: [token] })
  for (const line of ['CONNECT open.test:443 HTTP/1.1\r\nHost: open.test:443\r\n', 'GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\n']) {
    const wire = await openWire(house.port)
    wire.write(`${line}Proxy-Authorization: Basic ${Buffer.from('agent:wrong').toString('base64')}\r\n\r\n`)
    t.match(await wire.ended(), /^HTTP\/1\.1 407 [^]*Proxy-Authenticate: Basic[^]*client_refused/)
  }
  t.equal(house.closed.length, 2)
  t.notMatch(JSON.stringify(house.records), /0123456789abcdef0123/)
})

t.test('strict refuses a client that could answer its own questions', async t => {
  const house = await openHouse(t, { version: 1 }, { strict: true })
  const wire = await openWire(house.port)
  wire.write('GET http://open.test/ HTTP/1.1\r\nHost: open.test\r\n\r\n')
  t.match(await wire.ended(), /^HTTP\/1\.1 407/)
  const lax = await openHouse(t, { version: 1, unmatched: 'deny' })
  const other = await openWire(lax.port)
  t.teardown(() => other.close())
  while (lax.firewall.status().warnings.length === 0) await new Promise(setImmediate)
  t.match(lax.firewall.status().warnings.join(), /answer its own questions/)
})

t.test('a log that fails lets nothing new pass, unless it was said to be optional', async t => {
  const origin = await startOrigin(t)
  for (const [optional, expected] of [[false, /^HTTP\/1\.1 503 [^]*audit_unavailable/], [true, /^HTTP\/1\.1 200/]] as const) {
    let isBroken = false
    const house = await openHouse(t, rules(origin.port), { auditOptional: optional, audit: () => { if (isBroken) throw new Error('disk full') } })
    const send = async (): Promise<string> => {
      const wire = await openWire(house.port)
      wire.write(request(origin.port))
      return wire.ended()
    }
    t.match(await send(), /^HTTP\/1\.1 200/)
    isBroken = true
    await send()
    await house.closings(2)
    while (!optional && house.firewall.status().audit.healthy) await new Promise(setImmediate)
    t.match(await send(), expected, optional ? 'optional' : 'required')
  }
})

t.test('query values are redacted in the log unless asked otherwise', async t => {
  const origin = await startOrigin(t)
  for (const [auditQueries, expected] of [[false, false], [true, true]] as const) {
    const house = await openHouse(t, rules(origin.port), { auditQueries })
    const wire = await openWire(house.port)
    wire.write(request(origin.port))
    await wire.ended()
    const [record] = await house.closings(1)
    t.equal(/secret=1/.test(record?.path ?? ''), expected)
    t.match(record?.path, /^\/x\?secret=/)
  }
})

t.test('the variables name the proxy and the CA; using disposes', async t => {
  const dir = t.testdir({ 'p.json': '{"version":1}' })
  let url = ''
  {
    await using firewall = await createFirewall({ policy: join(dir, 'p.json'), certs: join(dir, 'c') })
    url = (await firewall.listen()).url
    t.match(firewall.env(), { https_proxy: url, HTTPS_PROXY: url, NODE_EXTRA_CA_CERTS: firewall.ca.path, SSL_CERT_FILE: firewall.ca.bundle })
  }
  await t.rejects(openWire(Number(new URL(url).port)), 'the port is closed')
})

/** Two ends of one wire. */
function pair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex => new Duplex({
    read() {},
    write(chunk, _encoding, done) { other().push(chunk); done() },
    final(done) { other().push(null); done() },
  })
  const a: Duplex = make(() => b)
  const b: Duplex = make(() => a)
  return [a, b]
}

t.test('listen() opens the doors of a shared network too, where it is told of them', async t => {
  const { firewall } = await openHouse(t, { version: 1, unmatched: 'deny' })
  const free = { host: '127.0.0.1', port: 0 }
  const { transparent, dns, close } = await firewall.listen({ transparent: free, dns: [free] })
  for (const { host, port } of [transparent, ...dns]) t.ok(host === '127.0.0.1' && port > 0)
  await close()
})
