import { existsSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import t from 'tap'
import { serveControl } from '../../../lib/control/server.ts'
import type { ParseAnswer } from '../../../lib/control/actions.ts'
import { MAX_STREAMS } from '../../../lib/control/routes.ts'
import { layOut } from '../../../lib/audit/line.ts'
import { FLOWS_EVERY_MS, MAX_LAG_BYTES } from '../../../lib/control/stream.ts'
import type { AnswerResult } from '../../../lib/model/desk.ts'
import { fakeClock, type FakeClock } from '../../helpers/fake-clock.ts'
import { sampleHeld } from '../../helpers/sample-held.ts'
import { fakeDesk, parseVerdict, shortDir, STATUS, talk, type FakeDesk } from '../../helpers/fake-desk.ts'

type Tap = { teardown(call: () => unknown): unknown }
interface Served { path: string, desk: FakeDesk, clock: FakeClock, close(): Promise<void> }

const serve = async (t: Tap, desk = fakeDesk([sampleHeld()]), parseAnswer: ParseAnswer = parseVerdict): Promise<Served> => {
  const clock = fakeClock()
  const server = await serveControl({ path: join(shortDir(t), 's.sock'), desk, clock, parseAnswer })
  t.teardown(() => server.close())
  return { path: server.path, desk, clock, close: () => server.close() }
}

interface Got { status: number, headers: Record<string, unknown>, json: any }

const ask = (path: string, method: string, target: string, body?: string, headers: Record<string, string> = {}): Promise<Got> =>
  new Promise((done, fail) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const sent = request({ socketPath: path, agent: false, method, path: target, headers: { host: 'sallyport', ...type, ...headers } }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', part => { text += part })
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, json: text === '' ? null : JSON.parse(text) }))
    })
    sent.on('error', fail)
    sent.end(body)
  })

/** Opens the event stream and hands out what comes, until it holds `mark`. */
const openEvents = (t: Tap, path: string): { socket: Socket, until(mark: string): Promise<string> } => {
  const socket = connect({ path })
  t.teardown(() => socket.destroy())
  let text = ''
  socket.setEncoding('utf8').on('data', (part: string) => { text += part })
  socket.on('error', () => {})
  socket.write('GET /v1/events HTTP/1.1\r\nHost: sallyport\r\n\r\n')
  return {
    socket,
    async until(mark) {
      while (!text.includes(mark)) await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => { throw new Error(`ended before ${mark}: ${text}`) })])
      return text
    },
  }
}

t.test('an operator sees what there is', async t => {
  const { path } = await serve(t)
  t.equal((statSync(path).mode & 0o777).toString(8), '600')
  t.strictSame((await ask(path, 'GET', '/v1/status')).json, STATUS)
  t.strictSame((await ask(path, 'GET', '/v1/pending')).json, { pending: [sampleHeld()] })
  const policy = await ask(path, 'GET', '/v1/policy', undefined, { host: 'LocalHost' })
  t.strictSame(policy.json, { document: { version: 1 }, hash: 'h', generation: 1 })
  t.equal(policy.headers['content-type'], 'application/json')
  t.equal(policy.headers['cache-control'], 'no-store')
  t.notOk('access-control-allow-origin' in policy.headers)
})

t.test('an answer reaches the desk once it is one', async t => {
  const { path, desk } = await serve(t)
  const answer = { verdict: 'approve', grant: 'once' }
  const taken = await ask(path, 'POST', '/v1/pending/q1/answer', JSON.stringify(answer))
  t.equal(taken.status, 200)
  t.strictSame(taken.json, { kind: 'accepted', released: 1, grant: null, persisted: false })
  t.strictSame(desk.answers, [{ id: 'q1', answer, door: 'control' }])

  const unknown = await ask(path, 'POST', '/v1/pending/q9/answer', JSON.stringify(answer))
  t.equal(unknown.status, 404)
  t.equal(unknown.json.error.code, 'E_UNKNOWN_QUESTION')

  const odd = await ask(path, 'POST', '/v1/pending/q1/answer', '{"verdict":"approve","private":true}')
  t.equal(odd.status, 422)
  t.strictSame(odd.json.error.problems, ['private is not a field of an answer'])
  t.equal(desk.answers.length, 1, 'what does not parse never reaches the desk')

  desk.result = { kind: 'refused', problems: ['the rule does not cover the request'] }
  const refused = await ask(path, 'POST', '/v1/pending/q1/answer', JSON.stringify(answer))
  t.equal(refused.status, 422)
  t.strictSame(refused.json.error.problems, ['the rule does not cover the request'])
})

