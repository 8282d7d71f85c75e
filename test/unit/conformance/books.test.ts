/** The log of a run, held against what was done in it. */
import t from 'tap'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { audited, clientOf, compare } from '../../../lib/conformance/books.ts'
import type { Done, Kept } from '../../../lib/conformance/books.ts'
import { systemClock } from '../../../lib/model/clock.ts'

const client = clientOf(7)
const record = (flow: string | null, more: Partial<Kept> = {}): Kept => ({ event: 'closed', flow, client, action: 'deny', ...more })
const done = (connections: number[], reached: number | null = 0): Done => ({ client, connections, reached })
const problem = (one: Done, ...records: readonly Kept[]): string => compare([one], records).get(client) ?? ''

t.test('one record for each answer, and for a connection that was answered nothing, is as it should be', async t => {
  t.equal(problem(done([1]), record('a')), '')
  t.equal(problem(done([0]), record('a')), '')
  t.equal(problem(done([2, 0]), record('a'), record('b'), record('c')), '')
  t.equal(problem(done([]), record(null, { event: 'notice' }), record('x', { client: '127.0.0.1' })), '', 'what others did does not count')
  t.equal(problem(done([1], 1), record('a', { event: 'open', action: null }), record('a', { action: 'allow' })), '')
})

t.test('a record too few, too many, twice, left open, or that allowed nothing, is a failure of the case', async t => {
  t.match(problem(done([1])), /0 flows/)
  t.match(problem(done([1]), record('a'), record('b')), /2 flows/)
  t.match(problem(done([2]), record('a'), record('a')), /closed twice/)
  t.match(problem(done([1]), record('a', { event: 'open' })), /never closed/)
  t.match(problem(done([1], 1), record('a')), /0 flows that were allowed, and 1 reached/)
  t.equal(problem(done([1], null), record('a')), '', 'what came through another door is not counted')
})

t.test('every case has a client of its own', async t => {
  t.equal(new Set(Array.from({ length: 5_000 }, (_, number) => clientOf(number))).size, 5_000)
  t.match(clientOf(4_999), /^127\.200\.39\.8$/)
})

t.test('a record that comes late is waited for', async t => {
  const file = join(t.testdir(), 'audit.jsonl')
  const line = JSON.stringify(record('a'))
  writeFileSync(file, line.slice(0, 20))
  let looked = 0
  const clock = { ...systemClock, after: (ms: number, call: () => void) => { if (++looked === 2) appendFileSync(file, `${line.slice(20)}\n`); return systemClock.after(ms / 100, call) } }
  const keep = setInterval(() => {}, 1_000)
  t.equal((await audited(file, [done([1])], clock)).size, 0)
  clearInterval(keep)
  t.ok(looked >= 2)
})
