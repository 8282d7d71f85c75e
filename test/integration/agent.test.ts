/** The agent's side: what it may know and ask, over real sockets, and that it can do nothing else. */
import t from 'tap'
import { request } from 'node:http'
import { join } from 'node:path'
import { shortDir } from '../helpers/fake-desk.ts'
import { fakeClock } from '../helpers/fake-clock.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import { openSecureTunnel, openTunnel, openWire } from '../helpers/wire.ts'
import type { PolicyDocument } from '../../lib/index.ts'

const OWN = 'sallyport.internal'

interface Reply { readonly status: number, readonly headers: Readonly<Record<string, unknown>>, readonly json: any }

/** One call through the explicit proxy. */
function call(house: House, line: string, { body, client, headers = {} }: { body?: unknown, client?: string, headers?: Record<string, string> } = {}): Promise<Reply> {
  const [method, path] = line.split(' ') as [string, string]
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const sent = request({
      port: house.port, method, path: path.startsWith('http') ? path : `http://${OWN}${path}`, agent: false,
      headers: {
        Host: path.startsWith('http') ? new URL(path).host : OWN,
        ...body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) },
        ...client === undefined ? {} : { 'Proxy-Authorization': `Basic ${Buffer.from(`${client}:long-secret-of-${client}`).toString('base64')}` },
        ...headers,
      },
    }, response => {
      let read = ''
      response.setEncoding('utf8').on('data', (piece: string) => { read += piece })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, json: read.startsWith('{') ? JSON.parse(read) : null }))
    })
    sent.on('error', reject)
    sent.end(text)
  })
}

const digest = { reason: 'the hourly digest', rules: [{ host: 'api.test', scheme: 'http', method: 'GET', path: '/items/*' }, { host: 'chat.test', method: 'POST', path: '/hook' }] }
const policy = (port = 80): PolicyDocument => ({
  version: 1, name: 'of the operator', rules: [
    { id: 'reads', host: 'open.test', access: 'read-only', query: { key: 'c2VjcmV0' }, header: { 'x-team': 's3cret' }, note: 'for Ann' },
    { id: 'ask', action: 'hold', host: 'api.test', scheme: 'http', port, private: true, note: 'look twice' },
    { id: 'never', action: 'deny', host: 'paste.test', note: 'exfiltration' },
  ],
})
const tokens = ['ann', 'bob'].map(name => ({ name, token: `long-secret-of-${name}` }))

t.test('it says what is allowed, and nothing that the operator wrote for operators', async t => {
  const house = await openHouse(t, policy())
  const { status, json, headers } = await call(house, 'GET /v1/policy')
  t.equal(status, 200)
  t.match(headers, { 'cache-control': 'no-store', 'content-type': 'application/json' })
  t.strictSame(json.allowed, [{ host: 'open.test', access: 'read-only', queryNames: ['key'], headerNames: ['x-team'] }])
  t.equal(json.unmatched, 'asked')
  t.match(json.text, /read-only https open\.test/)
  t.notMatch(JSON.stringify(json), /Ann|c2VjcmV0|s3cret|operator wrote|of the operator|look twice|paste|exfil|api\.test|"reads"|"ask"/)
  const [record] = await house.closings(1)
  t.match(record, { action: 'serve', host: OWN, path: '/v1/policy', status: 200, code: null, rule: null, address: null, reason: 'said what is allowed' }, 'its one record')
  t.strictSame(house.lookups, [], 'the name was not looked up')
})

