import t from 'tap'
import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { layOut } from '../../../lib/audit/line.ts'
import { searchLog } from '../../../lib/audit/search.ts'
import type { AuditRecord } from '../../../lib/model/audit.ts'

const line = (flow: string, known: Partial<AuditRecord>, event: AuditRecord['event'] = 'closed'): string =>
  `${layOut({ event, time: '2030-01-01T00:00:00.000Z', flow, known, policy: '{"name":null,"hash":"h","generation":1}', durationMs: 1, redactQuery: true })}}\n`
const flowsOf = (records: readonly AuditRecord[]): (string | null)[] => records.map(({ flow }) => flow)

t.test('every record is found once, the newest first, whatever the parts and wherever a file ends', async t => {
  const log = join(t.testdir(), 'audit.jsonl')
  const names = Array.from({ length: 3_000 }, (_, n) => `f${n}`)
  // The longest lines that a log has are shorter than a block: some of these stand across two.
  const lineOf = (name: string, n: number): string => line(name, { host: `h${n % 7}.test`, action: n % 2 === 0 ? 'allow' : 'deny', path: `/${'x'.repeat(n % 900)}` })
  writeFileSync(`${log}.2`, names.slice(0, 1_000).map(lineOf).join(''))
  writeFileSync(`${log}.1`, names.slice(1_000, 2_200).map((name, n) => lineOf(name, 1_000 + n)).join(''))
  writeFileSync(log, names.slice(2_200).map((name, n) => lineOf(name, 2_200 + n)).join(''))

  for (const [limit, maxBytes] of [[5_000, 1 << 30], [7, 1 << 30], [1, 1 << 30], [5_000, 1], [5_000, 300_000]] as const) {
    const found: (string | null)[] = []
    let older: string | null = null
    let parts = 0
    do {
      const part: Awaited<ReturnType<typeof searchLog>> = await searchLog(log, { limit, ...limit === 1 ? { host: 'h3.test', action: 'deny' as const } : {} }, older, maxBytes)
      found.push(...flowsOf(part.flows))
      older = part.older
      parts++
    } while (older !== null)
    const wanted = limit === 1 ? names.filter((_, n) => n % 7 === 3 && n % 2 === 1) : names
    t.strictSame(found, wanted.toReversed?.() ?? [...wanted].reverse(), `${limit} at a time, ${maxBytes} bytes: ${parts} parts`)
  }
})

t.test('what is written and rotated meanwhile changes nothing of what follows', async t => {
  const log = join(t.testdir(), 'audit.jsonl')
  writeFileSync(`${log}.1`, line('a', {}) + line('b', {}))
  writeFileSync(log, line('c', {}) + line('d', {}))
  const first = await searchLog(log, { limit: 1 }, null)
  t.strictSame(flowsOf(first.flows), ['d'])
  appendFileSync(log, line('e', {}))
  renameSync(`${log}.1`, `${log}.2`)
  renameSync(log, `${log}.1`)
  writeFileSync(log, line('f', {}))
  const second = await searchLog(log, { limit: 9 }, first.older)
  t.strictSame([flowsOf(second.flows), second.older], [['c', 'b', 'a'], null])
  t.strictSame(await searchLog(log, { limit: 9 }, '1:100'), { flows: [], older: null }, 'a file that is gone')
})

t.test('of a flow that lasts the latest record is told, and what is no record is passed over', async t => {
  const log = join(t.testdir(), 'audit.jsonl')
  writeFileSync(log, `${line('long', { action: 'hold' }, 'open')}nonsense\n\n${'x'.repeat(300_000)}\n${line('long', { action: 'allow' })}{"event":"closed","ti`)
  t.match(await searchLog(log, { limit: 9 }, null), { flows: [{ flow: 'long', event: 'closed' }], older: null })
  t.equal((await searchLog(log, { limit: 9 }, null)).flows.length, 1)
  await t.rejects(searchLog(join(t.testdir(), 'none', 'audit.jsonl'), { limit: 1 }, null), { code: 'E_AUDIT_UNREADABLE' })
})
