import t from 'tap'
import { checkPolicy } from '../../../lib/config/load.ts'
import { checkRule } from '../../../lib/config/rules.ts'
import { parseTime } from '../../../lib/config/times.ts'

/** Pointers of the errors of one rule, as the whole policy is told them. */
function errorsOf(rule: object): string[] {
  const loaded = checkPolicy({ version: 1, rules: [{ id: 'r', ...rule }] }, { now: 0 })
  return loaded.kind === 'invalid' ? loaded.problems.map(({ pointer }) => pointer.replace('/rules/0', '')).sort() : []
}

// [what it shows, the rule, pointers of its errors]
const cases: [string, object, string[]][] = [
  ['tcp needs its port', { host: 'a.example.com', scheme: 'tcp' }, ['']],
  ['tcp stands alone', { host: 'a.example.com', scheme: ['tcp', 'https'], port: 1 }, ['/scheme']],
  ['an opaque stream has nothing of a request', { host: 'a.example.com', scheme: 'tcp', port: 1, method: 'GET', path: '/', query: { a: '*' }, header: { a: '*' }, tls: 'inspect' }, ['/header', '/method', '/path', '/query', '/tls']],
  ['and no access', { host: 'a.example.com', scheme: 'tcp', port: 1, access: 'full' }, ['/access']],
  ['passthrough has neither', { host: 'a.example.com', tls: 'passthrough', access: 'read-only', query: { a: '*' } }, ['/access', '/query']],
  ['passthrough is of TLS', { host: 'a.example.com', tls: 'passthrough', scheme: ['https', 'http'] }, ['/scheme']],
  ['passthrough goes with wss', { host: 'a.example.com', tls: 'passthrough', scheme: ['https', 'wss'] }, []],
  ['onlyQuery needs query', { host: 'a.example.com', onlyQuery: true }, ['/onlyQuery']],
  ['onlyQuery in a deny rule would let more by', { action: 'deny', host: 'a.example.com', query: { a: '*' }, onlyQuery: true }, ['/onlyQuery']],
  ['onlyQuery that is false asks nothing', { host: 'a.example.com', onlyQuery: false }, []],
  ['a method is upper case', { host: 'a.example.com', method: 'get' }, ['/method']],
  ['every method is no method', { host: 'a.example.com', method: '*' }, ['/method']],
  ['an empty list matches nothing and looks like all', { host: [], path: [] }, ['/host', '/path']],
  ['nor may a map be empty', { host: 'a.example.com', query: {}, header: {} }, ['/header', '/query']],
  ['maxUses of none', { host: 'a.example.com', maxUses: 0, maxRequestBytes: 0 }, ['/maxRequestBytes', '/maxUses']],
  ['a name of a field is a token', { host: 'a.example.com', header: { 'x y': '*', 'x:': '*' } }, ['/header/x y', '/header/x:']],
  ['an address in host', { host: '10.0.0.1' }, ['/host']],
  ['host bits in a network', { cidr: '10.0.0.1/8' }, ['/cidr']],
  ['every address by accident', { cidr: '0.0.0.0/0' }, ['/cidr']],
  ['every address in so many words', { cidr: '0.0.0.0/0', anyHost: true }, []],
  ['private is of networks', { host: 'a.example.com', private: '10.0.0.1/8' }, ['/private']],
  ['a day that is on no calendar', { host: 'a.example.com', expires: '2031-02-29T00:00:00Z' }, ['/expires']],
  ['an hour that is on no clock', { host: 'a.example.com', expires: '2031-02-28T24:00:00Z' }, ['/expires']],
  ['an escape of what needs none', { host: 'a.example.com', path: '/%61' }, ['/path']],
  ['a value with a class of characters', { host: 'a.example.com', query: { a: ['ok', '[0-9]'] } }, ['/query/a/1']],
]
for (const [shows, rule, pointers] of cases) t.strictSame(errorsOf(rule), pointers, shows)

t.test('a host that ends with public suffix is told what to write', async t => {
  const [problem] = checkRule({ host: '*.co.uk' }, '/rules/3')
  t.match(problem, { pointer: '/rules/3/host', problem: /co\.uk/, fix: /anyHost/, severity: 'error' })
})

t.test('a rule of any shape at all is looked at without failing', async t => {
  const odd = [null, 0, '', 'x', true, [], {}, [[]], [null], { a: null }, '\u0000', '*'.repeat(5_000)]
  for (const name of ['id', 'host', 'cidr', 'port', 'scheme', 'method', 'access', 'path', 'query', 'onlyQuery', 'header', 'tls', 'private', 'expires', 'action', 'anyHost']) {
    for (const value of odd) t.doesNotThrow(() => checkRule({ [name]: value }, ''), `${name}: ${JSON.stringify(value)?.slice(0, 20)}`)
  }
})

t.test('a time is read as every RFC 3339 reader reads it', async t => {
  t.equal(parseTime('2030-01-01T09:00:00+09:00'), Date.parse('2030-01-01T00:00:00Z'))
  t.equal(parseTime('2028-02-29T00:00:00.5Z'), Date.parse('2028-02-29T00:00:00.500Z'), 'a leap day')
  for (const text of ['2030-02-30T00:00:00Z', '2030-13-01T00:00:00Z', '2030-00-01T00:00:00Z', '2030-01-01', '2030-01-01T00:00:00', '2030-01-01 00:00:00Z', '2030-01-01T00:00:60Z', '2030-01-01T00:00:00+24:00', '+12030-01-01T00:00:00Z', ' 2030-01-01T00:00:00Z', '2030-01-01T00:00:00Z\n']) {
    t.equal(parseTime(text), null, JSON.stringify(text))
  }
})
