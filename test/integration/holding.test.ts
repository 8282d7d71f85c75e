/** Holding, end to end: who waits for what, what an answer releases, and what a change of policy does to those who wait. */
import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openHouse, requestsOf } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import { openWire } from '../helpers/wire.ts'
import type { Wire } from '../helpers/wire.ts'
import type { Answer, PolicyDocument } from '../../lib/index.ts'

const asking = (port: number, more: Partial<PolicyDocument> = {}): PolicyDocument => ({
  version: 1, name: 'holding', ...more,
  rules: [{ id: 'ask', action: 'hold', host: '**.test', anyHost: true, scheme: 'http', port, private: true, note: 'look twice' }, ...more.rules ?? []],
})

/** A request in the clear, on a connection of its own. */
async function send(house: House, port: number, line: string, host = 'a.test', fields = '', body = ''): Promise<Wire> {
  const [method, path] = line.split(' ')
  const wire = await openWire(house.port)
  wire.write(`${method} http://${host}:${port}${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n${fields}\r\n${body}`)
  return wire
}
const once: Answer = { verdict: 'approve', grant: 'once' }
const ok = /^(?:HTTP\/1\.1 10\d[^]*?\r\n\r\n)*HTTP\/1\.1 200/

t.test('twins share one question, and one answer lets them all go on', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, asking(origin.port))
  const wires = await Promise.all(Array.from({ length: 5 }, () => send(house, origin.port, 'GET /x')))
  await house.questions(1)
  while (house.firewall.status().counts.waiting < 5) await new Promise(setImmediate)
  t.equal(house.firewall.pending().length, 1)
  t.equal(house.firewall.pending()[0]!.waiting, 5)
  const result = await house.firewall.answer(house.firewall.pending()[0]!.id, once)
  t.match(result, { kind: 'accepted', released: 5 })
  for (const wire of wires) t.match(await wire.ended(), ok)
  t.equal(origin.requests.length, 5)
  t.strictSame((await house.closings(5)).map(record => record.held?.waiters), [5, 5, 5, 5, 5], 'the log says of each how many waited')
  const again = await send(house, origin.port, 'GET /x')
  await house.questions(1)
  t.pass('once is spent: the next twin is asked about')
  again.close()
})

t.test('a write is a question of its own, whoever else asks the same', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, asking(origin.port))
  const post = (): Promise<Wire> => send(house, origin.port, 'POST /x', 'a.test', 'Content-Length: 2\r\n', 'hi')
  const wires = [await post(), await post()]
  const [first, second] = await house.questions(2)
  await house.firewall.answer(first!.id, once)
  t.match(await Promise.race(wires.map(wire => wire.ended())), ok)
  t.equal(house.firewall.pending().length, 1, 'the other still waits')
  t.equal(house.firewall.pending()[0]!.id, second!.id)
  await house.firewall.answer(second!.id, { verdict: 'deny', reason: 'one is enough', by: 'ann' })
  const texts = await Promise.all(wires.map(wire => wire.ended()))
  t.ok(texts.some(text => /^HTTP\/1\.1 403 [^]*approval_denied[^]*one is enough/.test(text)), 'the operator\'s reason is read by the client')
  t.equal(origin.requests.length, 1)
  t.match(house.closed.find(record => record.code === 'approval_denied'), { held: { by: 'ann', door: 'library', question: second!.id } })
})

t.test('a client that gave up and comes back finds the answer, once', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, asking(origin.port))
  const first = await send(house, origin.port, 'GET /slow')
  const [question] = await house.questions(1)
  first.close()
  await house.closings(1)
  t.equal(house.firewall.pending().length, 1, 'the question stays open')
  await house.firewall.answer(question!.id, once)
  t.match(await (await send(house, origin.port, 'GET /slow')).ended(), ok, 'the answer was waiting')
  t.equal(origin.requests.length, 1)
  const third = await send(house, origin.port, 'GET /slow')
  await house.questions(1)
  third.close()
})

