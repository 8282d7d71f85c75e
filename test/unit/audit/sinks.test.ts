import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { verifyLog } from '../../../lib/audit/chain.ts'
import { MAX_BACKLOG } from '../../../lib/audit/ledger.ts'
import { functionSink, MAX_UNREAD, streamSink } from '../../../lib/audit/sinks.ts'
import type { SealedRecord } from '../../../lib/audit/sinks.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { recordsIn, testLog, turn } from './log.ts'

const line = (n: number): string => `{"n":${n}}\n`

t.test('a function that throws is a failed write; it gets the record again, and every other one after it', async t => {
  const got: unknown[] = []
  let fails = false
  let calls = 0
  const sink = functionSink(record => {
    calls++
    if (fails) throw new Error('down')
    got.push((record as unknown as { n: number }).n)
  })
  sink.write([line(1)])
  fails = true
  sink.write([line(2), line(3)])
  sink.write([line(4)])
  t.equal(sink.problem, 'down')
  t.equal(calls, 2, 'while it is down only the timer calls it')
  t.equal(sink.backlog, 3 * line(1).length)
  sink.retry()
  t.equal(sink.problem, 'down')
  fails = false
  sink.retry()
  t.equal(sink.problem, null)
  t.equal(sink.backlog, 0)
  t.strictSame(got, [1, 2, 3, 4])
})

t.test('a promise that rejects is a failed write too, and nobody\'s unhandled rejection', async t => {
  let fails = true
  const got: unknown[] = []
  const sink = functionSink(async record => {
    if (fails) throw new Error('down')
    got.push(record)
  })
  sink.write([line(1)])
  await turn()
  t.equal(sink.problem, 'down')
  fails = false
  sink.retry()
  await turn()
  t.equal(sink.problem, null)
  t.strictSame(got, [{ n: 1 }])
})

t.test('a function that throws stops new flows; one that may fail stops nothing', async t => {
  for (const optional of [false, true]) {
    const log = testLog(t.testdir())
    let fails = false
    const got: SealedRecord[] = []
    const audit = await log.open({ optional, sinks: record => { if (fails) throw new Error('down'); got.push(record) } })
    fails = true
    audit.notice('x')
    await turn()
    t.equal(audit.isHealthy, optional)
    t.match(log.said, [/function cannot be written \(down\)/])
    fails = false
    log.clock.advance(500)
    t.ok(audit.isHealthy)
    await audit.close()
    t.strictSame(got.map(({ reason }) => reason), ['the log was opened', 'x', 'the log was closed'])
  }
})

t.test('a stream gets whole lines, and is left open', async t => {
  const log = testLog(t.testdir())
  const stream = new PassThrough()
  const audit = await log.open({ sinks: stream })
  audit.begin('f1', {}).close()
  await audit.close()
  t.notOk(stream.writableEnded)
  const text = String(stream.read())
  t.strictSame(recordsIn(text).map(({ flow }) => flow), [null, 'f1', null])
  const copy = testLog(t.testdir({ 'audit.jsonl': text }))
  t.match(await verifyLog(copy.file), { kind: 'sound', lines: 3 })
})

t.test('a stream that nobody reads is a failure, and its memory is bounded', async t => {
  const log = testLog(t.testdir())
  const done: (() => void)[] = []
  const stream = new Writable({ write: (_chunk, _encoding, callback) => { done.push(callback) } })
  const audit = await log.open({ sinks: [log.file, stream] })
  const path = `/${'x'.repeat(8_000)}`
  for (let i = 0; i < 1_000; i++) {
    audit.begin(`f${i}`, { path }).close()
    await turn()
    if (stream.writableLength > MAX_UNREAD && audit.isHealthy) return t.fail(`healthy with ${stream.writableLength} bytes unread`)
  }
  t.match(audit.problem, /stream cannot be written \(nobody reads it\)/)
  t.ok(stream.writableLength < MAX_BACKLOG + 20_000, `${stream.writableLength} bytes`)
  while (done.length > 0) {
    done.shift()!()
    await turn()
  }
  log.clock.advance(500)
  await turn()
  t.ok(audit.isHealthy)
  while (done.length > 0) {
    done.shift()!()
    await turn()
  }
  const closing = audit.close()
  for (let i = 0; i < 10; i++) {
    await turn()
    while (done.length > 0) done.shift()!()
  }
  await closing
  t.match(log.records().find(({ reason }) => reason?.includes('lost'))?.reason, /^\d+ records were lost while stream could not be written$/)
  t.match(await verifyLog(log.file), { kind: 'sound', lines: 1_003 }, 'the file has them all')
})

t.test('a stream that fails or is closed is a failure, and no crash', async t => {
  for (const [what, end, problem] of [
    ['destroyed', stream => stream.destroy(), 'it was closed'],
    ['destroyed with an error', stream => stream.destroy(Object.assign(new Error(), { code: 'EPIPE' })), 'EPIPE'],
    ['ended by somebody', stream => stream.end(), 'it was closed'],
  ] as [string, (stream: PassThrough) => void, string][]) {
    const stream = new PassThrough()
    const sink = streamSink(stream, fakeClock())
    end(stream)
    await turn()
    sink.write([line(1)])
    await turn()
    t.equal(sink.problem, problem, what)
    await sink.close()
  }
})

t.test('a closed pipe is a failure, and no crash', async t => {
  const child = spawn('true', { stdio: ['pipe', 'ignore', 'ignore'] })
  await once(child, 'exit')
  const log = testLog(t.testdir())
  const audit = await log.open({ sinks: child.stdin, optional: true })
  for (let i = 0; i < 10 && audit.problem === null; i++) {
    audit.notice('x')
    await new Promise(resolve => child.stdin.once('close', resolve).writable ? setImmediate(resolve) : resolve(null))
  }
  t.match(audit.problem, /stream cannot be written/)
  await audit.close()
})

t.test('close does not wait for ever for a stream that nobody reads', async t => {
  const clock = fakeClock()
  const sink = streamSink(new Writable({ write: () => {} }), clock)
  sink.write([line(1)])
  const closed = sink.close()
  clock.advance(2_000)
  await closed
  t.equal(clock.pending, 0)
})