t.test('a whole task is asked in one go, answered once, and then nothing of it is asked', async t => {
  const origin = await startOrigin(t)
  const house = await openHouse(t, policy(origin.port))
  const rules = digest.rules.map(rule => rule.host === 'api.test' ? { ...rule, port: origin.port } : rule)
  const asked = await call(house, 'POST /v1/requests', { body: { ...digest, rules } })
  t.equal(asked.status, 201)
  t.match(asked.json, { status: 'open', asked: [{ rule: rules[0] }, { rule: rules[1] }] })
  t.equal(asked.headers['location'], `/v1/requests/${asked.json.id}`)
  t.notMatch(JSON.stringify(asked.json), /"ask"|answers/, 'which hold rules it answers is for the operator')

  const [task] = await house.tasks(1)
  t.match(task, { kind: 'task', client: '127.0.0.1', reason: 'the hourly digest', rules: [{ answers: ['ask'] }, { answers: [] }], risks: [{ code: 'plaintext' }, { code: 'answers-hold' }] })
  t.equal((await call(house, 'POST /v1/requests', { body: { reason: 'once more', rules: [...rules].reverse() } })).json.id, asked.json.id, 'the same rules are the same question')

  const waiting = call(house, `GET /v1/requests/${asked.json.id}?wait=60`)
  while (house.firewall.pending()[0]?.waiting !== 1) await new Promise(setImmediate)
  t.match(await house.firewall.answer(task!.id, { verdict: 'approve', grant: 'once' }), { kind: 'refused' }, 'what answers a request does not answer a task')
  t.match(await house.firewall.answer(task!.id, { verdict: 'approve', grant: { rules: 'asked', ttlMs: 3_600_000 }, by: 'ann' }), { kind: 'accepted', released: 1 })
  const { json } = await waiting
  t.match(json, { status: 'approved', granted: rules, reason: null })
  t.notMatch(JSON.stringify(json), /ann/, 'who answered is not said')

  for (const item of [1, 2, 3]) t.equal((await call(house, `GET http://api.test:${origin.port}/items/${item}`).catch(() => ({ status: 0 }))).status, 200, `item ${item}`)
  t.strictSame(house.firewall.pending(), [])
  t.match(house.firewall.decide({ method: 'POST', url: 'https://chat.test/hook' }), { action: 'allow' })
  t.match(house.firewall.decide({ method: 'POST', url: 'https://chat.test/other' }), { action: 'hold' }, 'and no more than that')
  t.match((await call(house, 'GET /v1/policy')).json.allowed[0], rules[0], 'what was granted is listed')
  t.ok(house.records.some(({ event, details }) => event === 'notice' && details?.['question'] === task!.id && details['by'] === 'ann'), 'the log has who decided')
})

t.test('an operator may grant less, and never more than was asked for', async t => {
  const house = await openHouse(t, policy())
  const { json } = await call(house, 'POST /v1/requests', { body: { reason: 'r', rules: [{ host: 'api.example.com', path: '/v1/**' }] } })
  const answer = (rules: readonly object[]): Promise<unknown> => house.firewall.answer(json.id, { verdict: 'approve', grant: { rules: rules as never } })
  for (const wider of [{ host: 'api.example.com' }, { host: '*.example.com', path: '/v1/x' }, { host: 'api.example.com', path: '/v1/x', scheme: ['https', 'http'] }]) {
    t.match(await answer([wider]), { kind: 'refused', problems: [/does not lie within/] })
  }
  t.match(await answer([{ host: 'api.example.com', method: 'GET', path: '/v1/items' }]), { kind: 'accepted' })
  t.match((await call(house, `GET /v1/requests/${json.id}`)).json, { status: 'approved', granted: [{ path: '/v1/items' }] })
  t.match(house.firewall.decide({ url: 'https://api.example.com/v1/items' }), { action: 'allow' })
  t.match(house.firewall.decide({ url: 'https://api.example.com/v1/other' }), { action: 'hold' })
})

t.test('a denial is read with its reason, and remembered for that client and those rules', async t => {
  const clock = fakeClock()
  const house = await openHouse(t, policy(), { clientTokens: tokens, clock })
  const ask = (client: string): Promise<Reply> => call(house, 'POST /v1/requests', { client, body: digest })
  const { json } = await ask('ann')
  await house.firewall.answer(json.id, { verdict: 'deny', reason: 'not on Sundays', by: 'carl', ttlMs: 600_000 })
  const again = await ask('ann')
  t.match(again, { status: 200, json: { id: json.id, status: 'denied', reason: 'not on Sundays' } })
  t.strictSame(house.firewall.pending(), [], 'nobody is asked again')
  t.match(await ask('bob'), { status: 201, json: { status: 'open' } }, 'another client is')
  clock.advance(600_000)
  t.match(await ask('ann'), { status: 201, json: { status: 'open' } }, 'and so it is, in the end')
})

