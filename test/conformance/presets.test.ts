/**
 * What each preset lets through, and what stays out although it is near: another method, another host, another tenant.
 *
 * presets.json says of a request which rule allows it, `hold rule`, `deny rule`, or that no rule matches: `nothing`.
 */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { shippedPresets } from '../../lib/config/presets.ts'
import type { PolicyDocument, PresetUse } from '../../lib/model/policy.ts'
import { explainPolicy } from '../../lib/offline.ts'

interface Vector {
  readonly use: PresetUse
  readonly requests: Readonly<Record<string, string>>
}

const vectors = JSON.parse(readFileSync(new URL('presets.json', import.meta.url), 'utf8')) as readonly Vector[]
const nameOf = ({ use }: Vector): string => typeof use === 'string' ? use : use.preset

for (const vector of vectors) {
  const name = nameOf(vector)
  t.test(JSON.stringify(vector.use), async t => {
    const policy: PolicyDocument = { version: 1, unmatched: 'deny', use: [vector.use] }
    for (const [request, wanted] of Object.entries(vector.requests)) {
      const [method = '', url = ''] = request.split(' ')
      const { action, rule } = await explainPolicy(policy, { method, url })
      const id = rule?.slice(name.length + 1) ?? null
      t.equal(id === null ? 'nothing' : action === 'allow' ? id : `${action} ${id}`, wanted, request)
      const isReading = shippedPresets.read(name)!.rules.some(({ id: written, access }) => written === id && access === 'read-only')
      if (isReading) t.match(await explainPolicy(policy, { method, url, headers: { 'content-length': '5' } }), { action: 'deny', rule: null }, `${request}, with a body`)
    }
  })
}

t.test('every preset has requests that it lets through and some that it does not', async t => {
  t.strictSame([...new Set(vectors.map(nameOf))].sort(), shippedPresets.names())
  for (const name of shippedPresets.names()) {
    const told = vectors.filter(vector => nameOf(vector) === name).flatMap(({ requests }) => Object.values(requests))
    t.ok(told.includes('nothing') && told.some(each => each !== 'nothing' && !each.includes(' ')), name)
  }
})
