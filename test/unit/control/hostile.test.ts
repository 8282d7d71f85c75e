import { join } from 'node:path'
import t from 'tap'
import { serveControl } from '../../../lib/control/server.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { sampleHeld } from '../../helpers/sample-held.ts'
import { fakeDesk, parseVerdict, shortDir, talk } from '../../helpers/fake-desk.ts'

const desk = fakeDesk([sampleHeld()])
const server = await serveControl({ path: join(shortDir(t), 's.sock'), desk, clock: fakeClock(), parseAnswer: parseVerdict })
t.teardown(() => server.close())

/** Serves still, and took no answer. */
const isUnharmed = async (): Promise<boolean> =>
  desk.answers.length === 0 && (await talk(server.path, 'GET /v1/status HTTP/1.1\r\nHost: sallyport\r\nConnection: close\r\n\r\n')).startsWith('HTTP/1.1 200 ')

const head = (line: string, ...fields: string[]): string => [line, ...fields, 'Connection: close', '', ''].join('\r\n')
const get = (target: string, ...fields: string[]): string => head(`GET ${target} HTTP/1.1`, ...(fields.length === 0 ? ['Host: sallyport'] : fields))
const post = (body: string | Buffer, ...fields: string[]): Buffer => Buffer.concat([
  Buffer.from(head('POST /v1/pending/q1/answer HTTP/1.1', 'Host: sallyport', ...(fields.length === 0 ? ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`] : fields))),
  Buffer.from(body),
])
const chunked = ['Content-Type: application/json', 'Transfer-Encoding: chunked']
const big = 70 * 1024

// [what it shows, bytes, status]
const rows: [string, string | Buffer, number][] = [
  ['a page in a browser sends Origin', get('/v1/status', 'Host: sallyport', 'Origin: http://localhost'), 403],
  ['also an opaque one', get('/v1/status', 'Host: sallyport', 'Origin: null'), 403],
  ['DNS rebinding brings a Host of its own', get('/v1/status', 'Host: evil.test'), 403],
  ['our name as a prefix is not our name', get('/v1/status', 'Host: localhost.evil.test'), 403],
  ['a port is part of another Host', get('/v1/status', 'Host: localhost:80'), 403],
  ['two Hosts are two opinions', get('/v1/status', 'Host: sallyport', 'Host: evil.test'), 403],
  ['HTTP/1.0 without a Host', 'GET /v1/status HTTP/1.0\r\n\r\n', 403],
  ['HTTP/1.1 without a Host', head('GET /v1/status HTTP/1.1'), 403],
  ['a preflight gets no leave', head('OPTIONS /v1/pending/q1/answer HTTP/1.1', 'Host: sallyport', 'Origin: http://evil.test', 'Access-Control-Request-Method: POST'), 403],
  ['no such path', get('/'), 404],
  ['a query is another path', get('/v1/status?x=1'), 404],
  ['absolute form is another path', get('http://sallyport/v1/status'), 404],
  ['a property of every object is no path', get('/v1/__proto__'), 404],
  ['nor is this one', get('__proto__'), 400],
  ['dots are not walked', get('/v1/pending/../status'), 404],
  ['a name with a slash in it is not a name', post('{}').toString().replace('/q1/', '/q1/x/'), 404],
  ['a name of a strange shape is no question', post('{"verdict":"deny"}').toString().replace('/q1/', '/q1%2f..%2f/'), 404],
  ['a very long name is no question', post('{"verdict":"deny"}').toString().replace('/q1/', `/${'q'.repeat(9_000)}/`), 404],
  ['a wrong method', head('DELETE /v1/status HTTP/1.1', 'Host: sallyport'), 405],
  ['HEAD is not GET', head('HEAD /v1/status HTTP/1.1', 'Host: sallyport'), 405],
  ['reading an answer', get('/v1/pending/q1/answer'), 405],
  ['answering by PUT', head('PUT /v1/pending/q1/answer HTTP/1.1', 'Host: sallyport'), 405],
  ['posting to a list', head('POST /v1/pending HTTP/1.1', 'Host: sallyport', 'Content-Length: 0'), 405],
  ['a GET with a body', get('/v1/status', 'Host: sallyport', 'Content-Length: 5') + 'hello', 400],
  ['a GET with an endless body', get('/v1/events', 'Host: sallyport', 'Transfer-Encoding: chunked'), 400],
  ['CONNECT: it is not a proxy', head('CONNECT evil.test:443 HTTP/1.1', 'Host: evil.test:443'), 405],
  ['an upgrade is an ordinary request', get('/v1/nothing', 'Host: sallyport', 'Upgrade: websocket'), 404],
  ['what it would have to do first and does not know', get('/v1/status', 'Host: sallyport', 'Expect: 200-ok'), 417],
  ['no content type', post('{}', 'Content-Length: 2'), 415],
  ['a form, as a page may post it', post('verdict=approve', 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 15'), 415],
  ['text, as a page may post it', post('{}', 'Content-Type: text/plain', 'Content-Length: 2'), 415],
  ['a type that only begins like JSON', post('{}', 'Content-Type: application/jsonp', 'Content-Length: 2'), 415],
  ['another charset', post('{}', 'Content-Type: application/json; charset=utf-16', 'Content-Length: 2'), 415],
  ['no body', post(''), 400],
  ['half a JSON', post('{"verdict":'), 400],
  ['two JSONs', post('{"verdict":"deny"}{"verdict":"approve"}'), 400],
  ['no UTF-8', post(Buffer.from([0x22, 0xff, 0x22])), 400],
  ['nesting as deep as a body can be', post('['.repeat(30_000) + ']'.repeat(30_000)), 422],
  ['null', post('null'), 422],
  ['an array', post('[{"verdict":"deny"}]'), 422],
  ['__proto__ is a key like any other, and refused', post('{"__proto__":{"verdict":"approve","grant":"once"}}'), 422],
  ['constructor too', post('{"constructor":{"prototype":{"verdict":"approve"}},"verdict":"deny"}'), 422],
  ['a body announced as too big is not waited for', post('', 'Content-Type: application/json', `Content-Length: ${big}`), 413],
  ['a body announced as endlessly big', post('', 'Content-Type: application/json', 'Content-Length: 9007199254740991'), 413],
  ['a body that turns out too big', post(`${big.toString(16)}\r\n${'x'.repeat(big)}\r\n0\r\n\r\n`, ...chunked), 413],
  ['a head that is too big', get('/v1/status', `X: ${'x'.repeat(20_000)}`), 431],
  ['length and chunked together', post('0\r\n\r\n', ...chunked, 'Content-Length: 3'), 400],
  ['two lengths', post('{}', 'Content-Type: application/json', 'Content-Length: 2', 'Content-Length: 3'), 400],
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['TLS', Buffer.from([22, 3, 1, 0, 1, 0, 13, 10]), 400],
]

for (const [shows, bytes, status] of rows) {
  t.test(`${shows}: ${status}`, async t => {
    const text = await talk(server.path, bytes)
    const [heading = '', body = ''] = text.split('\r\n\r\n')
    t.equal(Number(/^HTTP\/1\.1 (\d{3}) /.exec(heading)?.[1]), status, text.slice(0, 200))
    t.notMatch(heading.toLowerCase(), 'access-control-')
    if (!shows.startsWith('HEAD')) t.match(JSON.parse(body).error, { code: /^E_/, message: /\.$/, problems: [] })
    t.ok(await isUnharmed())
  })
}

t.test('no id but that of a possible question reached the desk', async t => t.strictSame(desk.asked, []))

t.test('nothing was added to what all objects have', async t => t.notOk('verdict' in {}))

t.test('a request that ends at any byte does no harm', async t => {
  const whole = post('{"verdict":"nonsense","x":1}')
  for (let cut = 0; cut < whole.length; cut++) {
    const text = await talk(server.path, whole.subarray(0, cut), { thenEnd: true })
    if (!/^(?:$|HTTP\/1\.1 400 )/.test(text)) t.fail(`cut at ${cut}: ${text}`)
  }
  t.ok(await isUnharmed())
})

t.test('pipelined requests are answered in their order, and what follows a refused body is not read as a request', async t => {
  const keep = (request: string): string => request.replace('Connection: close\r\n', '')
  const text = await talk(server.path, keep(get('/v1/policy')) + keep(get('/v1/nothing')) + get('/v1/pending'))
  t.strictSame(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200'])
  t.match(text, /generation.*nothing at this path.*pending/s)

  const smuggled = keep(get('/v1/pending'))
  const after = await talk(server.path, keep(post('', 'Content-Type: application/json', `Content-Length: ${big}`).toString()) + smuggled)
  t.strictSame(after.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 413'])
  t.match(after, /\r\nconnection: close\r\n/i)
  t.ok(await isUnharmed())
})

t.test('bytes of chance get an error or nothing', async t => {
  const seed = Number(process.env['SEED'] ?? 20300102)
  t.comment(`seed ${seed}`)
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 2 ** 32 * below)
  }
  for (let round = 0; round < 300; round++) {
    const bytes = post('{"verdict":"nonsense","x":1}')
    for (let change = random(5); change >= 0; change--) bytes[random(bytes.length)] = random(256)
    const text = await talk(server.path, bytes, { thenEnd: true })
    if (!/^(?:$|HTTP\/1\.1 4\d\d )/.test(text)) t.fail(`${text}\n${JSON.stringify(bytes.toString('latin1'))}`)
  }
  t.ok(await isUnharmed())
})