t.test('a grant releases every waiter that it covers, at once, and none that it does not', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, asking(origin.port))
  const covered = [await send(house, origin.port, 'GET /items/1'), await send(house, origin.port, 'GET /items/2')]
  const other = await send(house, origin.port, 'GET /admin')
  const questions = await house.questions(3)
  const id = questions.find(held => held.path === '/items/1')!.id
  await house.firewall.answer(id, { verdict: 'approve', grant: { rule: { host: 'a.test', scheme: 'http', port: origin.port, path: '/items/*', method: 'GET' }, ttlMs: 60_000 } })
  for (const wire of covered) t.match(await wire.ended(), ok)
  t.match(await (await send(house, origin.port, 'GET /items/3')).ended(), ok, 'later ones are not asked about')
  t.equal(house.firewall.pending().length, 1)
  t.equal(requestsOf(house.firewall)[0]!.path, '/admin')
  other.close()
})

t.test('the narrowest suggestion grants what it shows, and a use is a use', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, asking(origin.port))
  const wire = await send(house, origin.port, 'GET /v1/items/42?q=1')
  const [held] = await house.questions(1)
  t.ok(held!.suggestions.length >= 3 && held!.suggestions.length <= 5, `${held!.suggestions.length} suggestions`)
  await house.firewall.answer(held!.id, { verdict: 'approve', grant: { rule: held!.suggestions[0]!.rule, maxUses: 2 } })
  t.match(await wire.ended(), ok)
  t.match(await (await send(house, origin.port, 'GET /v1/items/42?q=1')).ended(), ok, 'the second use')
  const third = await send(house, origin.port, 'GET /v1/items/42?q=1')
  await house.questions(1)
  t.pass('the third is asked about')
  third.close()
})

t.test('a question says what is asked, without the values of credentials', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, asking(origin.port))
  const wire = await send(house, origin.port, 'PUT /v1/\u001b', 'a.test', '').catch(() => null)
  wire?.close()
  const real = await send(house, origin.port, 'PUT /v1/x?key=1', 'a.test', 'Authorization: Bearer SECRET\r\nUser-Agent: evil\u202egnp\r\nContent-Type: application/json\r\nContent-Length: 10\r\n')
  const [held] = await house.questions(1)
  t.match(held, { client: '127.0.0.1', scheme: 'http', host: 'a.test', port: origin.port, method: 'PUT', target: '/v1/x?key=1', path: '/v1/x', contentLength: 10, contentType: 'application/json', waiting: 1, answers: 'ask', note: 'look twice', policy: { name: 'holding' } })
  t.match(held!.headers.find(header => header.name === 'Authorization'), { bytes: 13 })
  t.notMatch(JSON.stringify(held), /SECRET/)
  t.notMatch(Object.values(held!.display).join(''), /[\u0000-\u001f\u202e]/, 'what is shown cannot move a cursor')
  t.ok(held!.risks.some(risk => risk.code === 'body'))
  real.close()
})

t.test('a door that has no opinion leaves the question to the others', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, asking(origin.port), { approve: [() => ({ verdict: 'pass' }), () => { throw new Error('broken') }, async () => once] })
  const problems: string[] = []
  house.firewall.subscribe(event => { if (event.event === 'door-failed') problems.push(event.problem) })
  t.match(await (await send(house, origin.port, 'GET /')).ended(), ok)
  t.match(problems.join(), /broken/)
})

t.test('a reload judges those who wait again', async t => {
  const origin = await startOrigin(t)
  const file = join(t.testdir(), 'policy.json')
  writeFileSync(file, JSON.stringify(asking(origin.port)))
  const house = await openHouse(t, file)
  const allowed = await send(house, origin.port, 'GET /good')
  const denied = await send(house, origin.port, 'GET /bad')
  await house.questions(2)
  writeFileSync(file, JSON.stringify({ version: 1, rules: [
    { id: 'good', host: 'a.test', scheme: 'http', port: origin.port, path: '/good', private: true },
    { id: 'bad', action: 'deny', host: 'a.test', path: '/bad' },
  ] }))
  await house.firewall.reload()
  t.match(await allowed.ended(), ok)
  t.match(await denied.ended(), /^HTTP\/1\.1 403 [^]*policy_denied/)
  t.equal(house.firewall.status().policy.generation, 2)

  writeFileSync(file, '{ "version": 1, "rules": [ {} ] }')
  await t.rejects(house.firewall.reload(), { code: 'E_POLICY_INVALID' })
  t.match(await (await send(house, origin.port, 'GET /good')).ended(), ok, 'the last good policy stays')
  t.ok(house.firewall.status().policy.problem)
})

