import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { connectControl } from '../../../lib/control/client.ts'
import { serveControl } from '../../../lib/control/server.ts'
import type { DeskEvent } from '../../../lib/model/desk.ts'
import type { HeldTask } from '../../../lib/model/hold.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { sampleHeld, sampleTask } from '../../helpers/sample-held.ts'
import { fakeDesk, parseVerdict, shortDir, STATUS } from '../../helpers/fake-desk.ts'

type Tap = { teardown(call: () => unknown): unknown }

const served = async (t: Tap, desk = fakeDesk([sampleHeld()])) => {
  const server = await serveControl({ path: join(shortDir(t), 's.sock'), desk, clock: fakeClock(), parseAnswer: parseVerdict })
  t.teardown(() => server.close())
  return { desk, server, client: connectControl(server.path) }
}

/** Something that is no firewall: it says `reply` to whoever sends a request. */
const impostor = (t: Tap, reply: string | Buffer | ((socket: Socket) => void)) => {
  const path = join(shortDir(t), 'i.sock')
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => typeof reply === 'function' ? reply(socket) : socket.end(reply))
  })
  t.teardown(() => server.close())
  return new Promise<ReturnType<typeof connectControl>>(done => server.listen(path, () => done(connectControl(path))))
}

const http = (status: number, body: string, type = 'application/json'): string =>
  `HTTP/1.1 ${status} X\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n${body}`

t.test('what the firewall says arrives', async t => {
  const { client, desk } = await served(t)
  t.strictSame(await client.status(), STATUS)
  t.strictSame(await client.pending(), [sampleHeld()])
  t.strictSame(await client.policy(), { document: { version: 1 }, hash: 'h', generation: 1 })
  t.strictSame(await client.answer('q1', { verdict: 'deny', reason: 'no' }), { kind: 'accepted', released: 1, grant: null, persisted: false })
  t.strictSame(desk.answers[0]?.answer, { verdict: 'deny', reason: 'no' })
})

t.test('a link to the console is had where there is one, and is none to anywhere else', async t => {
  const link = 'http://127.0.0.1:8900/#sign-in=abc-_9'
  for (const [consoleLink, expected] of [[() => link, link], [() => null, 'it has no console'], [undefined, 'nothing at this path'], [() => 'http://127.0.0.1:8900/?x#sign-in=a', 'does not speak'], [() => 'http://a\x1b[2J/#sign-in=a', 'does not speak']] as const) {
    const server = await serveControl({ path: join(shortDir(t), 's.sock'), desk: fakeDesk(), clock: fakeClock(), parseAnswer: parseVerdict, ...consoleLink === undefined ? {} : { consoleLink } })
    t.teardown(() => server.close())
    t.match(await connectControl(server.path).consoleLink().catch((error: Error) => error.message), expected)
  }
})

t.test('a question that is not open is told as that', async t => {
  const { client } = await served(t)
  await t.rejects(client.answer('q9', { verdict: 'deny' }), { code: 'E_UNKNOWN_QUESTION', message: 'There is no open question q9.' })
  for (const id of ['../status', 'a b', '', 'q1\r\nX: y', '\x1b[2J']) {
    await t.rejects(client.answer(id, { verdict: 'deny' }), { code: 'E_UNKNOWN_QUESTION' }, `${JSON.stringify(id)} is never sent`)
  }
  await t.rejects(client.answer('\x1b[2J', { verdict: 'deny' }), { message: /^[^\x1b]*$/ }, 'and not shown as it is')
})

t.test('an answer that may not stand comes back with every problem', async t => {
  const { client, desk } = await served(t)
  desk.result = { kind: 'refused', problems: ['It does not cover the request.', 'It \x1b[2Jopens a private address.'] }
  await t.rejects(client.answer('q1', { verdict: 'approve', grant: 'once' }), {
    code: 'E_CONTROL_REFUSED', message: /cover the request\. It [^\x1b]*opens a private/, fix: /stays open/,
  })
})

t.test('nobody there is told with the path and what to do', async t => {
  const dir = shortDir(t)
  await t.rejects(connectControl(join(dir, 'none.sock')).status(), { code: 'E_CONTROL_UNREACHABLE', message: /none\.sock.*ENOENT/, fix: /sallyport serve/ })
  await t.rejects(connectControl(join(dir, 'x'.repeat(200))).status(), { code: 'E_CONTROL_UNREACHABLE', message: /at most/ }, 'Node would dial a shorter path')
  await t.rejects(connectControl('\0abstract').status(), { code: 'E_CONTROL_UNREACHABLE' })
})