t.test('what another client asked and was refused is not to be seen', async t => {
  const house = await openHouse(t, { ...policy(), unmatched: 'deny' }, { clientTokens: tokens })
  await call(house, 'GET http://paste.test/up?secret=1', { client: 'ann' })
  const { json } = await call(house, 'POST /v1/requests', { client: 'ann', body: { reason: 'r', rules: [{ host: 'api.test', scheme: 'http' }] } })
  for (const query of ['', '?wait=5']) t.equal((await call(house, `GET /v1/requests/${json.id}${query}`, { client: 'bob' })).status, 404)
  t.match((await call(house, `GET /v1/requests/${json.id}`, { client: 'ann' })).json, { status: 'open' })
  t.strictSame((await call(house, 'GET /v1/denials', { client: 'bob' })).json, { denials: [] })
  const { denials } = (await call(house, 'GET /v1/denials', { client: 'ann' })).json
  t.match(denials, [{ code: 'policy_denied', host: 'paste.test', path: '/up?secret=1', rule: 'never', reason: null, retry: false, hint: /sallyport\.internal/ }])
  t.notMatch(JSON.stringify(denials), /exfiltration/, 'the note of the rule is the operator\'s')
  t.equal((await call(house, 'GET /v1/policy', { client: 'eve' })).status, 407, 'who may not use the proxy may not ask either')
})

t.test('it can ask and never answer: everything else is 404 or 405', async t => {
  const house = await openHouse(t, policy(), { control: join(shortDir(t), 'desk.sock') })
  const { json } = await call(house, 'POST /v1/requests', { body: digest })
  const answer = { verdict: 'approve', grant: { rules: 'asked' } }
  for (const [line, status] of [
    ['GET /v1/pending', 404], ['POST /v1/answer', 404], [`POST /v1/pending/${json.id}/answer`, 404], ['GET /v1/events', 404], ['GET /v1/status', 404], ['GET /v1/grants', 404],
    ['GET /', 404], ['GET /v1/policy/', 404], ['GET /v1/requests/..%2fpending', 400], [`GET /v1/requests/${json.id}/answer`, 404],
    ['POST /v1/policy', 405], ['DELETE /v1/denials', 405], ['GET /v1/requests', 405], ['OPTIONS /v1/requests', 405],
    [`POST /v1/requests/${json.id}`, 405], [`PUT /v1/requests/${json.id}`, 405], [`PATCH /v1/requests/${json.id}`, 405], [`DELETE /v1/requests/${json.id}`, 405],
    [`GET /v1/requests/${json.id}?wait=-1`, 400], [`GET /v1/requests/${json.id}?answer=approve`, 400], ['GET /v1/policy?x', 400],
  ] as const) {
    const reply = await call(house, line, line.startsWith('G') ? {} : { body: answer })
    t.equal(reply.status, status, line)
    t.type(reply.json.error.hint, 'string')
  }
  t.match((await call(house, `GET /v1/requests/${json.id}`, { headers: { 'X-HTTP-Method-Override': 'DELETE' } })).json, { status: 'open' }, 'the question is as open as before')
  t.equal(house.firewall.pending().length, 1)
  t.equal(house.closed.filter(({ action }) => action === 'serve').length, 22, 'one record for each call')
})

t.test('what no approval may give is refused when it is asked for, with every problem', async t => {
  const clock = fakeClock()
  const house = await openHouse(t, policy(), { clock })
  const refused = async (rules: unknown, problem: RegExp, reason: unknown = 'r'): Promise<void> => {
    const { status, json } = await call(house, 'POST /v1/requests', { body: { reason, rules } })
    t.equal(status, 422, JSON.stringify(rules).slice(0, 99))
    t.match(json.error.problems.join('\n'), problem)
    clock.advance(6_000)
  }
  const sound = { host: 'api.example.com' }
  await refused([{ ...sound, action: 'deny' }, { ...sound, action: 'hold' }], /rules\/0[^]*rules\/1/)
  await refused([{ ...sound, private: true }], /private/)
  await refused([{ host: '**', anyHost: true }], /anyHost/)
  await refused([{ host: '*.com' }], /com/)
  await refused([{ cidr: '10.0.0.1' }], /10\.0\.0\.1/)
  await refused([{ cidr: '169.254.169.254' }, { cidr: '8.8.8.0/24' }, { host: 'metadata.google.internal' }, { host: OWN }], /169\.254[^]*whole network[^]*no approval[^]*no approval/)
  await refused([{ ...sound, tls: 'passthrough' }], /tls/)
  await refused([{ host: '*.example.com', scheme: 'tcp', port: '1-65535' }], /many hosts[^]*one port/)
  await refused([{ ...sound, id: 'mine', note: 'approved by the operator' }], /id[^]*note/)
  await refused([], /no "rules"/)
  await refused(Array.from({ length: 33 }, () => sound), /more than 32/)
  await refused([{ host: Array.from({ length: 129 }, (_, n) => `h${n}.example.com`) }], /129 hosts/)
  t.strictSame(house.firewall.pending(), [])
  t.match(await call(house, 'POST /v1/requests', { body: '{' }), { status: 400, json: { error: { code: 'bad_request' } } })
})

