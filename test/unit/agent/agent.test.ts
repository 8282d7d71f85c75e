/** The small parts of the agent's side: what it is told, how often it may call, and what the tools make of replies. */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describeAllowed } from '../../../lib/agent/allowed.ts'
import { connectAgent } from '../../../lib/agent/client.ts'
import type { AgentClient } from '../../../lib/agent/client.ts'
import { createDenials } from '../../../lib/agent/denials.ts'
import { createRate } from '../../../lib/agent/rate.ts'
import { FAILURES } from '../../../lib/agent/replies.ts'
import { createTools } from '../../../lib/agent/tools.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'

t.test('a bucket is a client\'s own, fills with time, and never holds more than its burst', t => {
  const clock = fakeClock()
  const rate = createRate({ clock, burst: 3, perSecond: 2, clients: 2 })
  for (let n = 0; n < 3; n++) t.equal(rate.take('a', 1), null)
  t.equal(rate.take('a', 1), 500, 'in half a second there is one')
  t.equal(rate.take('b', 3), null)
  clock.advance(500)
  t.equal(rate.take('a', 1), null)
  clock.advance(60_000)
  t.equal(rate.take('a', 3), null)
  t.equal(rate.take('a', 1), 500)
  rate.take('c', 1)
  t.equal(rate.take('b', 3), null, 'who called longest ago is forgotten, and has a full bucket')
  t.end()
})

t.test('the rules that are told have names where a value may be a secret, and words for a model', t => {
  const { allowed, text, more, unmatched } = describeAllowed([
    { id: 'secret-id', host: 'a.example', note: 'ticket 7', private: '10.1.2.0/24', tls: 'inspect', query: { 'key\n': 'hunter2' }, onlyQuery: true, header: { 'X-Team': 'red' }, maxRequestBytes: 9 },
    { host: 'a.example', method: ['GET', 'POST'], path: '/v1/**' },
    ...Array.from({ length: 1_100 }, (_, n) => ({ host: `h${n}.example` })),
  ], 'deny', 240_000)
  t.strictSame(allowed[0], { host: 'a.example', maxRequestBytes: 9, queryNames: ['key\n'], onlyQuery: true, headerNames: ['X-Team'] })
  t.equal(more, 102)
  t.equal(unmatched, 'denied')
  t.match(text, /- GET or POST https a\.example "\/v1\/\*\*"\n/)
  t.match(text, /query parameters key\\u\{a\} and no others, with certain values of the fields X-Team, sending at most 9 bytes/)
  t.match(text, /- and 1002 more/)
  t.ok(text.split('\n').length < 120, 'it stays short')
  t.notMatch(text, /hunter2|ticket|10\.1\.2|secret-id|red\b/)
  t.end()
})

t.test('the last refusals are kept, the newest first, of so many clients and no longer than they may be', t => {
  const denials = createDenials(fakeClock())
  const known = { client: 'x', scheme: 'https', host: 'a.example', port: 443, method: 'GET', target: `/${'p'.repeat(9_999)}` }
  for (let n = 0; n < 30; n++) denials.note(`f${n}`, known, 'approval_denied', null, n === 29 ? 'no' : null)
  const kept = denials.of('x')
  t.equal(kept.length, 20)
  t.match(kept[0], { flow: 'f29', code: 'approval_denied', reason: 'no', message: 'The operator denied GET a.example:443.', retry: false })
  t.equal(kept[0]?.path?.length, 513)
  for (let n = 0; n < 500; n++) denials.note('f', { ...known, client: `c${n}` }, 'policy_denied', 'rule', null)
  t.strictSame(denials.of('x'), [], 'the client that was refused longest ago makes room')
  t.end()
})

t.test('every failure stands on the page as it is in the code', t => {
  const rows = readFileSync(new URL('../../../docs/agent.md', import.meta.url), 'utf8').split('\n')
  for (const [code, { status, hint }] of Object.entries(FAILURES)) t.ok(rows.includes(`| \`${code}\` | ${status} | ${hint} |`), code)
  t.equal(rows.filter(row => /^\| `[a-z_]+` \| \d/.test(row)).length, Object.keys(FAILURES).length)
  t.end()
})

