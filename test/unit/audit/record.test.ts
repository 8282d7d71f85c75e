import t from 'tap'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { verifyLog } from '../../../lib/audit/chain.ts'
import { createAudit } from '../../../lib/audit/record.ts'
import type { FlowRecorder } from '../../../lib/audit/record.ts'
import type { SealedRecord } from '../../../lib/audit/sinks.ts'
import { POLICY, recordsIn, testLog, turn } from './log.ts'

t.test('a flow has one closing record and at most one open record, in any order of calls', async t => {
  const log = testLog(t.testdir())
  const audit = await log.open()
  const steps: ((flow: FlowRecorder) => void)[] = [
    flow => flow.open(), flow => flow.open(), flow => flow.close(), flow => flow.close({ status: 200 }),
    flow => flow.note({ action: 'allow' }), () => log.clock.advance(2_000),
  ]
  const orders = permutations(steps)
  orders.forEach((order, i) => {
    const flow = audit.begin(`f${i}`, {})
    for (const step of order) step(flow)
  })
  t.equal(audit.openFlows(), 0)
  await audit.close()
  const counts = new Map<string | null, string>()
  for (const { flow, event } of log.records()) counts.set(flow, `${counts.get(flow) ?? ''}${event} `)
  orders.forEach((_, i) => {
    if (!/^(?:open )?closed $/.test(counts.get(`f${i}`) ?? '')) t.fail(`f${i}: ${counts.get(`f${i}`)}`)
  })
  t.equal(orders.length, 720)
})

t.test('later knowledge wins, and what is told after the end is ignored', async t => {
  const log = testLog(t.testdir())
  const audit = await log.open()
  const flow = audit.begin('f1', { client: 'c', host: 'a.test', action: 'hold' })
  flow.note({ action: 'allow', rule: 'r1' })
  log.clock.advance(40)
  flow.close({ status: 200, bytesDown: 5 })
  flow.note({ rule: 'r2' })
  await audit.close()
  const record = log.records().find(({ flow }) => flow === 'f1')
  t.match(record, { event: 'closed', time: '2030-01-01T00:00:00.040Z', client: 'c', host: 'a.test', action: 'allow', rule: 'r1', status: 200, bytesDown: 5, durationMs: 40, policy: POLICY })
})

t.test('a flow older than a second gets its open record by one timer for all', async t => {
  const log = testLog(t.testdir())
  const audit = await log.open()
  const timers = log.clock.pending
  const early = audit.begin('early', {})
  log.clock.advance(600)
  const late = audit.begin('late', {})
  t.equal(log.clock.pending, timers, 'no timer per flow')
  log.clock.advance(900)
  await turn()
  t.strictSame(log.records().filter(({ event }) => event === 'open').map(({ flow }) => flow), ['early'])
  log.clock.advance(500)
  await turn()
  t.strictSame(log.records().filter(({ event }) => event === 'open').map(({ flow }) => flow), ['early', 'late'])
  early.close()
  late.close()
  await audit.close()
  t.equal(log.clock.pending, 0)
})

t.test('a record names the policy under which the flow was ruled', async t => {
  const log = testLog(t.testdir())
  let generation = 1
  const audit = await log.open({ policy: () => ({ ...POLICY, generation }) })
  const held = audit.begin('held', {})
  held.note({ action: 'hold' })
  const tunnel = audit.begin('tunnel', {})
  tunnel.note({ action: 'allow' })
  const unread = audit.begin('unread', {})
  generation = 2
  held.note({ action: 'allow' })
  generation = 3
  for (const flow of [held, tunnel, unread]) flow.close()
  await audit.close()
  t.strictSame(Object.fromEntries(log.records().filter(({ event }) => event === 'closed').map(({ flow, policy }) => [flow, policy.generation])), { held: 2, tunnel: 1, unread: 3 })
})

