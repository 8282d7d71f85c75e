/**
 * Whatever is said at the control socket, at the console and at the agent's own address: nothing that waits is let go and no
 * rule comes or goes but by a well-formed answer of somebody who may give one, every reply can be read, and the firewall goes
 * on. `property.ts` says how a run is repeated and made longer.
 */
import t from 'tap'
import fc from 'fast-check'
import { openDoorsWorld } from './doors-world.ts'
import type { Door, DoorsWorld, Manner, State } from './doors-world.ts'
import { SEED, anyByte, holds, textOf } from './property.ts'
import { repliesIn } from './naive-replies.ts'

t.comment(`SEED=${SEED}`)

const some = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)

const PATHS = ['/v1/pending/{question}/answer', '/v1/pending/answer', '/v1/grants/{grant}/undo', '/v1/pending/{task}/answer', '/v1/requests']
const path = fc.oneof(
  { weight: 6, arbitrary: some(...PATHS) },
  { weight: 4, arbitrary: some('/v1/status', '/v1/pending', '/v1/policy', '/v1/grants', '/v1/rules', '/v1/flows', '/v1/flows?limit=5', '/v1/flows?limit=1e3&text=%ff', '/v1/log', '/v1/log?limit=3&text=%61', '/v1/log?older=1:1', '/v1/log?older={inode}:700', '/v1/console/link', '/v1/events', '/v1/events?flows=1', '/v1/denials', '/v1/requests', '/v1/requests/{task}', '/v1/requests/{task}?wait=1', '/v1/requests/{question}', '/', '/app.js', '/sign-in', '/sign-in/link', '/sign-out', '*') },
  { weight: 2, arbitrary: textOf(['/v1', '/pending', '/{question}', '/answer', '/grants', '/{grant}', '/undo', '/..', '//', '%2f', '%00', '?', '#', ';', '\\', 'http://sallyport.internal', 'q'.repeat(200)], 7).map(text => `/${text}`) },
)

