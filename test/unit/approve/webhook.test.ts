/** The webhook against real servers: what it answers counts, what goes wrong approves nothing. */
import t from 'tap'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openCallbacks } from '../../../lib/approve/callback.ts'
import { SIGNATURE, TIMESTAMP, isSigned, sign } from '../../../lib/approve/signature.ts'
import { webhookDoor } from '../../../lib/approve/webhook.ts'
import type { Callbacks } from '../../../lib/approve/callback.ts'
import type { Answer } from '../../../lib/model/hold.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import type { FakeClock } from '../../helpers/fake-clock.ts'
import { sampleHeld } from '../../helpers/sample-held.ts'

const SECRET = 'a secret of at least sixteen characters'
const held = sampleHeld()
/** Lengths of the waits that have begun, in milliseconds. */
const waits: number[] = []
const time = fakeClock()
const clock: FakeClock = { ...time, after: (ms, call) => { waits.push(ms); return time.after(ms, call) }, get pending() { return time.pending } }
const once: Answer = { verdict: 'approve', grant: 'once', by: 'anna' }

interface Asked { readonly body: string, readonly isSigned: boolean, readonly path: string }
type Says = { readonly status: number, readonly body?: string, readonly headers?: Record<string, string> } | 'silence'

/** A server that says one thing after the other, and then the last of them. */
async function openServer(t: { teardown(call: () => unknown): void }, ...says: readonly Says[]): Promise<{ readonly url: string, readonly asked: Asked[] }> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const [time, signature] = [TIMESTAMP, SIGNATURE].map(name => String(request.headers[name.toLowerCase()]))
    asked.push({ body: body.toString(), isSigned: isSigned(SECRET, body, { time, signature }, clock.now()), path: request.url ?? '' })
    const said = says[Math.min(asked.length, says.length) - 1]!
    if (said !== 'silence') response.writeHead(said.status, said.headers).end(said.body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close(); server.closeAllConnections() })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, asked }
}

const door = (url: string, more: { readonly callbacks?: Callbacks, readonly tries?: number } = {}) => webhookDoor({ url, secret: SECRET, clock, ...more })
const asking = (door: { ask: ReturnType<typeof webhookDoor>['ask'] }, signal = new AbortController().signal) => door.ask(held, { signal })
const until = async (isSo: () => boolean): Promise<void> => { while (!isSo()) await new Promise(setImmediate) }

t.test('the question is posted as it is told to every door, and signed', async t => {
  const { url, asked } = await openServer(t, { status: 200, body: JSON.stringify(once) })
  t.strictSame(await asking(door(url)), once)
  t.strictSame(asked.map(({ path, isSigned }) => [path, isSigned]), [['/hook', true]])
  t.strictSame(JSON.parse(asked[0]!.body), JSON.parse(JSON.stringify({ event: 'question', held })))
})

t.test('a signature is of its bytes, its time and its secret', async t => {
  const signed = sign(SECRET, 'body', clock.now())
  const parts = { time: signed[TIMESTAMP], signature: signed[SIGNATURE] }
  const verify = (change: Partial<typeof parts> = {}, { secret = SECRET, body = 'body', later = 0 } = {}) => isSigned(secret, Buffer.from(body), { ...parts, ...change }, clock.now() + later)
  t.ok(verify())
  t.ok(verify({}, { later: 299_000 }))
  t.notOk(verify({}, { later: 301_000 }), 'old')
  t.notOk(verify({}, { later: -301_000 }), 'ahead')
  t.notOk(verify({}, { body: 'Body' }))
  t.notOk(verify({}, { secret: `${SECRET}.` }))
  t.notOk(verify({ time: String(Number(parts.time) + 1) }))
  for (const odd of ['', 'v1=', parts.signature.toUpperCase(), `${parts.signature}0`, parts.signature.slice(3), 'v2=' + parts.signature.slice(3)]) t.notOk(verify({ signature: odd }), odd)
})

t.test('no body is no opinion', async t => {
  for (const says of [{ status: 204 }, { status: 200 }, { status: 200, body: ' \n' }]) {
    t.strictSame(await asking(door((await openServer(t, says)).url)), { verdict: 'pass' }, JSON.stringify(says))
  }
})

t.test('what is wrong closes the door', async t => {
  const rows: [string, Says, RegExp][] = [
    ['no JSON', { status: 200, body: 'approve\u202e' }, /not JSON: "approve\\u\{202e\}"/],
    ['not found', { status: 404 }, /it answered 404/],
    ['not signed as it likes', { status: 401, body: JSON.stringify(once) }, /it answered 401/],
    ['201 is not 200', { status: 201, body: JSON.stringify(once) }, /it answered 201/],
    ['too long', { status: 200, body: `"${'x'.repeat(70_000)}"` }, /more than 65536 bytes/],
    ['later, where nobody listens', { status: 202 }, /no callback/],
  ]
  for (const [why, says, problem] of rows) await t.rejects(asking(door((await openServer(t, says)).url, { tries: 1 })), { message: problem }, why)
})

t.test('a redirect is not followed', async t => {
  const elsewhere = await openServer(t, { status: 200, body: JSON.stringify(once) })
  const { url } = await openServer(t, { status: 307, headers: { Location: elsewhere.url } })
  await t.rejects(asking(door(url)), { message: /it answered 307/ })
  t.equal(elsewhere.asked.length, 0)
})

t.test('what may pass is tried again, later each time', async t => {
  const { url, asked } = await openServer(t, { status: 503 }, { status: 429 }, { status: 200, body: JSON.stringify(once) })
  waits.length = 0
  const answer = asking(door(url))
  for (const [tries, ms] of [[1, 1_000], [2, 2_000]] as const) {
    await until(() => waits.at(-1) === ms)
    t.equal(asked.length, tries)
    clock.advance(ms - 1)
    t.equal(clock.pending, 1, `not before ${ms} ms`)
    clock.advance(1)
  }
  t.strictSame(await answer, once)
  t.equal(asked.length, 3)
  t.equal(clock.pending, 0)
})

