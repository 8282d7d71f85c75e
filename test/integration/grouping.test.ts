/** Questions that one answer would settle are one, and what a redirect led to is said. */
import t from 'tap'
import { openHouse, requestsOf } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import { openWire } from '../helpers/wire.ts'
import type { Wire } from '../helpers/wire.ts'
import type { Held, PolicyDocument } from '../../lib/index.ts'

const policy = (port: number): PolicyDocument => ({
  version: 1,
  rules: [
    { id: 'open', host: 'open.test', scheme: 'http', port, private: true },
    { id: 'ask', action: 'hold', host: ['a.test', 'b.test'], scheme: 'http', port, private: true },
  ],
})

async function send(house: House, port: number, line: string, host = 'a.test'): Promise<Wire> {
  const [method, path] = line.split(' ')
  const wire = await openWire(house.port)
  wire.write(`${method} http://${host}:${port}${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`)
  return wire
}

/** The oldest of each group, as `sallyport pending` shows them. */
const shown = (house: House): Held[] => requestsOf(house.firewall).filter(({ id, group }) => group.id === id)
const approve = async (house: House, { id, group }: Held): Promise<void> => {
  const result = await house.firewall.answer(id, { verdict: 'approve', grant: { rule: group.suggestion!.rule } })
  if (result.kind !== 'accepted') throw new Error(JSON.stringify(result))
}

t.test('forty item URLs of one host are one question, and one answer lets all of them go on', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port))
  const wires = await Promise.all(Array.from({ length: 40 }, (_, n) => send(house, origin.port, `GET /v0/item/${8_863 + n}.json`)))
  await house.questions(40)
  const [held, ...others] = shown(house)
  t.equal(others.length, 0)
  t.match(held!.group, { questions: 40, waiting: 40, suggestion: { shape: 'group', says: /^all 40: GET http:\/\/a\.test:\d+\/v0\/item\/\*\.json/ } })
  t.same(held!.group.suggestion!.rule, { host: 'a.test', scheme: 'http', port: origin.port, method: 'GET', path: '/v0/item/*.json' })
  await approve(house, held!)
  for (const wire of wires) t.match(await wire.ended(), /^HTTP\/1\.1 200/)
  t.equal(origin.requests.length, 40)
  t.equal(house.firewall.pending().length, 0)
  t.match(await (await send(house, origin.port, 'GET /v0/item/9999.json')).ended(), /^HTTP\/1\.1 200/, 'the next is not asked about')
})

t.test('twenty packages at once are one question; other methods and other hosts are others', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port))
  const names = ['left-pad', 'react', 'lodash', '@types%2fnode', 'chalk', 'semver', 'glob', 'minimist', 'debug', 'ms', 'yargs', 'commander', 'async', 'express', 'uuid', 'once', 'wrappy', 'inherits', 'isarray', 'qs']
  const wires = await Promise.all(names.map(name => send(house, origin.port, `GET /${name}`)))
  const others = await Promise.all([send(house, origin.port, 'DELETE /react'), send(house, origin.port, 'GET /react', 'b.test')])
  await house.questions(22)
  const groups = shown(house)
  t.same(groups.map(({ group }) => group.questions).sort((a, b) => a - b), [1, 1, 20])
  const packages = groups.find(({ group }) => group.questions === 20)!
  t.equal(packages.group.suggestion?.rule.method, 'GET')
  await approve(house, packages)
  for (const wire of wires) t.match(await wire.ended(), /^HTTP\/1\.1 200/)
  t.equal(house.firewall.pending().length, 2)
  t.ok(shown(house).every(({ group }) => group.questions === 1 && group.suggestion === null))
  for (const wire of others) wire.close()
})

t.test('a question that is alone is a group of one; twins are one question, not a group', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port))
  const wires = await Promise.all([1, 2, 3].map(() => send(house, origin.port, 'GET /x')))
  await house.questions(1)
  while (house.firewall.status().counts.waiting < 3) await new Promise(setImmediate)
  const [held] = requestsOf(house.firewall)
  t.same(held?.group, { id: held?.id, questions: 1, waiting: 3, suggestion: null })
  for (const wire of wires) wire.close()
})

t.test('a host that was reached by a redirect from one that was let through is said to be so, and asked about all the same', async t => {
  const origin = await startOrigin(t, { answer: ({ url = '' }, response) => {
    response.writeHead(302, { Location: url === '/near' ? '/elsewhere' : `http://a.test:${origin.port}/blob`, 'Content-Length': 0 })
    response.end()
  } })
  const house = await openHouse(t, policy(origin.port))
  const codes = (): string[] => house.firewall.pending().flatMap(({ risks }) => risks.map(({ code }) => code))
  t.match(await (await send(house, origin.port, 'GET /near', 'open.test')).ended(), /302/)
  const before = await send(house, origin.port, 'GET /blob')
  await house.questions(1)
  t.notOk(codes().includes('redirected'), 'nothing led there yet')
  before.close()
  t.match(await (await send(house, origin.port, 'GET /far', 'open.test')).ended(), /302/)
  const after = await send(house, origin.port, 'GET /blob?signed')
  await house.questions(2)
  t.ok(codes().includes('redirected'))
  t.match(house.firewall.pending().flatMap(({ risks }) => risks.map(({ says }) => says)).join(), /open\.test, which was let through, redirected there/)
  after.close()
})

t.test('each rule that is offered says what else of this session it covers, and what was denied of it', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port))
  const denied = await send(house, origin.port, 'GET /v1/keys/1')
  const [first] = await house.questions(1)
  t.ok(first!.suggestions.every(({ also }) => also === undefined), 'nothing was asked before')
  await house.firewall.answer(first!.id, { verdict: 'deny' })
  await denied.ended()
  const other = await send(house, origin.port, 'GET /v1/items/2')
  const [held] = await house.questions(1)
  const also = Object.fromEntries(held!.suggestions.map(({ shape, also }) => [shape, also?.says]))
  t.equal(also['below'], undefined)
  t.equal(also['read-only'], 'covers another request that was asked about, and DENIED: “GET /v1/keys/1”')
  other.close()
})