t.test('what is recorded in one turn is in the file when the turn is over, by one write', async t => {
  const log = testLog(t.testdir())
  let writes = 0
  const audit = await log.open({ write: (fd, bytes, offset, length) => { writes++; return writeSync(fd, bytes, offset, length) } })
  writes = 0
  for (let i = 0; i < 25; i++) audit.begin(`f${i}`, {}).close()
  await Promise.resolve()
  for (let i = 25; i < 50; i++) audit.begin(`f${i}`, {}).close()
  t.equal(writes, 0, 'not at every callback')
  await turn()
  t.equal(writes, 1)
  t.equal(log.records().filter(({ event }) => event === 'closed').length, 50)
  await audit.close()
})

t.test('a process that dies of an exception, or exits, has written the records of that turn', async t => {
  for (const end of ['throw', 'exit']) {
    const log = testLog(t.testdir())
    const child = spawn(process.execPath, [fileURLToPath(WRITER), log.file, end], { stdio: 'ignore' })
    await once(child, 'exit')
    t.strictSame(log.records().map(({ flow, event }) => `${flow} ${event}`), ['null notice', 'open-flow open', 'closed-flow closed'], end)
    t.match(await verifyLog(log.file), { kind: 'sound' })
  }
})

t.test('flows that are left at the end are closed, and nothing is written after it', async t => {
  const log = testLog(t.testdir())
  let writes = 0
  const audit = await log.open({ write: (fd, bytes, offset, length) => { writes++; return writeSync(fd, bytes, offset, length) } })
  audit.begin('left', {})
  await audit.close()
  writes = 0
  audit.begin('after', {}).close()
  audit.notice('after')
  await audit.close()
  await turn()
  t.equal(writes, 0, 'for its descriptor may be another file\'s by now')
  t.strictSame(log.records().map(({ flow, event, error, reason }) => [flow, event, error, reason]), [
    [null, 'notice', null, 'the log was opened'],
    ['left', 'closed', 'interrupted', 'the firewall stopped'],
    [null, 'notice', null, 'the log was closed'],
  ])
})

t.test('while the disk is full nothing new may be allowed, and when it is not, nothing was lost', async t => {
  const log = testLog(t.testdir())
  let room = Infinity
  const audit = await log.open({ write: limited(() => room, taken => { room -= taken }) })
  room = 100
  audit.begin('f1', {}).close()
  t.ok(audit.isHealthy, 'nothing has failed yet')
  await turn()
  t.notOk(audit.isHealthy)
  t.match(audit.problem, /^The audit log .* cannot be written \(ENOSPC\)\.$/)
  t.equal(log.text().split('\n').at(-1)!.length, 100, 'what the disk took')
  audit.begin('f2', {}).close()
  audit.notice('meanwhile')
  await turn()
  log.clock.advance(500)
  t.notOk(audit.isHealthy)
  t.equal(log.text().split('\n').at(-1)!.length, 100, 'nothing stands behind half a line')
  room = Infinity
  log.clock.advance(500)
  t.ok(audit.isHealthy)
  t.equal(audit.problem, null)
  t.match(log.said, [/ENOSPC/, /is written again/])
  t.equal(log.said.length, 2, 'said once each')
  await audit.close()
  t.strictSame(log.records().map(({ flow, reason }) => flow ?? reason), ['the log was opened', 'f1', 'f2', 'meanwhile', 'the log was closed'])
  t.match(await verifyLog(log.file), { kind: 'sound', lines: 5 })
})

t.test('a log that may be missing is told of and stops nothing', async t => {
  const log = testLog(t.testdir())
  let room = Infinity
  const audit = await log.open({ optional: true, write: limited(() => room, taken => { room -= taken }) })
  room = 0
  audit.notice('x')
  await turn()
  t.ok(audit.isHealthy)
  t.match(audit.problem, /ENOSPC/)
  t.match(log.said, [/ENOSPC/])
  await audit.close()
})

t.test('records that find no place to wait are counted, and the chain has no gap', async t => {
  const log = testLog(t.testdir())
  let room = Infinity
  const audit = await log.open({ write: limited(() => room, taken => { room -= taken }) })
  room = 0
  const path = `/${'x'.repeat(8_000)}`
  for (let i = 0; i < 700; i++) {
    audit.begin(`f${i}`, { path }).close()
    await turn()
  }
  room = Infinity
  log.clock.advance(500)
  await audit.close()
  const records = log.records()
  const kept = records.filter(({ event }) => event === 'closed').length
  t.ok(kept > 400 && kept < 600, `${kept} were kept`)
  t.match(records.find(({ reason }) => reason?.includes('lost'))?.reason, `${700 - kept} records were lost while ${log.file} could not be written`)
  t.match(await verifyLog(log.file), { kind: 'sound' })
})