const scripted = (replies: readonly { status: number, value: unknown }[], asked: string[] = []): AgentClient => {
  const left = [...replies]
  return { via: 'test', async call(method, path) { asked.push(`${method} ${path}`); return left.shift() ?? { status: 500, value: null } } }
}
const task = (status: string, more: object = {}): { status: number, value: object } => ({ status: 200, value: { id: 'q1', status, reason: null, granted: [], grantedUntil: null, hint: 'do this', ...more } })
const SIGNAL = new AbortController().signal

t.test('asking waits in pieces, tells of it, and ends with what became of it', async t => {
  const asked: string[] = []
  const told: string[] = []
  const tools = createTools(scripted([{ ...task('open'), status: 201 }, task('open'), task('approved', { granted: [{ host: 'a' }] })], asked))
  t.match(await tools.ask({ reason: 'r', rules: [{ host: 'a' }], waitSeconds: 50 }, SIGNAL, says => told.push(says)), { isError: false, text: /approved[^]*\{"host":"a"\}/ })
  t.strictSame(asked, ['POST /v1/requests', 'GET /v1/requests/q1?wait=20', 'GET /v1/requests/q1?wait=20'])
  t.equal(told.length, 2)
  const open = createTools(scripted([task('open'), task('open')], asked))
  t.match(await open.ask({ id: '../pending', waitSeconds: 10 }, SIGNAL, () => {}), { isError: false, text: /Call ask_for_access again with \{"id":"q1"\}/ })
  t.equal(asked.at(-2), 'GET /v1/requests/..%2Fpending', 'an id is one piece of a path')
})

t.test('whatever is answered, a tool says so and does not throw', async t => {
  for (const value of [null, 'x', [], {}, { error: 'x' }, { id: 7, status: 'open' }, { denials: {} }]) {
    const tools = (): ReturnType<typeof createTools> => createTools(scripted([{ status: 200, value }]))
    for (const told of [await tools().whatIsAllowed(), await tools().whyRefused(), await tools().ask({ id: 'q', waitSeconds: 0 }, SIGNAL, () => {})]) t.match(told, { isError: true, text: /answered 200/ })
  }
  const refused = createTools(scripted([{ status: 422, value: { error: { message: 'This cannot be asked for.', problems: ['one', 'two'], hint: 'Correct it.' } } }]))
  t.strictSame(await refused.ask({ reason: 'r', rules: [], waitSeconds: 0 }, SIGNAL, () => {}), { isError: true, text: 'This cannot be asked for.\none\ntwo\nCorrect it.' })
  t.match(await createTools(scripted([{ status: 200, value: { denials: [{ code: 'policy_denied', message: 'no', reason: 'because' }] } }])).whyRefused(), { text: /policy_denied: no.*The operator says: because/ })
})

t.test('the proxy of the environment is asked in absolute form, with its credentials; without one, the name', async t => {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.url, request.headers.host, request.headers['proxy-authorization'])
    response.end(request.url?.endsWith('policy') ? '{"text":"x"}' : '<html>')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const client = connectAgent({ http_proxy: `http://ann:p%40ss@127.0.0.1:${port}/`, NO_PROXY: '*' })
  t.notMatch(client.via, /ann|p@ss/)
  t.strictSame(await client.call('GET', '/v1/policy'), { status: 200, value: { text: 'x' } })
  t.strictSame(seen, ['http://sallyport.internal/v1/policy', 'sallyport.internal', `Basic ${Buffer.from('ann:p@ss').toString('base64')}`])
  await t.rejects(client.call('GET', '/v1/denials'), { code: 'E_AGENT_UNREACHABLE', message: /no JSON/ })
  await t.rejects(connectAgent({ HTTP_PROXY: '127.0.0.1:1' }).call('GET', '/v1/policy'), { code: 'E_AGENT_UNREACHABLE' })
  t.throws(() => connectAgent({ ALL_PROXY: 'socks5://127.0.0.1:1080' }), { code: 'E_OPTION_INVALID', message: /ALL_PROXY/ })
  t.equal(connectAgent({}).via, 'sallyport.internal')
})
