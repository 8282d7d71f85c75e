import t from 'tap'
import type { CanonicalHost, RequestFacts } from '../../lib/model/request.ts'
import { createRedirects } from '../../lib/redirects.ts'
import { fakeClock } from '../helpers/fake-clock.ts'

const facts = (host: string, port = 443, client = 'agent'): RequestFacts => ({
  kind: 'request', client, scheme: 'https', host: host as CanonicalHost, hostKind: 'name', port, method: 'GET', methods: ['GET'],
  target: '/', path: '/', query: null, readings: ['/'], fields: [], hasContent: false, contentLength: 0,
})

// [Location, where it leads, why]
const rows: [string, RequestFacts | null, string][] = [
  ['https://blob.example.net/x?sig=1', facts('blob.example.net'), 'an absolute URL'],
  ['//blob.example.net/x', facts('blob.example.net'), 'one of the same scheme'],
  ['HTTP://BLOB.example.NET./x', facts('blob.example.net', 80), 'however it is written'],
  ['https://blob.example.net:8443', facts('blob.example.net', 8443), 'with a port'],
  ['/x', null, 'the same host'],
  ['https://api.example.com/x', null, 'the same host, spelled out'],
  ['https://user@blob.example.net/', null, 'userinfo'],
  ['ftp://blob.example.net/', null, 'another scheme'],
  ['https://', null, 'nothing'],
  ['https://a b/', null, 'no host'],
  ['https://\\\\blob.example.net/', null, 'backslashes'],
]
for (const [location, to, why] of rows) {
  const redirects = createRedirects(fakeClock())
  redirects.note(facts('api.example.com'), location)
  if (to !== null) t.equal(redirects.origin(to), 'api.example.com', `${location}: ${why}`)
  t.equal(redirects.origin(facts('api.example.com')), null)
  t.equal(redirects.origin(facts('other.example.net')), null)
  if (to === null) t.equal(redirects.origin(facts('blob.example.net')), null, `${location}: ${why}`)
}

t.test('it is kept for a while, for that client and that port', async t => {
  const clock = fakeClock()
  const redirects = createRedirects(clock)
  redirects.note(facts('api.example.com'), 'https://blob.example.net/')
  t.equal(redirects.origin(facts('blob.example.net', 443, 'other')), null)
  t.equal(redirects.origin(facts('blob.example.net', 8443)), null)
  clock.advance(14 * 60_000)
  t.equal(redirects.origin(facts('blob.example.net')), 'api.example.com')
  clock.advance(60_000)
  t.equal(redirects.origin(facts('blob.example.net')), null)
})

t.test('no Location breaks it', async t => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  t.comment(`SEED=${seed}`)
  let state = seed
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  const pieces = ['http:', 'https:', '//', '/', '\\', '@', ':', '[', ']', '::1', '%', '%zz', 'xn--', 'xn--a', 'é', '\u0000', '.', '..', '443', '99999', 'a', '?', '#', ' ', '１', 'a'.repeat(300)]
  const redirects = createRedirects(fakeClock())
  for (let round = 0; round < 5_000; round++) redirects.note(facts('api.example.com'), Array.from({ length: 1 + Math.floor(random() * 8) }, () => pieces[Math.floor(random() * pieces.length)]).join(''))
  t.pass()
})

t.test('an upstream that redirects everywhere fills no memory', async t => {
  const redirects = createRedirects(fakeClock())
  for (let n = 0; n < 5_000; n++) redirects.note(facts('api.example.com'), `https://h${n}.example.net/`)
  t.equal(redirects.origin(facts('h0.example.net')), null, 'the oldest are gone')
  t.equal(redirects.origin(facts('h4999.example.net')), 'api.example.com')
})