t.test('bodies, open requests and calls are bounded', async t => {
  const clock = fakeClock()
  const house = await openHouse(t, policy(), { clock, clientTokens: tokens })
  const ask = (host: string, client = 'ann'): Promise<Reply> => call(house, 'POST /v1/requests', { client, body: { reason: 'r', rules: [{ host }] } })
  t.match(await call(house, 'POST /v1/requests', { client: 'ann', body: { reason: 'x'.repeat(65_536), rules: [] } }), { status: 413, json: { error: { code: 'too_large' } } })
  t.match(await call(house, 'POST /v1/requests', { client: 'ann', body: digest, headers: { 'Content-Type': 'text/plain' } }), { status: 415 })
  for (let n = 0; n < 8; n++) t.equal((await ask(`h${n}.example.com`)).status, 201)
  t.match(await ask('late.example.com'), { status: 429, headers: { 'retry-after': '6' }, json: { error: { code: 'too_many_calls' } } })
  t.equal((await ask('late.example.com', 'bob')).status, 201, 'the rate is a client\'s own')
  for (let n = 8; n < 20; n++) {
    clock.advance(6_000)
    t.equal((await ask(`h${n}.example.com`)).status, 201)
  }
  clock.advance(60_000)
  t.match(await ask('late.example.com'), { status: 429, json: { error: { code: 'too_many_open' } } })
  t.equal(house.firewall.pending().length, 21)
  const [first] = house.firewall.pending()
  await house.firewall.answer(first!.id, { verdict: 'deny' })
  t.equal((await ask('late.example.com')).status, 201, 'an answer makes room')
  clock.advance(3_600_000)
  t.strictSame(house.firewall.pending(), [], 'what nobody looks at for an hour is asked no more')
  t.match((await call(house, `GET /v1/requests/${first!.id}`, { client: 'ann' })).status, 404)
})

t.test('a wait ends when its time is over, when its client leaves, and at close', async t => {
  const clock = fakeClock()
  const house = await openHouse(t, policy(), { clock })
  const { json } = await call(house, 'POST /v1/requests', { body: digest })
  const waits = (count: number): Promise<void> => new Promise(resolve => {
    const look = (): void => { if (house.firewall.pending()[0]?.waiting === count) resolve(); else setImmediate(look) }
    look()
  })
  const late = call(house, `GET /v1/requests/${json.id}?wait=9999`)
  await waits(1)
  clock.advance(60_000)
  t.match(await late, { status: 200, json: { status: 'open' } })

  const wire = await openWire(house.port)
  wire.write(`GET http://${OWN}/v1/requests/${json.id}?wait=60 HTTP/1.1\r\nHost: ${OWN}\r\n\r\n`)
  await waits(1)
  wire.socket.resetAndDestroy()
  await waits(0)
  t.match((await house.closings(3))[2], { action: 'serve', error: 'client_left' })

  const last = call(house, `GET /v1/requests/${json.id}?wait=60`)
  await waits(1)
  await house.firewall.close()
  t.match(await last, { status: 503, json: { error: { code: 'shutting_down' } } })
  t.equal(house.closed.length, 4, 'each has its record')
})

