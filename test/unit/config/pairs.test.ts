import t from 'tap'
import { checkPolicy } from '../../../lib/config/load.ts'

const conflicts = (a: object, b: object): number => {
  const loaded = checkPolicy({ version: 1, rules: [{ id: 'a', ...a }, { id: 'b', ...b }] }, { now: 0 })
  return loaded.kind === 'invalid' ? loaded.problems.length : 0
}

const PASS = { tls: 'passthrough' }
const TCP = { scheme: 'tcp' }

// [what it shows, one rule, another, whether they may not stand beside each other]
const cases: [string, object, object, boolean][] = [
  ['two modes on one host', { host: 'x.example.com', ...PASS }, { host: 'x.example.com' }, true],
  ['two hosts', { host: 'x.example.com', ...PASS }, { host: 'y.example.com' }, false],
  ['a wide passthrough takes a narrower rule\'s requests', { host: '**.example.com', ...PASS }, { host: 'x.example.com', path: '/v1/**' }, true],
  ['a narrower passthrough is an exception on purpose', { host: 'x.example.com', ...PASS }, { host: '**.example.com' }, false],
  ['neither is narrower', { host: 'a-*.example.com', ...PASS }, { host: '*-b.example.com' }, true],
  ['a deny by path would never be asked', { host: 'x.example.com', ...PASS }, { host: 'x.example.com', action: 'deny', path: '/admin/**' }, true],
  ['a deny of the whole host is heard of a stream too', { host: 'x.example.com', ...PASS }, { host: 'x.example.com', action: 'deny' }, false],
  ['a deny passes nothing', { host: 'x.example.com', ...PASS, action: 'deny' }, { host: 'x.example.com' }, false],
  ['plain http has no TLS mode', { host: 'x.example.com', ...PASS }, { host: 'x.example.com', scheme: 'http' }, false],
  ['wss is TLS on the same port', { host: 'x.example.com', ...PASS }, { host: 'x.example.com', scheme: 'wss' }, true],
  ['a stream and requests on one port', { host: 'x.example.com', ...TCP, port: 443 }, { host: 'x.example.com' }, true],
  ['a range that holds the port', { host: 'x.example.com', ...TCP, port: '1-65535' }, { host: 'x.example.com', scheme: 'http' }, true],
  ['a stream on another port', { host: 'x.example.com', ...TCP, port: 5432 }, { host: 'x.example.com' }, false],
  ['a hold that names no port means none in particular', { host: 'x.example.com', ...TCP, port: 22 }, { host: 'x.example.com', action: 'hold', path: '/**/git-receive-pack' }, false],
  ['a deny by path would never be asked of a stream on the usual port', { host: 'x.example.com', ...TCP, port: 443 }, { host: 'x.example.com', action: 'deny', path: '/admin/**' }, true],
  ['unless the stream is for a narrower name', { host: 'x.example.com', ...TCP, port: 443 }, { host: '*.example.com', action: 'deny', path: '/admin/**' }, false],
  ['a deny of the whole host is asked of the stream', { host: 'x.example.com', ...TCP, port: 443 }, { host: 'x.example.com', action: 'deny' }, false],
  ['a stream within a wider rule of requests', { host: 'db.example.com', ...TCP, port: 8443 }, { host: '*.example.com', port: [443, 8443] }, true],
  ['two streams', { host: 'x.example.com', ...TCP, port: 1 }, { host: 'x.example.com', ...TCP, port: 1, action: 'deny' }, false],
  ['networks that overlap', { cidr: '10.0.0.0/8', ...TCP, port: 443 }, { cidr: '10.1.0.0/16' }, true],
  ['networks apart', { cidr: '10.0.0.0/8', ...TCP, port: 443 }, { cidr: '11.0.0.0/8' }, false],
  ['a name and a network', { cidr: '10.0.0.0/8', ...TCP, port: 443 }, { host: 'x.example.com' }, false],
]
for (const [shows, a, b, isConflict] of cases) {
  t.equal(conflicts(a, b) > 0, isConflict, shows)
  t.equal(conflicts(b, a) > 0, isConflict, `${shows}, the other way round`)
}

t.test('of very many conflicts the first hundred are told', async t => {
  const rules = Array.from({ length: 60 }, (_, at) => ({ id: `r${at}`, host: 'x.example.com', ...(at % 2 ? PASS : {}) }))
  const loaded = checkPolicy({ version: 1, rules }, { now: 0 })
  t.equal(loaded.kind === 'invalid' && loaded.problems.length, 100)
})

t.test('what could not be compared does not take effect', async t => {
  const rules = Array.from({ length: 2_000 }, (_, at) => ({ id: `r${at}`, host: at % 2 ? '*.example.com' : 'x.example.com', port: at + 1, ...(at % 2 ? PASS : {}) }))
  t.match(checkPolicy({ version: 1, rules }, { now: 0 }), { kind: 'invalid', problems: [{ problem: /cannot all be compared/ }] })
})