t.test('not for ever', async t => {
  const { url, asked } = await openServer(t, { status: 500 })
  waits.length = 0
  const failed = asking(door(url, { tries: 2 })).catch((error: Error) => error.message)
  await until(() => asked.length === 1 && waits.at(-1) === 1_000)
  clock.advance(1_000)
  t.equal(await failed, 'the webhook failed 2 times: it answered 500')
})

t.test('one that is silent, or not there, is told as such', async t => {
  const silent = await openServer(t, 'silence')
  const late = asking(door(silent.url, { tries: 1 })).catch((error: Error) => error.message)
  await until(() => silent.asked.length === 1)
  clock.advance(10_000)
  t.equal(await late, 'the webhook failed once: it did not answer within 10000 ms')
  t.match(await asking(door('http://127.0.0.1:9/hook?key=private', { tries: 1 })).catch((error: Error) => error.message), /^the webhook failed once: it cannot be reached \([\w ]+\)$/, 'and the address is not said, which may hold a secret')
})

t.test('a question that is settled elsewhere is not asked on', async t => {
  const controller = new AbortController()
  const silent = await openServer(t, 'silence', { status: 200, body: JSON.stringify(once) })
  const asked = asking(door(silent.url), controller.signal)
  await until(() => silent.asked.length === 1)
  controller.abort(new Error('answered elsewhere'))
  await t.rejects(asked, { message: 'answered elsewhere' })
  const failing = await openServer(t, { status: 500 })
  waits.length = 0
  const waiting = new AbortController()
  const paused = asking(door(failing.url), waiting.signal)
  await until(() => failing.asked.length === 1 && waits.at(-1) === 1_000)
  waiting.abort(new Error('answered elsewhere'))
  await t.rejects(paused, { message: 'answered elsewhere' })
  t.equal(clock.pending, 0)
})

t.test('an answer may come later, once, by whom it was asked of', async t => {
  const callbacks = await openCallbacks({ host: '127.0.0.1', port: 0, secret: SECRET, clock })
  t.teardown(() => callbacks.close())
  const { url, asked } = await openServer(t, { status: 202 })
  const answer = asking(door(url, { callbacks }))
  await until(() => asked.length === 1)
  const { callback } = JSON.parse(asked[0]!.body) as { callback: string }
  t.match(callback, new RegExp(`^${callbacks.url}/v1/answers/[\\w-]{43}$`))
  const send = async (to: string, body: string, signed = sign(SECRET, body, clock.now()), method = 'POST'): Promise<number> =>
    (await fetch(to, { method, ...method === 'GET' ? {} : { body }, headers: { ...signed } })).status
  const approval = JSON.stringify(once)
  t.equal(await send(callback, approval, sign('another secret of some length', approval, clock.now())), 401, 'not signed by it')
  t.equal(await send(callback, approval, sign(SECRET, approval, clock.now() - 400_000)), 401, 'signed long ago')
  t.equal(await send(callback, approval, sign(SECRET, '{}', clock.now())), 401, 'signed for something else')
  t.equal(await send(callback, '', sign(SECRET, '', clock.now()), 'GET'), 405)
  t.equal(await send(callback.replace(/.{4}$/, 'AAAA'), approval), 404, 'another path')
  t.equal(await send(`${callbacks.url}/v1/pending`, approval), 404)
  t.equal(await send(callback, '{"verdict":"yes"}'), 422)
  t.equal(await send(callback, 'approve'), 422)
  t.equal(await send(callback, `"${'x'.repeat(70_000)}"`), 413)
  t.equal(await send(callback, approval), 202)
  t.strictSame(await answer, once)
  t.equal(await send(callback, approval), 404, 'and not twice')
})

t.test('a callback that nobody waits for any more takes nothing', async t => {
  const callbacks = await openCallbacks({ host: '127.0.0.1', port: 0, secret: SECRET, clock })
  t.teardown(() => callbacks.close())
  const { url, asked } = await openServer(t, { status: 202 })
  const controller = new AbortController()
  const answer = asking(door(url, { callbacks }), controller.signal)
  await until(() => asked.length === 1)
  controller.abort(new Error('answered elsewhere'))
  await t.rejects(answer, { message: 'answered elsewhere' })
  const body = JSON.stringify(once)
  t.equal((await fetch((JSON.parse(asked[0]!.body) as { callback: string }).callback, { method: 'POST', body, headers: { ...sign(SECRET, body, clock.now()) } })).status, 404)
})

t.test('what cannot be safe is refused at the start', async t => {
  const refused = (url: string, secret = SECRET): void => void t.throws(() => webhookDoor({ url, secret }), { code: 'E_OPTION_INVALID' }, url)
  for (const url of ['hook', 'http://hooks.example.com/x', 'http://127.0.0.1.example.com/', 'ftp://127.0.0.1/', 'https://me:you@hooks.example.com/']) refused(url)
  refused('https://hooks.example.com/x', 'short')
  for (const url of ['https://hooks.example.com/x', 'http://localhost:1/', 'http://[::1]:1/']) t.equal(webhookDoor({ url, secret: SECRET }).name, 'webhook', url)
  const taken = await openCallbacks({ host: '127.0.0.1', port: 0, secret: SECRET })
  t.teardown(() => taken.close())
  await t.rejects(openCallbacks({ host: '127.0.0.1', port: Number(new URL(taken.url).port), secret: SECRET }), { code: 'E_LISTEN_FAILED' })
})
