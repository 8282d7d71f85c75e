/** What a rule or a grant may let through in all: counted, told, and shut when it is used up. */
import t from 'tap'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { fakeClock } from '../helpers/fake-clock.ts'
import { openHouse, requestsOf } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import { openTunnel, openWire } from '../helpers/wire.ts'
import type { Wire } from '../helpers/wire.ts'
import type { PolicyDocument, RuleDocument } from '../../lib/index.ts'

const rule = (port: number, budget: Partial<RuleDocument>): PolicyDocument => ({ version: 1, rules: [{ id: 'some', host: 'open.test', scheme: 'http', port, private: true, ...budget }] })

async function send(house: House, port: number, path: string, body = ''): Promise<Wire> {
  const wire = await openWire(house.port)
  const fields = body === '' ? '' : `Content-Length: ${body.length}\r\n`
  wire.write(`${body === '' ? 'GET' : 'POST'} http://open.test:${port}${path} HTTP/1.1\r\nHost: open.test:${port}\r\nConnection: close\r\n${fields}\r\n${body}`)
  return wire
}

const bytesOf = (house: House): unknown => house.firewall.status().budgets.map(({ bytes }) => bytes)

t.test('bytes: counted both ways as they flow, an exchange beyond them is ended, and the next is asked about', async t => {
  const origin = await startOrigin(t, { answer: (request, response) => {
    const [, length = '0', how] = /^\/(\d+)(\/announced)?$/.exec(request.url ?? '') ?? []
    if (how !== undefined) response.setHeader('Content-Length', length)
    response.write('x'.repeat(Number(length) / 2))
    setImmediate(() => response.end('x'.repeat(Number(length) / 2)))
  } })
  const house = await openHouse(t, rule(origin.port, { access: 'full', maxBytes: 10_000 }))
  t.match(await (await send(house, origin.port, '/4000', 'y'.repeat(2_000))).ended(), /^HTTP\/1\.1 200/)
  t.same(bytesOf(house), [{ spent: 6_000, of: 10_000 }])
  t.match(await (await send(house, origin.port, '/4002/announced')).ended(), /^HTTP\/1\.1 403 [^]*budget_spent/, 'announced: refused before its first byte')
  t.same(bytesOf(house), [{ spent: 6_000, of: 10_000 }], 'and nothing is counted')

  const announced = await send(house, origin.port, '/2', 'y'.repeat(4_001))
  const [held] = await house.questions(1)
  t.match(held, { answers: null, risks: [{ code: 'budget', says: 'the rule "some" would let it through, but of its 10000 bytes 4000 are left, and the request announces 4001' }, {}, {}, {}] })
  announced.close()

  const cut = await (await send(house, origin.port, '/6000')).ended()
  t.notMatch(cut, /\r\n0\r\n\r\n$/, 'cut, and never complete')
  t.same(bytesOf(house), [{ spent: 10_000, of: 10_000 }])
  t.match((await house.closings(4)).find(({ path }) => path === '/6000'), { action: 'allow', rule: 'some', error: 'budget_spent', code: 'budget_spent' }, 'the log says why')

  const next = await send(house, origin.port, '/2')
  await house.questions(2)
  t.match(requestsOf(house.firewall)[1], { path: '/2', answers: null, nearest: { rule: 'some', why: 'its 10000 bytes are spent' }, risks: [{ code: 'budget', says: /but its 10000 bytes are spent$/ }, {}, {}] })
  next.close()
})

t.test('bytes of a stream: it is ended at the budget, whichever way they flow', async t => {
  const server = createServer(socket => { socket.on('error', () => {}).on('data', chunk => socket.write(chunk)) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const house = await openHouse(t, rule(port, { scheme: 'tcp', maxBytes: 1_000 }))
  const wire = await openTunnel(house.port, `open.test:${port}`)
  wire.write('z'.repeat(400))
  await wire.until('z'.repeat(400))
  t.same(bytesOf(house), [{ spent: 800, of: 1_000 }])
  wire.write('z'.repeat(201))
  t.equal(await wire.ended(), 'z'.repeat(400), 'what it has no room for is not passed on')
  t.match(await house.closings(1), [{ action: 'allow', rule: 'some', error: 'budget_spent', bytesUp: 400, bytesDown: 400 }])
})

t.test('requests a minute: what is too much waits, and goes on by itself when the minute has room', async t => {
  const clock = fakeClock()
  const origin = await startOrigin(t)
  const house = await openHouse(t, rule(origin.port, { maxRequestsPerMinute: 2 }), { clock })
  for (const path of ['/1', '/2']) t.match(await (await send(house, origin.port, path)).ended(), /^HTTP\/1\.1 200/)
  const waiting: Wire[] = []
  for (const path of ['/3', '/4', '/5']) {
    waiting.push(await send(house, origin.port, path))
    await house.questions(waiting.length)
  }
  const [held] = requestsOf(house.firewall)
  t.match(held?.risks[0], { code: 'budget', says: 'the rule "some" would let it through, but its 2 requests a minute are spent for now' })
  t.same(house.firewall.status().budgets, [{ kind: 'rule', id: 'some', uses: null, bytes: null, lastMinute: { spent: 2, of: 2 } }])
  clock.advance(59_000)
  t.equal(house.firewall.status().counts.waiting, 3, 'not yet')
  clock.advance(3_000)
  t.match(await Promise.all(waiting.slice(0, 2).map(wire => wire.ended())), [/^HTTP\/1\.1 200/, /^HTTP\/1\.1 200/])
  t.equal(requestsOf(house.firewall).length, 1, 'two had room, the third still waits')
  t.equal(requestsOf(house.firewall)[0]?.path, '/5')
  clock.advance(62_000)
  t.match(await waiting[2]!.ended(), /^HTTP\/1\.1 200/)
  t.equal(house.records.filter(({ event, held }) => event === 'closed' && held?.by == null).length, 5, 'and nobody was needed for it')
})

t.test('a budget on an approval', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, { version: 1, rules: [{ id: 'ask', action: 'hold', host: 'open.test', scheme: 'http', port: origin.port, private: true }] })
  const first = await send(house, origin.port, '/1')
  const [held] = await house.questions(1)
  const grant = { host: 'open.test', scheme: 'http', port: origin.port, method: 'GET', maxBytes: 5 } as const
  t.match(await house.firewall.answer(held!.id, { verdict: 'approve', grant: { rule: grant } }), { kind: 'accepted' })
  t.match(await first.ended(), /^HTTP\/1\.1 200 [^]*ok\n$/)
  t.match(house.firewall.status().budgets, [{ kind: 'grant', bytes: { spent: 3, of: 5 } }])
  t.match(await (await send(house, origin.port, '/2')).ended(), /^HTTP\/1\.1 403 [^]*budget_spent/)
  t.match(house.firewall.status().budgets, [{ bytes: { spent: 3, of: 5 } }])

  const long = await send(house, origin.port, '/3', 'y'.repeat(10))
  const [post] = await house.questions(1)
  t.match(await house.firewall.answer(post!.id, { verdict: 'approve', grant: { rule: { ...grant, method: 'POST' } } }), { kind: 'refused', problems: [/does not cover/] }, 'too little for what is asked about')
  long.close()
})