t.test('whatever else answers at the path is refused whole', async t => {
  const held = sampleHeld()
  // [what it shows, reply to /v1/pending]
  const rows: [string, string | Buffer | ((socket: Socket) => void)][] = [
    ['nothing', ''],
    ['no HTTP', 'hello\n'],
    ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"pending":['],
    ['an upgrade nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n'],
    ['a page', http(200, '<html>', 'text/html')],
    ['no UTF-8', Buffer.concat([Buffer.from(http(200, '')), Buffer.from([0x22, 0xff, 0x22])])],
    ['null', http(200, 'null')],
    ['an array', http(200, '[]')],
    ['a list that is none', http(200, '{"pending":{}}')],
    ['a question that lacks a field', http(200, JSON.stringify({ pending: [{ ...held, display: undefined }] }))],
    ['a question whose field is of another type', http(200, JSON.stringify({ pending: [{ ...held, host: 7 }] }))],
    ['an id that is a path', http(200, JSON.stringify({ pending: [{ ...held, id: '../status' }] }))],
    ['a scheme that is none', http(200, JSON.stringify({ pending: [{ ...held, scheme: 'javascript' }] }))],
    ['a list that stands in the prototype', http(200, '{"__proto__":{"pending":[]}}')],
    ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\nContent-Length: 2\r\n\r\n{}'],
    ['an error of another kind', http(500, '{"error":"no"}')],
    ['an endless head', socket => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`)],
    ['a connection that is reset', socket => socket.destroy()],
  ]
  for (const [shows, reply] of rows) {
    const client = await impostor(t, reply)
    await t.rejects(client.pending(), { code: 'E_CONTROL_UNREACHABLE' }, shows)
  }
})

t.test('a reply without end is given up', async t => {
  const block = Buffer.alloc(1024 * 1024, 'x')
  const client = await impostor(t, socket => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"')
    const more = (): void => { while (!socket.destroyed && socket.write(block)); }
    socket.on('drain', more)
    more()
  })
  await t.rejects(client.status(), { code: 'E_CONTROL_UNREACHABLE', message: /more than/ })
})

t.test('events come as they happen, until the caller has enough', async t => {
  const { client, desk } = await served(t)
  const seen: DeskEvent[] = []
  for await (const event of client.events(new AbortController().signal)) {
    seen.push(event)
    if (event.event === 'asked') desk.emit({ event: 'notice', says: 'hello' })
    if (event.event === 'notice') break
  }
  t.strictSame(seen, [{ event: 'asked', held: sampleHeld() }, { event: 'notice', says: 'hello' }])
  while (desk.listeners.size > 0) await new Promise(setImmediate)
})

t.test('events end with the signal, and with the firewall', async t => {
  const { client, desk, server } = await served(t)
  const stop = new AbortController()
  for await (const event of client.events(stop.signal)) {
    t.equal(event.event, 'asked')
    stop.abort()
  }
  for await (const _ of client.events(stop.signal)) t.fail('aborted before it began')
  for await (const event of client.events(new AbortController().signal)) {
    t.equal(event.event, 'asked')
    void server.close()
  }
  t.equal(desk.listeners.size, 0)
})

t.test('a stream that breaks or talks nonsense throws', async t => {
  const stream = (text: string) => `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
  const END = '0\r\n\r\n'
  const drain = async (reply: string): Promise<DeskEvent[]> => {
    const seen: DeskEvent[] = []
    for await (const event of (await impostor(t, reply)).events(new AbortController().signal)) seen.push(event)
    return seen
  }
  const notice = 'event: notice\ndata: {"event":"notice","says":"x"}\n\n'
  t.strictSame(await drain(`${stream(`event: of-tomorrow\ndata: 7\n\n${notice}`)}${END}`), [{ event: 'notice', says: 'x' }], 'an event of a newer firewall is passed over')
  // [what it shows, reply]
  const rows: [string, string][] = [
    ['it was cut', stream(notice)],
    ['data that is no JSON', stream('event: notice\ndata: {\n\n') + END],
    ['data of another event', stream('event: settled\ndata: {"event":"notice","says":"x"}\n\n') + END],
    ['a name that all objects have', stream('event: notice\ndata: {"event":"toString"}\n\n') + END],
    ['fields of another type', stream('event: notice\ndata: {"event":"notice","says":7}\n\n') + END],
    ['a line without end', stream('x'.repeat(1024 * 1024 + 1)) + END],
    ['an error of another kind', http(500, '{}')],
  ]
  for (const [shows, reply] of rows) await t.rejects(drain(reply), { code: 'E_CONTROL_UNREACHABLE' }, shows)
  await t.rejects(drain(http(503, '{"error":{"code":"E_CONTROL_REFUSED","message":"Too many.","problems":[]}}')), { code: 'E_CONTROL_REFUSED', message: /Too many/ })
})

t.test('a task is a question like another, and half of one is none', async t => {
  const whole = await served(t, fakeDesk([sampleHeld(), sampleTask()]))
  t.strictSame(await whole.client.pending(), [sampleHeld(), sampleTask()])
  const { rules, ...half } = sampleTask()
  const broken = await served(t, fakeDesk([half as HeldTask]))
  await t.rejects(broken.client.pending(), { code: 'E_CONTROL_UNREACHABLE' })
})