t.test('no rule opens the name, none shuts it, and nothing is ever dialled for it', async t => {
  const house = await openHouse(t, {
    version: 1, unmatched: 'deny', rules: [
      { id: 'all', host: '**.internal', anyHost: true, scheme: ['http', 'ws'], private: true, port: 8080 },
      { id: 'blind', host: OWN, tls: 'passthrough', private: true },
      { id: 'stream', host: OWN, scheme: 'tcp', port: 22, private: true },
      { id: 'shadow', host: OWN, scheme: 'tcp', port: 80, private: true },
      { id: 'no', action: 'deny', host: OWN },
    ],
  })
  t.equal((await call(house, 'GET /v1/policy')).status, 200, 'absolute form')
  t.equal((await call(house, `GET http://${OWN.toUpperCase()}.:8080/v1/policy`)).status, 200, 'whatever the spelling and the port')
  const clear = await openTunnel(house.port, `${OWN}:80`)
  clear.write(`GET /v1/policy HTTP/1.1\r\nHost: ${OWN}\r\nConnection: close\r\n\r\n`)
  t.match(await clear.ended(), /HTTP\/1\.1 200 OK[^]*"allowed"/, 'in a tunnel')
  const secure = await openSecureTunnel(house.port, `${OWN}:443`, { ca: house.ca, servername: OWN })
  secure.write(`GET /v1/policy HTTP/1.1\r\nHost: ${OWN}\r\nConnection: close\r\n\r\n`)
  t.match(await secure.ended(), /HTTP\/1\.1 200 OK[^]*"allowed"/, 'over TLS, with a leaf of ours')
  const stream = await openTunnel(house.port, `${OWN}:22`)
  stream.write('SSH-2.0-x\r\n')
  await stream.ended()
  const upgrade = await openWire(house.port)
  upgrade.write(`GET http://${OWN}/v1/policy HTTP/1.1\r\nHost: ${OWN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`)
  t.match(await upgrade.ended(), /HTTP\/1\.1 404[^]*not_served/)
  await house.closings(6)
  t.strictSame(house.lookups, [])
  t.match(house.closed.map(({ action, code }) => action === 'serve' ? action : code), ['serve', 'serve', 'serve', 'serve', 'not_served', 'not_served'])
  t.match(house.firewall.decide({ url: `http://${OWN}/v1/policy` }), { action: 'refused', code: 'not_served' })
})

t.test('a rule for one use is for one, whichever question it answers', async t => {
  const house = await openHouse(t, policy())
  const { json } = await call(house, 'POST /v1/requests', { body: { reason: 'r', rules: [{ host: ['api.test', 'b.test'], scheme: 'http', maxUses: 1 }] } })
  t.match(await house.firewall.answer(json.id, { verdict: 'approve', grant: { rules: 'asked' } }), { kind: 'accepted' })
  const ruled = (host: string): string => house.firewall.decide({ url: `http://${host}/` }).action
  t.strictSame([ruled('api.test'), ruled('b.test')], ['allow', 'allow'])
  t.equal((await call(house, 'GET http://b.test/')).json.error.code, 'address_forbidden', 'the name leads where no approval may')
  t.strictSame([ruled('api.test'), ruled('b.test')], ['hold', 'hold'])
  t.notMatch((await call(house, 'GET /v1/policy')).json.text, /b\.test/)
})

t.test('under a policy that denies, only what a hold rule asks about can be asked for', async t => {
  const house = await openHouse(t, { ...policy(), unmatched: 'deny' })
  t.match(await call(house, 'POST /v1/requests', { body: { reason: 'r', rules: [{ host: 'api.example.com' }] } }), { status: 403, json: { error: { code: 'cannot_be_asked' } } })
  const { json } = await call(house, 'POST /v1/requests', { body: { reason: 'r', rules: [{ host: ['api.test', 'api.example.com'], scheme: 'http' }] } })
  t.match(await house.firewall.answer(json.id, { verdict: 'approve', grant: { rules: 'asked' } }), { kind: 'accepted' })
  t.match(house.firewall.decide({ url: 'http://api.test/' }), { action: 'allow', rule: 'ask' })
  t.match(house.firewall.decide({ url: 'http://api.example.com/' }), { action: 'deny' }, 'I11: no approval opens what the policy keeps shut')
})

t.test('refusals say where to ask, and say nothing of it where it is switched off', async t => {
  for (const agentApi of [true, false]) {
    const house = await openHouse(t, policy(), { agentApi })
    const { json } = await call(house, 'GET http://paste.test/')
    t.equal(json.error.hint.includes(`http://${OWN}/`), agentApi)
    const { status } = await call(house, 'GET /v1/policy')
    t.equal(status, agentApi ? 200 : 404)
    t.strictSame(house.lookups, [])
  }
})