const RULE = '{"host":"ask.test","scheme":"http","port":{port},"path":"/held/**"}'
const ANSWERS = ['{"verdict":"deny"}', '{"verdict":"deny","reason":"no","by":"a","ttlMs":1000}', '{"verdict":"approve","grant":"once"}', '{"verdict":"pass"}', `{"verdict":"approve","grant":{"rule":${RULE}}}`, `{"verdict":"approve","grant":{"rule":${RULE},"ttlMs":60000,"maxUses":2}}`, '{"verdict":"approve","grant":{"rules":"asked","ttlMs":60000}}']
const TASK = '{"reason":"a digest","rules":[{"host":"api.test","method":"GET","path":"/items/*"}]}'
const LIST = '[{"id":"{question}","shown":"{shown}"}]'
const sound = fc.oneof(
  some(...ANSWERS, ...ANSWERS, TASK, '{}', '{"by":"a"}', '{"token":"guessed"}'),
  some(...ANSWERS).map(answer => `{"questions":${LIST},"answer":${answer}}`),
)
/** What may stand where a value did. */
const value = some('null', 'true', '0', '-0', '-1', '1e999', '9007199254740993', '1.5', '""', '"approve"', '"once"', '"asked"', '[]', '{}', '[[]]', '"\\ud800"', '"\\u0000"', '{"__proto__":{"verdict":"approve"}}', '"{question}"', LIST, RULE, '"' + 'x'.repeat(3_000) + '"')
const changed = fc.tuple(sound, fc.array(fc.tuple(fc.nat(50), value), { minLength: 1, maxLength: 2 })).map(([text, changes]) => changes.reduce((text, [at, put]) => {
  const values = [...text.matchAll(/(?<=:)("[^"]*"|\d+|\{[^{}]*\}|\[[^[\]]*\])/g)]
  const found = values[at % Math.max(1, values.length)]
  return found === undefined ? put : text.slice(0, found.index) + put + text.slice(found.index + found[0].length)
}, text))
const body = fc.oneof(
  { weight: 5, arbitrary: sound },
  { weight: 5, arbitrary: changed },
  { weight: 2, arbitrary: fc.tuple(sound, fc.nat(200), textOf(['"', '{', '}', '[', ',', ':', '\\', '\xff', '\0', '\ufeff'], 3)).map(([text, at, put]) => text.slice(0, at) + put + text.slice(at + 1)) },
  { weight: 1, arbitrary: some('', '['.repeat(20_000), '{"a":'.repeat(8_000), `{"verdict":${'['.repeat(9_000)}${']'.repeat(9_000)}}`, 'x'.repeat(70_000), `{"questions":[${'{"id":"{question}"},'.repeat(1_000)}{"id":"{question}"}],"answer":{"verdict":"deny"}}`) },
)

/** How the body is framed. Those that are not as they should be end the connection, or the next request is a part of them. */
type Framing = 'length' | 'chunked' | 'none' | 'short' | 'long' | 'both' | 'open' | 'broken'
interface Said {
  readonly method: string
  readonly path: string
  readonly version: string
  readonly host: string
  readonly origin: string
  readonly type: string
  readonly credentials: string
  readonly framing: Framing
  readonly body: string
  readonly also: string
}

/** Where each kind of body belongs, or anything anywhere. */
const fitting: fc.Arbitrary<{ readonly path: string, readonly body: string }> = fc.oneof(
  fc.record({ path: some('/v1/pending/{question}/answer'), body: some(...ANSWERS.slice(0, -1)) }),
  fc.record({ path: some('/v1/pending/{task}/answer'), body: some('{"verdict":"deny"}', ANSWERS.at(-1)!) }),
  fc.record({ path: some('/v1/pending/answer'), body: some(...ANSWERS.slice(0, 2)).map(answer => `{"questions":${LIST},"answer":${answer}}`) }),
  fc.record({ path: some('/v1/grants/{grant}/undo'), body: some('{}', '{"by":"a"}') }),
  fc.record({ path: some('/v1/requests'), body: some(TASK) }),
)
const content = fc.oneof({ weight: 4, arbitrary: fitting }, { weight: 3, arbitrary: fc.record({ path, body }) })

type Way = Omit<Said, 'path' | 'body'>
const usualAt = (door: Door): Way => ({
  method: 'POST', version: '1.1', type: 'application/json', credentials: 'Cookie: {cookie}\r\nSallyport-Key: {key}', framing: 'length', also: '',
  host: door === 'control' ? 'sallyport' : door === 'console' ? '{host}' : 'sallyport.internal', origin: door === 'console' ? 'http://{host}' : '',
})
const odd: fc.Arbitrary<Way> = fc.record({
  method: some('GET', 'GET', 'HEAD', 'PUT', 'OPTIONS', 'DELETE', 'post', 'QUERY'),
  version: some('1.0', '2.0', '1.1 '),
  host: some('localhost', 'sallyport:80', 'evil.test', '', '{host}.', '{host}\r\nHost: evil.test', 'SALLYPORT.internal.', 'sallyport.internal:80', 'sallyport\r\nHost: sallyport'),
  origin: some('', 'http://{host}', 'https://{host}', 'null', 'http://evil.test', 'http://{host}\r\nOrigin: http://evil.test', 'http://{host}.evil.test', 'http://sallyport.internal'),
  type: some('application/json; charset=utf-8', 'text/plain', '', 'application/jsonp', 'multipart/form-data', 'text/plain\r\nContent-Type: application/json'),
  credentials: some('', 'Cookie: {cookie}', 'Sallyport-Key: {key}', 'Cookie: {cookie}x\r\nSallyport-Key: {key}', 'Cookie: {cookie}\r\nSallyport-Key: {key}\r\nSallyport-Key: {key}', 'Cookie: a=b; {cookie}; c\r\nSallyport-Key: {key}', 'Cookie: {cookie}\r\nSallyport-Key: undefined', 'Authorization: Bearer {key}'),
  framing: some<Framing>('chunked', 'chunked', 'none', 'short', 'long', 'both', 'open', 'broken'),
  also: some('Expect: 100-continue', 'Expect: anything', 'Upgrade: websocket\r\nConnection: Upgrade', 'X-Forwarded-Host: {host}', 'X-HTTP-Method-Override: POST', 'Accept: text/html', 'Transfer-Encoding: gzip', `X: ${'x'.repeat(9_000)}`, 'Trailer: Host', 'Sec-Fetch-Site: cross-site'),
})
/** As it should be, but for a thing or two. */
const saidAt = (door: Door): fc.Arbitrary<Said> => fc.tuple(content, odd, fc.uniqueArray(some<keyof Way>('method', 'version', 'host', 'origin', 'type', 'credentials', 'framing', 'also'), { maxLength: 2 }))
  .map(([content, odd, names]) => ({ ...usualAt(door), ...Object.fromEntries(names.map(name => [name, odd[name]])), ...content }))
const cuts = fc.oneof(fc.constant([]), fc.array(fc.nat(5_000), { maxLength: 4 }))
const manner: fc.Arbitrary<Manner> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: some('close' as const, 'end' as const), cuts }) },
  { weight: 1, arbitrary: fc.record({ kind: some('leave' as const), after: fc.nat(600) }) },
)

