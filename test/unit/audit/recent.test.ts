import t from 'tap'
import { layOut } from '../../../lib/audit/line.ts'
import { createRecent } from '../../../lib/audit/recent.ts'
import type { AuditRecord } from '../../../lib/model/audit.ts'

const line = (flow: string | null, known: Partial<AuditRecord>, event: AuditRecord['event'] = 'closed'): string =>
  layOut({ event, time: '2030-01-01T00:00:00.000Z', flow, known, policy: '{"name":null,"hash":"h","generation":1}', durationMs: 1, redactQuery: true })
const flowsOf = (records: readonly AuditRecord[]): (string | null)[] => records.map(({ flow }) => flow)

t.test('the last so many records are remembered, the newest first', async t => {
  const recent = createRecent(3)
  t.strictSame([recent.latest, recent.find({ limit: 9 }), recent.since(0, 9)], [0, [], { records: [], skipped: 0 }])
  for (let n = 1; n <= 5; n++) recent.note(line(`f${n}`, { host: 'a.test', action: 'allow' }))
  t.strictSame(flowsOf(recent.find({ limit: 9 })), ['f5', 'f4', 'f3'])
  t.strictSame(flowsOf(recent.find({ limit: 1 })), ['f5'])
  t.equal(recent.latest, 5)
})

t.test('of a flow that lasts its latest record is told, and notices are told all', async t => {
  const recent = createRecent(10)
  recent.note(line('long', { host: 'a.test', action: 'hold' }, 'open'))
  recent.note(line(null, { reason: 'policy in force', details: { door: 'console' } }, 'notice'))
  recent.note(line('long', { host: 'a.test', action: 'allow' }))
  recent.note(line(null, { reason: 'again' }, 'notice'))
  t.match(recent.find({ limit: 9 }), [{ event: 'notice' }, { event: 'closed', flow: 'long' }, { event: 'notice' }])
  t.strictSame(flowsOf(recent.find({ limit: 9, action: 'hold' })), [], 'what it was before is no longer so')
  t.match(recent.find({ limit: 9, text: 'CONSOLE' }), [{ reason: 'policy in force' }])
})

t.test('a host is found with those below it, and no other that ends alike', async t => {
  const recent = createRecent(10)
  for (const host of ['a.test', 'x.a.test', 'ba.test', 'a.test.b']) recent.note(line(host, { host, action: 'allow' }))
  t.strictSame(flowsOf(recent.find({ limit: 9, host: 'A.test' })), ['x.a.test', 'a.test'])
})

t.test('who reads along is told what came since, and how much came too fast', async t => {
  const recent = createRecent(4)
  for (let n = 1; n <= 3; n++) recent.note(line(`f${n}`, {}))
  t.match({ ...recent.since(1, 9), records: flowsOf(recent.since(1, 9).records) }, { records: ['f2', 'f3'], skipped: 0 })
  for (let n = 4; n <= 9; n++) recent.note(line(`f${n}`, {}))
  t.strictSame([flowsOf(recent.since(3, 2).records), recent.since(3, 2).skipped], [['f8', 'f9'], 4])
  t.strictSame([flowsOf(recent.since(3, 99).records), recent.since(3, 99).skipped], [['f6', 'f7', 'f8', 'f9'], 2])
})