t.test('an answer that is to stay is written into the policy file', async t => {
  const origin = await startOrigin(t)
  const file = join(t.testdir(), 'policy.json')
  writeFileSync(file, JSON.stringify(asking(origin.port), null, 2))
  const house = await openHouse(t, file)
  const wire = await send(house, origin.port, 'GET /x')
  const [held] = await house.questions(1)
  const kept = await house.firewall.answer(held!.id, { verdict: 'approve', grant: { rule: held!.suggestions[0]!.rule, persist: true } })
  t.equal(kept.kind, 'refused', 'an allow rule never answers a hold rule, so writing one would change nothing')
  t.equal(JSON.parse(readFileSync(file, 'utf8')).rules.length, 1, 'and nothing is written')
  wire.close()
})

t.test('closing answers those who wait', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, asking(origin.port))
  const wire = await send(house, origin.port, 'GET /x')
  await house.questions(1)
  await house.firewall.close()
  t.match(await wire.ended(), /^HTTP\/1\.1 503 [^]*shutting_down/)
  t.equal(house.closed.length, 1)
})

t.test('the start of a text body is shown, and every byte of it is sent', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, asking(origin.port))
  const big = `{"text":"${'digest '.repeat(40_000)}"}`
  const rows: [string, string, string, string, string][] = [
    ['JSON', 'application/json; charset=utf-8', '', '{"query":"mutation { deleteRepo }"}', '{"query":"mutation { deleteRepo }"}'],
    ['a form, its secrets left out', 'application/x-www-form-urlencoded', '', 'user=ann&password=hunter2&api_key=k&x=1', 'user=ann&password=…&api_key=…&x=1'],
    ['and those of JSON', 'application/vnd.api+json', '', '{"access_token": "abc", "to":"b"}', '{"access_token": …, "to":"b"}'],
    ['what would move a cursor', 'text/plain', '', 'a\x1b[2J', 'a\\u{1b}[2J'],
    ['a character that is cut', 'text/plain', '', `${'x'.repeat(199)}é`, `${'x'.repeat(199)}…`],
    ['much of it', 'application/json', '', big, `${big.slice(0, 200)}…`],
    ['a body that is no text', 'application/octet-stream', '', 'abc', ''],
    ['one that is coded', 'text/plain', 'Content-Encoding: gzip\r\n', 'abc', ''],
  ]
  for (const [n, [shows, type, fields, body, shown]] of rows.entries()) {
    const wire = await send(house, origin.port, `POST /${n}`, 'a.test', `Content-Type: ${type}\r\n${fields}Content-Length: ${Buffer.byteLength(body)}\r\n`, Buffer.from(body).toString('latin1'))
    const [held] = await house.questions(1)
    t.equal(held!.display.body, shown, shows)
    await house.firewall.answer(held!.id, once)
    t.match(await wire.ended(), ok)
    t.equal(origin.requests[n]!.body, Buffer.from(body).toString('latin1'), `${shows}: as it was sent`)
  }
  t.notMatch(JSON.stringify(house.records), /hunter2|deleteRepo/, 'and the log has none of it')

  const slow = await send(house, origin.port, 'POST /slow', 'a.test', 'Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n')
  const [early] = await house.questions(1)
  t.equal(early!.display.body, '', 'nobody waits for a body')
  slow.write('3\r\nabc\r\n')
  await house.firewall.answer(early!.id, once)
  slow.write('0\r\n\r\n')
  t.match(await slow.ended(), ok)
  t.equal(origin.requests.at(-1)!.body, 'abc')
})

t.test('an approval of what begins so is none of what begins otherwise', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, asking(origin.port))
  const post = (body: string): Promise<Wire> => send(house, origin.port, 'POST /graphql', 'a.test', `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`, body)
  const left = await post('{"q":"read"}')
  const [held] = await house.questions(1)
  left.close()
  while (house.firewall.status().counts.waiting > 0) await new Promise(setImmediate)
  t.match(await house.firewall.answer(held!.id, once), { kind: 'accepted' })
  const other = await post('{"q":"drop"}')
  const [asked] = await house.questions(1)
  t.equal(asked!.display.body, '{"q":"drop"}')
  other.close()
  t.match(await (await post('{"q":"read"}')).ended(), ok, 'and it is kept for who comes back with it')
})
