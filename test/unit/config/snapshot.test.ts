import t from 'tap'
import { snapshot } from '../../../lib/config/snapshot.ts'

const take = (value: unknown, max = 1_000) => snapshot(value, max)

t.test('plain data comes out the same, frozen, and its own', async t => {
  const given = { a: [1, 'x', null, { b: true }], c: undefined }
  const taken = take(given)
  t.same(taken, { kind: 'data', value: { a: [1, 'x', null, { b: true }] } }, 'what is undefined is not there')
  if (taken.kind !== 'data') return
  const value = taken.value as { a: object[] }
  t.ok(Object.isFrozen(value) && Object.isFrozen(value.a) && Object.isFrozen(value.a[3]))
  given.a.push('later')
  t.equal(value.a.length, 4, 'what its giver does later changes nothing')
})

t.test('a property that answers differently each time is asked once', async t => {
  let asked = 0
  const taken = take({ get verdict() { return ++asked === 1 ? 'deny' : 'approve' } })
  t.same(taken, { kind: 'data', value: { verdict: 'deny' } })
  t.equal(asked, 1)
})

t.test('what is no plain data is refused', async t => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  let shared: unknown = 1
  for (let depth = 0; depth < 40; depth++) shared = [shared, shared]
  // [what it is, value]
  const cases: [string, unknown][] = [
    ['a getter that throws', { get a() { throw new Error('no') } }],
    ['a proxy that throws', new Proxy({}, { ownKeys() { throw new Error('no') } })],
    ['a revoked proxy', revoked()],
    ['a function', () => 'approve'],
    ['a symbol', Symbol('x')],
    ['a bigint', 1n],
    ['nothing', undefined],
    ['not a number', { a: NaN }],
    ['endless', { a: Infinity }],
    ['a date', new Date(0)],
    ['a map', new Map([['verdict', 'approve']])],
    ['an instance', new (class { verdict = 'approve' })()],
    ['a list with a hole', [1, , 2]],
    ['one that holds itself', cyclic],
    ['one whose parts are shared without end', shared],
    ['__proto__', JSON.parse('{"__proto__":{"verdict":"approve"}}')],
  ]
  for (const [shows, value] of cases) t.equal(take(value).kind, 'refused', shows)
})

t.test('an inherited property is not there', async t => {
  t.equal(take(Object.create({ verdict: 'approve' })).kind, 'refused', 'an object of a class')
  t.same(take(Object.assign(Object.create(null) as object, { verdict: 'pass' })), { kind: 'data', value: { verdict: 'pass' } }, 'one without a prototype is plain')
})

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
