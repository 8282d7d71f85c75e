import t from 'tap'
import { createAskedBefore } from '../../lib/asked-before.ts'
import { suggestRules } from '../../lib/learn/suggest.ts'
import type { Suggestion } from '../../lib/model/hold.ts'
import type { Facts } from '../../lib/model/request.ts'
import { describeRequest } from '../../lib/normalize/offline.ts'

function facts(line: string): Facts {
  const [method = '', url = ''] = line.split(' ')
  const described = describeRequest({ method, url: url.startsWith('/') ? `https://api.example.com${url}` : url, headers: ['Authorization', 'secret'] })
  if (described.kind === 'refused') throw new Error(described.reason)
  return described.facts
}
const offer = (before: ReturnType<typeof createAskedBefore>, line: string): Record<string, Suggestion['also']> =>
  Object.fromEntries(before.offer(suggestRules(facts(line)), facts(line)).map(({ shape, also }) => [shape, also]))

t.test('each rule says what else it would have let through, what was denied first', async t => {
  const before = createAskedBefore()
  for (const line of ['GET /v1/items/1', 'GET /v1/items/2', 'DELETE /v1/items/1', 'GET /v2/users', 'GET https://other.example.com/v1/items/3']) before.note(facts(line))
  before.deny(facts('DELETE /v1/items/1'))
  t.same(offer(before, 'GET /v1/items/2'), {
    exact: undefined,
    endpoint: { requests: 1, denied: 0, says: 'covers another request that was asked about: “GET /v1/items/1”' },
    below: { requests: 1, denied: 0, says: 'covers another request that was asked about: “GET /v1/items/1”' },
    'read-only': { requests: 2, denied: 0, says: 'covers 2 other requests that were asked about: “GET /v2/users”, “GET /v1/items/1”' },
    host: { requests: 3, denied: 1, says: 'covers 3 other requests that were asked about, 1 of them DENIED: “DELETE /v1/items/1”, “GET /v2/users”, “GET /v1/items/1”' },
  })
  t.same(offer(before, 'GET https://new.example.com/x'), { exact: undefined, 'below': undefined, 'read-only': undefined, host: undefined }, 'another host has no history')
})

t.test('it is bounded, safe to show, and keeps no field', async t => {
  const before = createAskedBefore()
  for (let n = 0; n < 500; n++) {
    before.note(facts(`GET /v1/items/${n}`))
    if (n === 5) before.deny(facts('GET /v1/items/3'))
  }
  before.note(facts(`GET /v1/${'x'.repeat(600)}`))
  t.match(offer(before, 'POST /v1'), { 'read-only': undefined, host: { requests: 20, denied: 1, says: /^covers 20 other requests that were asked about, 1 of them DENIED: “GET \/v1\/items\/3”, “GET \/v1\/items\/499”, “GET \/v1\/items\/498”, …$/ } })
  for (let n = 0; n < 150; n++) before.note(facts(`GET https://h${n}.example.com/`))
  t.equal(offer(before, 'POST /v1')['host'], undefined, 'the oldest host makes room')
  before.deny(facts('GET /never'))
  const odd = createAskedBefore()
  odd.note(facts('GET /%E2%80%AE/' + 'y'.repeat(300)))
  t.ok(offer(odd, 'POST /v1')['host']!.says.length < 200)
  t.notMatch(JSON.stringify(offer(odd, 'POST /v1')), /secret/)
})