t.test('a log that cannot take its first line is no start', async t => {
  const log = testLog(t.testdir())
  await t.rejects(log.open({ write: limited(() => 0, () => {}) }), { code: 'E_AUDIT_UNWRITABLE', message: /ENOSPC/ })
  const audit = await log.open()
  await audit.close()
  t.ok(audit, 'and gives the lock back')
})

t.test('no sink is healthy and costs nothing', async t => {
  const log = testLog(t.testdir())
  const audit = await log.open({ sinks: [] })
  audit.begin('f1', {}).close()
  await turn()
  t.ok(audit.isHealthy)
  await audit.close()
})

t.test('several sinks get the same lines; a second file has a chain of its own', async t => {
  const folder = t.testdir()
  const log = testLog(folder)
  const heard: SealedRecord[] = []
  const other = join(folder, 'other.jsonl')
  const audit = await log.open({ sinks: [log.file, record => heard.push(record), other] })
  audit.begin('f1', { path: '/a?b=1' }).close()
  await audit.close()
  t.strictSame(heard, log.records())
  t.match(await verifyLog(log.file), { kind: 'sound', lines: 3 })
  t.match(await verifyLog(other), { kind: 'sound', lines: 3 })
  t.strictSame(recordsIn(readFileSync(other, 'latin1')).map(({ flow }) => flow), [null, 'f1', null])
})

t.test('every kind of line is one that the schema allows', async t => {
  const folder = t.testdir()
  const log = testLog(folder)
  const schema = JSON.parse(readFileSync(join(ROOT, 'schemas/audit-record.schema.json'), 'utf8'))
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema)
  const first = await log.open()
  first.begin('died', { action: 'hold', held: { question: 'q', ms: 4, by: 'me', door: 'd', grant: null, waiters: 2 } }).open()
  await turn()
  const text = log.text()
  await first.close()
  const copy = testLog(t.testdir({ 'audit.jsonl': `${text}{"eve` }))
  const audit = await copy.open()
  const hostile = '\u2028"\n\x9b'.repeat(5_000)
  audit.begin('f1', { client: hostile, host: hostile, port: 443, path: `/?${hostile}=${hostile}`, action: 'refuse', status: 400, reason: hostile, wouldHold: true }).close()
  audit.notice(hostile, { a: 1, b: hostile, c: null, d: true })
  await audit.close()
  const records = [...recordsIn(text), ...copy.records()]
  t.strictSame([...new Set(records.map(({ event }) => event))].sort(), ['closed', 'interrupted', 'notice', 'open'])
  for (const record of records) t.ok(validate(record), `${record.event}: ${JSON.stringify(validate.errors)}`)
  t.notOk(validate({ ...records[0], extra: 1 }), 'and no other')
  eachProperty(schema, (name, property) => {
    t.type(property.description, 'string', `${name} has a description`)
    t.ok(Array.isArray(property.examples) && property.examples.length > 0, `${name} has an example`)
  })
})

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const WRITER = new URL('writer.mjs', import.meta.url)

/** A disk that takes so many bytes and then none. */
function limited(room: () => number, take: (bytes: number) => void): NonNullable<Parameters<typeof createAudit>[0]['write']> {
  return (fd, bytes, offset, length) => {
    const taken = Math.min(length, room())
    if (taken <= 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    take(taken)
    return writeSync(fd, bytes, offset, taken)
  }
}

function permutations<T>(items: readonly T[]): T[][] {
  return items.length < 2 ? [[...items]] : items.flatMap((item, i) => permutations(items.filter((_, j) => j !== i)).map(rest => [item, ...rest]))
}

interface Property { description?: unknown, examples?: unknown, properties?: Record<string, Property> }

function eachProperty({ properties = {} }: Property, call: (name: string, property: Property) => void): void {
  for (const [name, property] of Object.entries(properties)) {
    call(name, property)
    eachProperty(property, call)
  }
}