interface Case { readonly door: Door, readonly requests: readonly Said[], readonly noise: readonly (readonly [number, string])[], readonly manner: Manner, readonly isStranger: boolean }
const aCase: fc.Arbitrary<Case> = some<Door>('control', 'console', 'console', 'agent').chain(door => fc.record({
  door: fc.constant(door), requests: fc.array(saidAt(door), { minLength: 1, maxLength: 3 }), manner, isStranger: some(false, false, false, true),
  noise: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(fc.tuple(fc.nat(20_000), anyByte), { minLength: 1, maxLength: 4 })),
}))

const framed = (text: string, framing: Framing): { readonly fields: readonly string[], readonly bytes: string } => {
  const length = (off: number): string => `Content-Length: ${Math.max(0, text.length + off)}`
  const whole = `${text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`}0\r\n\r\n`
  switch (framing) {
    case 'length': return { fields: [length(0)], bytes: text }
    case 'chunked': return { fields: ['Transfer-Encoding: chunked'], bytes: whole }
    case 'none': return { fields: [], bytes: text }
    case 'short': return { fields: [length(-2)], bytes: text }
    case 'long': return { fields: [length(7)], bytes: text }
    case 'both': return { fields: [length(0), 'Transfer-Encoding: chunked'], bytes: whole }
    case 'open': return { fields: ['Transfer-Encoding: chunked'], bytes: whole.slice(0, -5) }
    case 'broken': return { fields: ['Transfer-Encoding: chunked'], bytes: `${text.length.toString(16)}x\r\n${text}` }
    default: return framing satisfies never
  }
}

const isWhole = ({ framing, body }: Said): boolean => framing === 'length' || framing === 'chunked' || (framing === 'none' && body === '')

function bytesOf({ door, requests, noise, manner, isStranger }: Case, words: Readonly<Record<string, string>>): string {
  const put = (text: string): string => text.replace(/\{(question|shown|task|grant|cookie|key|host|port|inode)\}/g, (_, word: string) => isStranger && (word === 'cookie' || word === 'key') ? 'none' : words[word]!)
  const text = requests.map((said, at) => {
    const { fields, bytes } = framed(put(said.body), said.framing)
    const target = door === 'agent' && said.path.startsWith('/') ? `http://sallyport.internal${put(said.path)}` : put(said.path)
    const ends = at === requests.length - 1 && manner.kind === 'close' ? 'Connection: close' : ''
    const lines = [`Host: ${put(said.host)}`, said.origin === '' ? '' : `Origin: ${put(said.origin)}`, said.type === '' ? '' : `Content-Type: ${said.type}`, put(said.credentials), put(said.also), ends, ...fields]
    return `${said.method} ${target} HTTP/${said.version}\r\n${lines.filter(line => line !== '').join('\r\n')}\r\n\r\n${bytes}`
  }).join('')
  return noise.reduce((text, [at, byte]) => text.slice(0, at % text.length) + byte + text.slice(at % text.length + 1), text)
}

const KEYS = ['verdict', 'grant', 'by', 'reason', 'ttlMs']

