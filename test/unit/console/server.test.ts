/** The console as a browser, and as everybody else who may reach its port, finds it. */
import t from 'tap'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { serveConsole } from '../../../lib/console/server.ts'
import type { Console } from '../../../lib/console/server.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { fakeDesk, parseVerdict, STATUS } from '../../helpers/fake-desk.ts'
import type { FakeDesk } from '../../helpers/fake-desk.ts'
import { sampleHeld } from '../../helpers/sample-held.ts'

interface Got { readonly status: number, readonly headers: Record<string, unknown>, readonly text: string, readonly json: any }
type Fields = Readonly<Record<string, string>>

async function open(t: { teardown(call: () => unknown): void }, hosts: readonly string[] = []): Promise<Console & { readonly desk: FakeDesk, ask(method: string, path: string, body?: unknown, fields?: Fields): Promise<Got> }> {
  const desk = fakeDesk([sampleHeld()])
  const page = await serveConsole({ host: '127.0.0.1', port: 0, hosts, desk, clock: fakeClock(), parseAnswer: parseVerdict, user: 'ann', random: randomBytes })
  t.teardown(() => page.close())
  const ask = (method: string, path: string, body?: unknown, fields: Fields = {}): Promise<Got> => new Promise((resolve, reject) => {
    const own = method === 'GET' ? {} : { origin: page.url, 'content-type': 'application/json' }
    const sent = request({ host: page.host, port: page.port, agent: false, method, path, headers: { host: `127.0.0.1:${page.port}`, ...own, ...fields } }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', part => { text += part })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: /json/.test(String(response.headers['content-type'])) ? JSON.parse(text) : null }))
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
  return { ...page, desk, ask }
}

const tokenOf = ({ link }: Console): string => link.split('#sign-in=')[1]!

/** Signs in and gives the fields that the page would send from then on. */
async function signedIn(page: Awaited<ReturnType<typeof open>>): Promise<Fields> {
  const { json, headers } = await page.ask('POST', '/sign-in', { token: tokenOf(page) })
  return { cookie: String((headers['set-cookie'] as string[])[0]).split(';')[0]!, 'sallyport-key': json.key }
}

t.test('a link signs in once, and the cookie is for this browser, this page and no script', async t => {
  const page = await open(t)
  t.match(page.link, /^http:\/\/127\.0\.0\.1:\d+\/#sign-in=[\w-]{43}$/, 'the secret stands where no server and no log is told of it')
  t.equal((await page.ask('POST', '/sign-in', { token: 'x' })).status, 403)
  t.equal((await page.ask('POST', '/sign-in', { token: 1 })).status, 403)
  t.equal((await page.ask('POST', '/sign-in', null)).status, 403)
  const first = await page.ask('POST', '/sign-in', { token: tokenOf(page) })
  t.match(first, { status: 200, json: { key: /^[\w-]{43}$/, user: 'ann' } })
  t.match((first.headers['set-cookie'] as string[])[0], new RegExp(`^sallyport-${page.port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200$`))
  const second = await page.ask('POST', '/sign-in', { token: tokenOf(page) })
  t.match(second, { status: 403, json: { error: { message: /used before/ } } })
  t.notOk(second.headers['set-cookie'])
  t.equal((await page.ask('GET', '/sign-in')).status, 405)
})

t.test('another link makes the one before void, and signs nobody out; the page has no way to the one for the control socket', async t => {
  const page = await open(t)
  const fields = await signedIn(page)
  const [first, second] = [page.newLink(), page.newLink()]
  t.equal((await page.ask('POST', '/sign-in', { token: first.split('#sign-in=')[1] })).status, 403)
  t.equal((await page.ask('POST', '/sign-in', { token: second.split('#sign-in=')[1] })).status, 200)
  t.equal((await page.ask('GET', '/v1/status', undefined, fields)).status, 200)
  t.equal((await page.ask('POST', '/v1/console/link', {}, fields)).status, 404)
})

t.test('the page itself is for everybody, and holds nothing; it lets nothing in from elsewhere', async t => {
  const page = await open(t)
  const { status, headers, text } = await page.ask('GET', '/')
  t.equal(status, 200)
  const policy = String(headers['content-security-policy'])
  const [, nonce] = /script-src 'nonce-([0-9a-f]{36})'/.exec(policy) ?? []
  t.match(policy, /default-src 'none'.*base-uri 'none'.*form-action 'none'.*frame-ancestors 'none'.*require-trusted-types-for 'script'; trusted-types 'none'/)
  t.notMatch(policy, /unsafe|\*|https?:/)
  t.equal(text.match(new RegExp(`nonce="${nonce}"`, 'g'))?.length, 2)
  t.notMatch(text, /\{nonce\}|(?:src|href)="(?:https?:)?\/\/|\son\w+=|style=/)
  t.notMatch((await page.ask('GET', '/')).text, nonce!, 'a new one each time')
  t.match(headers, { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY', 'cross-origin-opener-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin', 'cache-control': 'no-store' })
  for (const [path, type] of [['/main.js', 'text/javascript; charset=utf-8'], ['/console.css', 'text/css; charset=utf-8'], ['/mark.svg', 'image/svg+xml']] as const) {
    t.match(await page.ask('GET', path), { status: 200, headers: { 'content-type': type } }, path)
  }
  t.match(await page.ask('HEAD', '/', undefined, { origin: page.url }), { status: 200, text: '' })
  for (const path of ['/..%2fserver.ts', '/../server.ts', '/tsconfig.json', '/page/main.js', '//main.js', '/main.js?x', '/__proto__', '/constructor']) t.equal((await page.ask('GET', path)).status, 404, path)
  t.equal((await page.ask('POST', '/main.js')).status, 405)
})

t.test('without both halves of a session nothing is told and nothing done', async t => {
  const page = await open(t)
  const fields = await signedIn(page)
  const paths = ['/v1/status', '/v1/pending', '/v1/grants', '/v1/rules', '/v1/flows', '/v1/policy', '/v1/events?flows=1']
  for (const path of paths) {
    t.equal((await page.ask('GET', path)).status, 401, path)
    t.equal((await page.ask('GET', path, undefined, { cookie: fields['cookie']! })).status, 401, `${path}: the cookie is sent to every port of the host, and is no key`)
    t.equal((await page.ask('GET', path, undefined, { 'sallyport-key': fields['sallyport-key']! })).status, 401, `${path}: nor is the key`)
  }
  for (const path of ['/v1/pending/q1/answer', '/v1/pending/answer', '/v1/grants/g1/undo', '/sign-in/link']) t.equal((await page.ask('POST', path, { verdict: 'deny' })).status, 401, path)
  t.strictSame(page.desk.answers, [])

  t.strictSame((await page.ask('GET', '/v1/status', undefined, fields)).json, STATUS)
  t.equal((await page.ask('POST', '/v1/pending/q1/answer', { verdict: 'deny', by: 'ann' }, fields)).status, 200)
  t.match(page.desk.answers, [{ id: 'q1', door: 'console' }])

  const more = (await page.ask('POST', '/sign-in/link', {}, fields)).json.link as string
  t.equal((await page.ask('POST', '/sign-in', { token: more.split('=')[1] })).status, 200, 'a signed-in page can let another browser in')
  t.match((await page.ask('POST', '/sign-out', {}, fields)).headers['set-cookie'], [/Max-Age=0/])
  t.equal((await page.ask('GET', '/v1/status', undefined, fields)).status, 401)
})

t.test('a page of another site gets nothing, whatever name it made its own resolve to us', async t => {
  const page = await open(t)
  const fields = await signedIn(page)
  const port = String(page.port)
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', `127.0.0.1:${page.port + 1}`, 'localhost', `127.0.0.1:${port}.evil.example`]) {
    for (const path of ['/', '/v1/status', '/main.js']) t.equal((await page.ask('GET', path, undefined, { ...fields, host })).status, 403, `${host} ${path}`)
  }
  for (const host of [`LOCALHOST:${port}`, `[::1]:${port}`]) t.equal((await page.ask('GET', '/v1/status', undefined, { ...fields, host })).status, 200, host)
  for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${page.port + 1}`, `http://localhost:${port}`, `http://127.0.0.1:${port}/`, '']) {
    t.equal((await page.ask('POST', '/v1/pending/q1/answer', { verdict: 'deny' }, { ...fields, origin })).status, 403, origin)
    t.equal((await page.ask('POST', '/sign-in', { token: 'x' }, { origin })).json.error.message.includes('site'), true, `sign-in from ${origin}`)
    t.equal((await page.ask('GET', '/v1/status', undefined, { ...fields, origin })).status, 403, origin)
  }
  for (const site of ['cross-site', 'same-site']) t.equal((await page.ask('GET', '/v1/status', undefined, { ...fields, 'sec-fetch-site': site })).status, 403, site)
  t.equal((await page.ask('GET', '/', undefined, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).status, 200, 'the link may be opened from anywhere')
  t.equal((await page.ask('GET', '/', undefined, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status, 403)
  t.strictSame(page.desk.answers, [])
})

t.test('a write without an Origin, two Hosts, a proxy request and an upgrade are none of ours', async t => {
  const page = await open(t)
  const talk = (text: string): Promise<string> => new Promise(resolve => {
    const socket = connect(page.port, page.host)
    let got = ''
    socket.setEncoding('utf8').on('data', part => { got += part })
    socket.on('error', () => {}).on('close', () => resolve(got))
    socket.end(text)
  })
  const host = `Host: 127.0.0.1:${page.port}\r\n`
  t.match(await talk(`POST /sign-in HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`), /^HTTP\/1\.1 403 [^]*no Origin/)
  t.match(await talk(`GET / HTTP/1.1\r\n${host}Host: evil\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 40[03]/)
  t.match(await talk('GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 403/)
  t.match(await talk(`CONNECT 127.0.0.1:${page.port} HTTP/1.1\r\n${host}\r\n`), /^HTTP\/1\.1 405/)
  t.match(await talk(`GET http://127.0.0.1:${page.port}/v1/status HTTP/1.1\r\n${host}Connection: close\r\n\r\n`), /^HTTP\/1\.1 404/)
  t.match(await talk(`GET /v1/events HTTP/1.1\r\n${host}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`), /^HTTP\/1\.1 401/, 'a request like any other')
})

t.test('names that the operator gives it are its own too, also behind a proxy that ends TLS', async t => {
  const page = await open(t, ['Desk.example', 'other.example:444'])
  t.match(page.link, /^http:\/\/Desk\.example:\d+\/#/)
  for (const [host, origin] of [['desk.example', 'https://desk.example'], [`desk.example:${page.port}`, `http://desk.example:${page.port}`], ['other.example:444', 'https://other.example:444']] as const) {
    t.equal((await page.ask('POST', '/sign-in', { token: 'x' }, { host, origin })).json.error.message.startsWith('This link'), true, host)
  }
  t.equal((await page.ask('GET', '/', undefined, { host: 'other.example' })).status, 403)
})

t.test('it closes with its streams, and a port in use is told as such', async t => {
  const page = await open(t)
  const fields = await signedIn(page)
  await t.rejects(serveConsole({ host: page.host, port: page.port, hosts: [], desk: page.desk, clock: fakeClock(), parseAnswer: parseVerdict, user: null, random: randomBytes }), { code: 'E_LISTEN_FAILED' })
  const stream = request({ host: page.host, port: page.port, agent: false, path: '/v1/events', headers: { host: `127.0.0.1:${page.port}`, ...fields } })
  stream.end()
  const [response] = await once(stream, 'response')
  response.resume()
  const ended = once(response, 'end')
  await page.close()
  await ended
})