t.test('what an operator does to several questions, or to a grant, is read before it is done', async t => {
  const { path, desk } = await serve(t)
  const answer = { verdict: 'deny', reason: 'no' }
  for (const body of [null, {}, { questions: [], answer }, { questions: [{ id: '../x' }], answer }, { questions: [{ id: 'q1', shown: 1 }], answer }, { questions: [{ id: 'q1' }] }]) {
    t.equal((await ask(path, 'POST', '/v1/pending/answer', JSON.stringify(body))).status, 422, JSON.stringify(body))
  }
  t.strictSame(desk.answers, [])
  t.match((await ask(path, 'POST', '/v1/pending/answer', JSON.stringify({ questions: [{ id: 'q1' }, { id: 'q2', shown: 'q2.1' }], answer }))).json, { answered: 2 })
  t.strictSame(desk.answers.map(({ id, door }) => [id, door]), [['q1', 'control'], ['q2', 'control']])
  t.equal((await ask(path, 'GET', '/v1/pending/answer')).status, 405)

  t.match(await ask(path, 'POST', '/v1/grants/g1/undo', '{}'), { status: 404, json: { error: { code: 'E_UNKNOWN_GRANT' } } })
  t.equal((await ask(path, 'POST', '/v1/grants/g1/undo', '{"by":1}')).status, 422)
  t.strictSame(desk.undone, [{ id: 'g1', by: null, door: 'control' }])
  t.strictSame((await ask(path, 'GET', '/v1/grants')).json, { grants: [] })
  t.match((await ask(path, 'GET', '/v1/rules')).json, { rules: [{ hits: 3 }], generation: 1 })
  for (const query of ['limit=0', 'limit=5001', 'limit=x', 'action=all', 'more=1', 'host=a&host=b']) t.equal((await ask(path, 'GET', `/v1/flows?${query}`)).status, 400, query)
  t.strictSame((await ask(path, 'GET', '/v1/flows?limit=5000&host=&action=&text=')).json, { flows: [] })

  t.equal((await ask(path, 'GET', '/v1/log')).status, 409, 'there is no file')
  desk.part = (query, older) => ({ flows: [], older: `${query.limit}:${older?.length ?? 0}` })
  t.strictSame((await ask(path, 'GET', '/v1/log')).json, { flows: [], older: '200:0' })
  t.strictSame((await ask(path, 'GET', '/v1/log?limit=3&older=12:345')).json, { flows: [], older: '3:6' })
  for (const query of ['older=', 'older=x', 'older=1:-1', 'older=1:2&older=1:2', 'limit=0', 'after=1']) t.equal((await ask(path, 'GET', `/v1/log?${query}`)).status, 400, query)
  t.equal((await ask(path, 'GET', '/v1/flows?older=1:2')).status, 400)
  t.equal((await ask(path, 'POST', '/v1/log')).status, 405)
})

