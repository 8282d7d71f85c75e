/** Which names exist for what is guarded, through the resolver that it asks. */
import t from 'tap'
import type { Test } from 'tap'
import packet from 'dns-packet'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { compileGrants, compileRuleset } from '../../lib/decide/compile.ts'
import type { InForce } from '../../lib/in-force.ts'
import type { PolicyDocument } from '../../lib/model/policy.ts'
import type { CanonicalHost } from '../../lib/model/request.ts'
import { createGuard } from '../../lib/transparent.ts'
import { fakeClock } from '../helpers/fake-clock.ts'

interface Asked { readonly code: string, readonly address: string | null }

async function openResolver(t: Test, policy: Omit<PolicyDocument, 'version'>, { isStrict = false, search = [] as readonly string[] } = {}) {
  const notes: Readonly<Record<string, unknown>>[] = []
  const clock = fakeClock()
  const guard = createGuard({
    clock, isStrict, max: 10, newFlow: () => 'f', enter: () => {}, arrive: () => {}, noteLine: () => {}, note: (_, details) => notes.push(details),
    inForce: () => ({ ruleset: compileRuleset({ version: 1, ...policy }, 'h'), grants: compileGrants([]) }) as InForce,
  })
  const opened = await guard.open({ transparent: { host: '127.0.0.1', port: 0 }, dns: [{ host: '127.0.0.1', port: 0 }] }, search as readonly CanonicalHost[])
  t.teardown(() => guard.close())
  const client = createSocket('udp4')
  t.teardown(() => client.close())
  return {
    notes,
    async ask(name: string): Promise<Asked> {
      client.send(packet.encode({ type: 'query', id: 1, questions: [{ name, type: 'A' }] }), opened.dns[0]!.port, '127.0.0.1')
      const { answers, rcode } = packet.decode((await once(client, 'message') as [Buffer])[0]) as packet.DecodedPacket & { rcode: string }
      const [answer] = answers ?? []
      return { code: rcode, address: answer !== undefined && 'data' in answer ? String(answer.data) : null }
    },
  }
}

t.test('every name has an address of its own, whatever the policy', async t => {
  const { ask } = await openResolver(t, { unmatched: 'deny' })
  const [a, b] = [await ask('a.test'), await ask('secret-data.evil.test')]
  t.match([a, b], [{ code: 'NOERROR', address: /^198\.1[89]\./ }, { code: 'NOERROR', address: /^198\.1[89]\./ }])
  t.not(a.address, b.address)
})

t.test('strictly, a name that no rule could ever allow does not exist, and that is noted', async t => {
  const { ask, notes } = await openResolver(t, { unmatched: 'deny', rules: [{ id: 'a', host: 'open.test' }] }, { isStrict: true })
  t.match(await ask('open.test'), { code: 'NOERROR', address: /^198/ })
  t.strictSame(await ask('secret-data.evil.test'), { code: 'NXDOMAIN', address: null })
  t.match(notes, [{ client: 'sandbox', name: 'secret-data.evil.test', type: 'A', untold: 0 }])
})

t.test('a name that a client completed by itself exists only where a rule means it', async t => {
  const { ask, notes } = await openResolver(t, { unmatched: 'hold', rules: [{ id: 'a', host: '*.svc.cluster.test' }, { id: 'b', anyHost: true, action: 'hold' }] }, { search: ['default.svc.cluster.test', 'svc.cluster.test', 'cluster.test'] })
  t.match(await ask('db.svc.cluster.test'), { code: 'NOERROR' })
  t.match(await ask('api.example.com.cluster.test'), { code: 'NXDOMAIN', address: null }, 'or the client would take it for what it meant')
  t.match(await ask('api.example.com'), { code: 'NOERROR' })
  t.strictSame(notes, [], 'nobody needs to hear of it')
})

t.test('what is no host name does not exist', async t => {
  const { ask } = await openResolver(t, { unmatched: 'hold' })
  for (const name of ['a b.test', '1.2.3.4', '0x7f.1']) t.match(await ask(name), { code: 'NXDOMAIN', address: null }, name)
})