/** Whether somebody who may has given an answer that is one, by its form. */
function mayChange({ door, isStranger }: Case, { method, path, host, origin, type, credentials, body, ...said }: Said): boolean {
  if (door === 'agent' || (door === 'console' && (isStranger || !/^Cookie: (a=b; )?\{cookie\}(; c)?\r\nSallyport-Key: \{key\}$/.test(credentials)))) return false
  const isOurs = door === 'control' ? ['sallyport', 'localhost'].includes(host) && origin === '' : host === '{host}' && /^https?:\/\/\{host\}$/.test(origin) && said.also !== 'Sec-Fetch-Site: cross-site'
  if (!isOurs || method !== 'POST' || !/^application\/json(; charset=utf-8)?$/.test(type) || !isWhole({ body, ...said } as Said) || said.also === 'Transfer-Encoding: gzip') return false
  let value: unknown
  try {
    value = JSON.parse(body.replaceAll('{port}', '80'))
  } catch {
    return false
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (path === '/v1/grants/{grant}/undo') return !isObject || typeof ((value as { by?: unknown }).by ?? '') === 'string'
  if (!isObject) return false
  const { questions, answer } = value as { readonly questions?: unknown, readonly answer?: unknown }
  return path === '/v1/pending/answer' ? Array.isArray(questions) && isAnswer(answer) : /^\/v1\/pending\/\{(question|task)\}\/answer$/.test(path) && isAnswer(value)
}

function isAnswer(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.keys(value).some(key => !KEYS.includes(key))) return false
  const { verdict, grant } = value as { readonly verdict?: unknown, readonly grant?: unknown }
  return verdict === 'deny' || verdict === 'pass' || (verdict === 'approve' && (grant === 'once' || (typeof grant === 'object' && grant !== null && ('rule' in grant || 'rules' in grant))))
}

function wrongWith(one: Case, before: State, after: State, text: string): string | null {
  const gone = before.questions.filter(question => !after.questions.includes(question))
  const come = after.questions.filter(question => !before.questions.includes(question))
  // A byte in it may make another request of one; who may answer may then have answered.
  const isJudged = one.noise.length === 0 || one.door === 'agent' || (one.door === 'console' && one.isStranger)
  const mayBeOther = !isJudged || one.requests.some(said => mayChange(one, said))
  if (!mayBeOther) {
    if (gone.length > 0 || after.released > before.released) return `nobody may have answered ${gone.join() || 'it'}`
    if (after.rules !== before.rules) return `what is allowed was ${before.rules} and is ${after.rules}`
  }
  // Who waits behind an approval that is used up is asked about anew.
  if (come.some(question => question.startsWith('task ') ? one.door !== 'agent' : !mayBeOther)) return `nobody asked ${come.join()}`
  const isWellFormed = one.noise.length === 0 && one.requests.every(isWhole)
  // Who still sends when it is refused may lose the reply with its connection, and so may who sends no HTTP behind a request.
  const isSentAtOnce = one.manner.kind === 'close' && one.manner.cuts.length === 0 && one.requests.length === 1 && one.requests[0]!.body.length < 10_000
  return repliesIn(text, isWellFormed ? one.requests.map(({ method }) => method) : null, isSentAtOnce)
}

await t.test('doors', { timeout: 900_000 }, async t => {
  const world: DoorsWorld = await openDoorsWorld(t)

  async function attempt(one: Case): Promise<{ readonly before: State, readonly after: State, readonly text: string }> {
    const words = await world.prepare()
    const before = await world.state()
    const text = await world.say(one.door, bytesOf(one, words), one.manner)
    return { before, after: await world.state(), text }
  }

  for (const door of ['control', 'console', 'agent'] as const) {
    const said = { ...usualAt(door), path: '/v1/pending/{question}/answer', body: '{"verdict":"deny"}' }
    const { before, after } = await attempt({ door, requests: [said], noise: [], manner: { kind: 'close', cuts: [] }, isStranger: false })
    t.equal(before.questions.filter(question => !after.questions.includes(question)).length, door === 'agent' ? 0 : 1, `${door}: what is well-formed is an answer where one may be given`)
  }
  await holds(t, { name: 'doors', says: 'nothing is let go and no rule comes or goes but by an answer of who may give one; every reply can be read', cases: 120, inputs: aCase }, async one => {
    // What is not framed as it should be is waited for, up to the end of the connection; and Node's parser stops behind an upgrade.
    const isOpen = one.noise.length > 0 || !one.requests.every(isWhole) || one.requests.slice(0, -1).some(({ also }) => also.startsWith('Upgrade'))
    const meant: Case = one.manner.kind === 'close' && isOpen ? { ...one, manner: { ...one.manner, kind: 'end' } } : one
    const { before, after, text } = await attempt(meant)
    return wrongWith(meant, before, after, text)
  })
  t.equal(await world.afterwards(), null, 'the firewall goes on, and no connection is left')
})