t.test('flows are told together, the latest, and how many there were before them', async t => {
  const { path, desk, clock } = await serve(t)
  const socket = connect({ path })
  t.teardown(() => socket.destroy())
  let text = ''
  socket.setEncoding('utf8').on('data', (part: string) => { text += part })
  socket.write('GET /v1/events?flows=1 HTTP/1.1\r\nHost: sallyport\r\n\r\n')
  while (!text.includes('"id":"q1"')) await once(socket, 'data')
  for (let n = 0; n < 150; n++) desk.recent.note(layOut({ event: 'closed', time: '2030-01-01T00:00:00.000Z', flow: `f${n}`, known: { host: `h${n}.test` }, policy: '{"name":null,"hash":"h","generation":1}', durationMs: 1, redactQuery: true }))
  clock.advance(FLOWS_EVERY_MS)
  while (!text.includes('h149.test')) await once(socket, 'data')
  t.match(text, /event: flows\ndata: \{"event":"flows","records":\[\{[^\n]*"skipped":50\}/)
  t.notMatch(text, 'h49.test')
  t.match(text, 'h50.test')
  socket.destroy()
  while (desk.listeners.size > 0) await new Promise(setImmediate)
  t.equal(clock.pending, 0)
})

t.test('success is told only once the desk has told it', async t => {
  const desk = fakeDesk([sampleHeld()])
  let settle: (result: AnswerResult) => void = () => {}
  const asked = new Promise<void>(reached => {
    desk.answer = () => new Promise(done => {
      settle = done
      reached()
    })
  })
  const { path } = await serve(t, desk)
  let isTold = false
  const told = ask(path, 'POST', '/v1/pending/q1/answer', '{"verdict":"deny"}').then(got => {
    isTold = true
    return got
  })
  await asked
  await ask(path, 'GET', '/v1/status')
  t.notOk(isTold)
  settle({ kind: 'accepted', released: 3, grant: 'g1', persisted: true })
  t.equal((await told).json.released, 3)
})

t.test('a desk or parser that throws is a 500 without its words, and the server stays', async t => {
  const desk = fakeDesk([sampleHeld()])
  const { path } = await serve(t, desk, () => { throw new Error('secret') })
  const broken = await ask(path, 'POST', '/v1/pending/q1/answer', '{}')
  t.equal(broken.status, 500)
  t.notMatch(JSON.stringify(broken.json), 'secret')
  desk.pending = () => { throw new Error('secret') }
  for (const target of ['/v1/pending', '/v1/events']) t.equal((await ask(path, 'GET', target)).status, 500, target)
  t.equal((await ask(path, 'GET', '/v1/status')).status, 200)
})

t.test('an event stream tells what waits, then what happens, with ids, and beats', async t => {
  const { path, desk, clock } = await serve(t)
  const events = openEvents(t, path)
  const first = await events.until('"id":"q1"')
  t.match(first, /content-type: text\/event-stream/)
  t.match(first, /id: 1\nevent: asked\ndata: \{"event":"asked"/)
  desk.emit({ event: 'settled', id: 'q1', how: 'approved', by: null, door: 'control' })
  t.match(await events.until('settled","id'), /id: 2\nevent: settled\ndata: /)
  t.notMatch(await events.until('settled'), '\n:\n', 'no heartbeat yet')
  clock.advance(15_000)
  t.match(await events.until('\n:\n'), '\n:\n')

  events.socket.destroy()
  while (desk.listeners.size > 0) await new Promise(setImmediate)
  t.equal(clock.pending, 0, 'a reader that left leaves no timer')
})

t.test('a reader that does not read is cut off, and costs no more than its share', async t => {
  const { path, desk } = await serve(t)
  const slow = openEvents(t, path)
  await slow.until('"id":"q1"')
  slow.socket.pause()
  const says = 'x'.repeat(64 * 1024)
  const kernel = 2 * 1024 * 1024
  let sent = 0
  while (desk.listeners.size > 0 && sent < 4 * (MAX_LAG_BYTES + kernel)) {
    desk.emit({ event: 'notice', says })
    sent += says.length
    await new Promise(setImmediate)
  }
  t.equal(desk.listeners.size, 0)
  t.ok(sent > MAX_LAG_BYTES, 'it may lag behind that far')
  t.equal((await ask(path, 'GET', '/v1/status')).status, 200)
})

t.test('a list of questions that is longer than the lag is not a lag', async t => {
  const long = 'x'.repeat(8_000)
  const waiting = Array.from({ length: 400 }, (_, index) => sampleHeld({ id: `q${index}`, target: `/${long}`, path: `/${long}` }))
  const desk = fakeDesk(waiting)
  const { subscribe } = desk
  desk.subscribe = listener => {
    const unsubscribe = subscribe(listener)
    listener({ event: 'notice', says: 'at once' })
    return unsubscribe
  }
  const { path } = await serve(t, desk)
  const events = openEvents(t, path)
  t.match(await events.until('at once'), '"id":"q399"')
})

t.test('event streams are counted, and those that ended are not', async t => {
  const { path, desk } = await serve(t)
  const open = Array.from({ length: MAX_STREAMS }, () => openEvents(t, path))
  await Promise.all(open.map(events => events.until('"id":"q1"')))
  t.equal((await ask(path, 'GET', '/v1/events')).status, 503)
  open[0]!.socket.destroy()
  while (desk.listeners.size === MAX_STREAMS) await new Promise(setImmediate)
  await openEvents(t, path).until('"id":"q1"')
})

t.test('closing ends streams and idle and half-said connections, finishes an answer, and leaves no socket', async t => {
  const desk = fakeDesk([sampleHeld()])
  let settle: (result: AnswerResult) => void = () => {}
  const asked = new Promise<void>(reached => {
    desk.answer = () => new Promise(done => {
      settle = done
      reached()
    })
  })
  const { path, close, clock } = await serve(t, desk)
  const stream = openEvents(t, path)
  await stream.until('"id":"q1"')
  const half = talk(path, 'GET /v1/sta')
  const told = ask(path, 'POST', '/v1/pending/q1/answer', '{"verdict":"deny"}')
  await asked
  const ended = once(stream.socket, 'end')
  const closed = close()
  await ended
  t.match(await stream.until('0\r\n\r\n'), /0\r\n\r\n$/, 'the stream ends as one that is complete')
  settle({ kind: 'accepted', released: 0, grant: null, persisted: false })
  t.equal((await told).status, 200)
  await closed
  await half
  t.notOk(existsSync(path))
  t.equal(clock.pending, 0)
  await t.resolves(close(), 'closing twice is closing once')
})

t.test('an answer that the desk never takes does not keep the firewall from stopping', async t => {
  const desk = fakeDesk([sampleHeld()])
  const asked = new Promise<void>(reached => { desk.answer = () => new Promise(() => reached()) })
  const { path, close, clock } = await serve(t, desk)
  const told = t.rejects(ask(path, 'POST', '/v1/pending/q1/answer', '{"verdict":"deny"}'))
  await asked
  const closed = close()
  clock.advance(1_000)
  await Promise.all([told, closed])
  t.notOk(existsSync(path))
})
