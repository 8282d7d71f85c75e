/** The operator's desk, over its socket: what was granted, what ruled, what happened; and taking it back. */
import t from 'tap'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectControl } from '../../lib/index.ts'
import type { ControlClient, DeskEvent, FirewallOptions, PolicyDocument } from '../../lib/index.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import { openTunnel, openWire } from '../helpers/wire.ts'
import type { Wire } from '../helpers/wire.ts'

const asking = (port: number, more: Partial<PolicyDocument> = {}): PolicyDocument => ({
  version: 1, name: 'desk', ...more,
  rules: [
    { id: 'ask', action: 'hold', host: 'a.test', port, scheme: 'http', private: true },
    { id: 'ask-stream', action: 'hold', host: 'db.test', port, scheme: 'tcp', private: true },
    ...more.rules ?? [],
  ],
})

async function open(t: Tap.Test, policy: PolicyDocument | string, options: Partial<FirewallOptions> = {}): Promise<House & { readonly desk: ControlClient }> {
  const folder = mkdtempSync(join(tmpdir(), 'sp-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const house = await openHouse(t, policy, { control: join(folder, 's.sock'), ...options })
  return Object.assign(house, { desk: connectControl(house.firewall.control!) })
}
declare namespace Tap { type Test = { teardown(call: () => unknown): void } }

async function send(house: House, port: number, path: string, host = 'a.test'): Promise<Wire> {
  const wire = await openWire(house.port)
  wire.write(`GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`.replace(' /', ` http://${host}:${port}/`))
  return wire
}

/** Says nothing, keeps what it is given open. */
async function startSilent(t: Tap.Test): Promise<number> {
  const server = createServer(socket => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A held tunnel; CONNECT is answered only once somebody decided. */
const tunnel = (house: House, port: number): Promise<Wire> => openTunnel(house.port, `db.test:${port}`)
const ok = /^(?:HTTP\/1\.1 10\d[^]*?\r\n\r\n)*HTTP\/1\.1 200/

t.test('a grant is told with who, when, whence and how far, and counts what it lets through', async t => {
  const origin = await startOrigin(t)
  const house = await open(t, asking(origin.port))
  const events: DeskEvent[] = []
  house.firewall.subscribe(event => events.push(event))
  const wire = await send(house, origin.port, '/items/1')
  const [held] = await house.questions(1)
  const rule = { host: 'a.test', scheme: 'http' as const, port: origin.port, path: '/items/*' }
  const given = await house.desk.answer(held!.id, { verdict: 'approve', grant: { rule, ttlMs: 60_000, maxUses: 5 }, shown: held!.shown, by: 'ann', note: 'the digest' })
  t.match(await wire.ended(), ok)
  t.match(await (await send(house, origin.port, '/items/2')).ended(), ok)
  t.match(await house.desk.grants(), [{ id: given.grant, question: held!.id, scope: 'uses', rule, answers: 'ask', by: 'ann', door: 'control', maxUses: 5, uses: 2, live: 0, generation: 1 }])
  t.match((await house.desk.grants())[0]!.expiresAt, /Z$/)
  const decided = { question: held!.id, verdict: 'approve', scope: 'uses', grant: given.grant, by: 'ann', door: 'control', rule, note: 'the digest' }
  t.match(events.find(({ event }) => event === 'decided'), { decided })
  t.match(house.records.find(({ event, details }) => event === 'notice' && details?.['verdict'] === 'approve'), { details: { ...decided, rule: JSON.stringify(rule) } }, 'and the log has it')

  t.match(await house.desk.rules(), { rules: [{ rule: { id: 'ask' }, hits: 2, lastHit: /Z$/ }], unmatched: { action: 'hold', hits: 0, lastHit: null } })
  t.strictSame(await house.desk.undo(given.grant!, 'ben'), { kind: 'undone', closed: 0 })
  t.strictSame(await house.desk.grants(), [])
  await t.rejects(house.desk.undo(given.grant!), { code: 'E_UNKNOWN_GRANT' })
  t.match(events.at(-1), { event: 'undone', id: given.grant, by: 'ben', door: 'control' })
  const again = await send(house, origin.port, '/items/3')
  await house.questions(1)
  t.pass('it is asked about again')
  again.close()
})

t.test('undo closes the streams that only this grant allowed, and says how many', async t => {
  const port = await startSilent(t)
  const house = await open(t, asking(port))
  const [one, two] = [tunnel(house, port), tunnel(house, port)]
  while (house.firewall.status().counts.waiting < 2) await new Promise(setImmediate)
  const [first, second] = house.firewall.pending()
  const rule = { host: 'db.test', scheme: 'tcp' as const, port }
  const wide = await house.desk.answer(first!.id, { verdict: 'approve', grant: { rule } })
  if (second !== undefined) t.match(wide.released, 1)
  const wires = await Promise.all([one, two])
  const ends = wires.map(wire => new Promise(resolve => wire.socket.resume().once('close', resolve)))
  t.match(await house.desk.grants(), [{ scope: 'session', uses: 2, live: 2 }])
  t.strictSame(await house.desk.undo(wide.grant!), { kind: 'undone', closed: 2 })
  await Promise.all(ends)
  t.strictSame((await house.closings(2)).map(record => record.error), ['revoked', 'revoked'])
})

t.test('an approval for one request is open as long as its stream, or until its client is back; undo ends either', async t => {
  const port = await startSilent(t)
  const house = await open(t, asking(port))
  const opening = tunnel(house, port)
  const [held] = await house.questions(1)
  const once = await house.desk.answer(held!.id, { verdict: 'approve', grant: 'once' })
  const wire = await opening
  const end = new Promise(resolve => wire.socket.resume().once('close', resolve))
  t.match(await house.desk.grants(), [{ id: once.grant, scope: 'once', rule: { host: 'db.test', port, scheme: 'tcp' }, live: 1 }])
  t.strictSame(await house.desk.undo(once.grant!), { kind: 'undone', closed: 1 })
  await end
  t.strictSame(await house.desk.grants(), [])

  const gone = await send(house, port, '/late')
  const [late] = await house.questions(1)
  gone.close()
  await house.closings(2)
  const kept = await house.desk.answer(late!.id, { verdict: 'approve', grant: 'once' })
  t.match(await house.desk.grants(), [{ id: kept.grant, scope: 'once', rule: { path: '/late' } }])
  await house.desk.undo(kept.grant!)
  const back = await send(house, port, '/late')
  await house.questions(1)
  back.close()
})

t.test('an answer that was written into the policy is taken out of it again, and of nothing else', async t => {
  const file = join(t.testdir(), 'policy.json')
  const text = '{\n  "version": 1,\n  "rules": [\n    { "id": "a", "host": "a.test" }\n  ]\n}\n'
  writeFileSync(file, text)
  const house = await open(t, file)
  const wire = await send(house, 80, '/x', 'new.test')
  const [held] = await house.questions(1)
  const rule = { id: 'new', host: 'new.test', scheme: 'http' as const }
  const given = await house.desk.answer(held!.id, { verdict: 'approve', grant: { rule, persist: true } })
  await wire.ended()
  t.match(await house.desk.grants(), [{ id: given.grant, scope: 'always', rule, uses: 1 }])
  t.ok(readFileSync(file, 'utf8').includes('new.test'))
  t.strictSame(await house.desk.undo(given.grant!), { kind: 'undone', closed: 0 })
  t.equal(readFileSync(file, 'utf8'), text, 'the file is as it was')
  t.equal(house.firewall.decide({ url: 'http://new.test/x' }).action, 'hold')

  const again = await send(house, 80, '/x', 'new.test')
  const [second] = await house.questions(1)
  const kept = await house.desk.answer(second!.id, { verdict: 'approve', grant: { rule, persist: true } })
  await again.ended()
  writeFileSync(file, readFileSync(file, 'utf8').replace('"scheme": "http"', '"scheme": [ "http", "ws" ]'))
  await t.rejects(house.desk.undo(kept.grant!), { code: 'E_CONTROL_REFUSED', message: /edited/ }, 'what somebody edited is theirs')
  await house.firewall.reload()
  await t.rejects(house.desk.undo(kept.grant!), { code: 'E_UNKNOWN_GRANT' })
})

t.test('an approval of what was shown before the policy changed is refused, and what an answer adds is no such change', async t => {
  const origin = await startOrigin(t)
  const house = await open(t, asking(origin.port))
  const wires = [await send(house, origin.port, '/x'), await send(house, origin.port, '/y')]
  const [x, y] = await house.questions(2)
  await house.desk.answer(x!.id, { verdict: 'approve', grant: { rule: { host: 'a.test', scheme: 'http', port: origin.port, path: '/x' } }, shown: x!.shown })
  await house.firewall.reload({ ...asking(origin.port), name: 'other' })
  await t.rejects(house.desk.answer(y!.id, { verdict: 'approve', grant: 'once', shown: y!.shown }), { code: 'E_CONTROL_REFUSED', message: /changed/ })
  const [anew] = await house.desk.pending()
  t.not(anew!.shown, y!.shown)
  await house.desk.answer(y!.id, { verdict: 'approve', grant: 'once', shown: anew!.shown })
  for (const wire of wires) t.match(await wire.ended(), ok)
})

t.test('one answer settles the questions that were shown, and no other', async t => {
  const origin = await startOrigin(t)
  const house = await open(t, asking(origin.port))
  const wires = await Promise.all([1, 2, 3].map(n => send(house, origin.port, `/items/${n}`)))
  const questions = await house.questions(3)
  const shown = questions.filter(({ path }) => path !== '/items/3')
  t.match(await house.desk.answerAll(shown, { verdict: 'approve', grant: 'once', by: 'ann' }), { answered: 2, released: 2, persisted: false, left: [] })
  for (const wire of wires.slice(0, 2)) t.match(await wire.ended(), ok)
  t.match(house.firewall.pending(), { length: 1 })

  const more = await Promise.all([4, 5].map(n => send(house, origin.port, `/items/${n}`)))
  const rest = await house.questions(3)
  t.match(await house.desk.answerAll(rest.slice(0, 2), { verdict: 'approve', grant: { rule: { host: 'a.test', scheme: 'http', port: origin.port, path: '/items/*' } } }), { answered: 2, released: 2, grants: { length: 1 } })
  for (const wire of [wires[2]!, ...more]) t.match(await wire.ended(), ok, 'a rule also lets go on whom it covers beside them')
  await t.rejects(house.desk.answerAll(rest, { verdict: 'deny' }), { code: 'E_UNKNOWN_QUESTION' })

  const denied = await Promise.all([1, 2].map(n => send(house, origin.port, `/admin/${n}`)))
  const bad = await house.questions(2)
  await t.rejects(house.desk.answerAll(bad, { verdict: 'approve', grant: { rule: { host: 'elsewhere.test' } } }), { code: 'E_CONTROL_REFUSED', message: /cover/ })
  t.match(await house.desk.answerAll(bad, { verdict: 'deny', reason: 'not the admin' }), { answered: 2, released: 2 })
  for (const wire of denied) t.match(await wire.ended(), /not the admin/)
})

t.test('what happened lately is found by host, action and text, and told as it happens to those who ask', async t => {
  const origin = await startOrigin(t)
  const house = await open(t, asking(origin.port, { rules: [{ id: 'reads', host: '*.ok.test', scheme: 'http', port: origin.port, private: true }, { id: 'never', action: 'deny', host: 'bad.test' }] }))
  const end = new AbortController()
  const live: string[] = []
  const told = (async () => {
    for await (const event of house.desk.events(end.signal, { flows: true })) {
      if (event.event === 'flows') live.push(...event.records.map(record => record.path ?? ''))
      if (live.includes('/late')) return
    }
  })()
  await (await send(house, origin.port, '/one', 'x.ok.test')).ended()
  // Its client sees the end before the log does.
  await house.closings(1)
  await (await send(house, origin.port, '/two', 'bad.test')).ended()
  await house.closings(2)
  t.match(await house.desk.flows(), [{ event: 'closed', path: '/two', action: 'deny', rule: 'never' }, { event: 'closed', path: '/one', action: 'allow' }])
  t.match(await house.desk.flows({ host: 'ok.test' }), [{ path: '/one' }])
  t.match(await house.desk.flows({ action: 'deny' }), [{ path: '/two' }])
  t.match(await house.desk.flows({ text: 'NEVER' }), [{ path: '/two' }])
  t.equal((await house.desk.flows({ limit: 1 })).length, 1)
  t.strictSame(await house.desk.flows({ text: 'nowhere' }), [])
  while (!live.includes('/one')) {
    await (await send(house, origin.port, '/one', 'x.ok.test')).ended()
    await new Promise(setImmediate)
  }
  await (await send(house, origin.port, '/late', 'x.ok.test')).ended()
  await told
  end.abort()
})
