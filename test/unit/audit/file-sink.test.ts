import t from 'tap'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { verifyLog } from '../../../lib/audit/chain.ts'
import { fileSink } from '../../../lib/audit/file-sink.ts'
import type { WriteSync } from '../../../lib/audit/file-sink.ts'
import { seeded, testLog, turn } from './log.ts'

const options = (write: WriteSync = writeSync): Parameters<typeof fileSink>[1] => ({ write, rotateBytes: null, keep: 10, onProblem: () => {} })

t.test('a file is made for its owner alone', async t => {
  const file = join(t.testdir(), 'audit.jsonl')
  const umask = process.umask(0)
  const sink = fileSink(file, options())
  process.umask(umask)
  t.equal(statSync(file).mode & 0o777, 0o600)
  await sink.close()
})

t.test('whatever a disk does, the file holds whole lines in order and at most half a line at the end', async t => {
  const seed = Number(process.env.SEED ?? 7)
  t.comment(`SEED=${seed}`)
  const random = seeded(seed)
  const file = join(t.testdir(), 'audit.jsonl')
  const sink = fileSink(file, options((fd, bytes, offset, length) => {
    if (random(5) === 0) throw Object.assign(new Error(), { code: ['ENOSPC', 'EIO', 'EDQUOT', 'EFBIG'][random(4)] })
    return random(6) === 0 ? 0 : writeSync(fd, bytes, offset, random(length + 1))
  }))
  let expected = ''
  for (let i = 0; i < 2_000; i++) {
    const lines = Array.from({ length: random(4) + 1 }, (_, n) => `${i}.${n} ${'x'.repeat(random(50))}\n`)
    expected += lines.join('')
    sink.write(lines)
    if (random(3) === 0) sink.retry()
    const text = i % 50 === 0 ? readFileSync(file, 'latin1') : ''
    if (!expected.startsWith(text)) return t.fail(`after ${i}`)
    if ((sink.problem === null) !== (sink.backlog === 0)) return t.fail(`${sink.problem} with ${sink.backlog} bytes`)
  }
  while (sink.problem !== null) sink.retry()
  t.equal(readFileSync(file, 'latin1'), expected)
  await sink.close()
})

t.test('a disk that takes nothing is asked once per turn of the timer, and never waited for', async t => {
  let asked = 0
  const sink = fileSink(join(t.testdir(), 'audit.jsonl'), options(() => { asked++; return 0 }))
  for (let i = 0; i < 10; i++) sink.write(['x\n'])
  t.equal(asked, 1)
  t.equal(sink.problem, 'nothing was written')
  sink.retry()
  t.equal(asked, 2)
  t.equal(sink.backlog, 20)
  await sink.close()
})

t.test('a log that was moved or deleted counts as not written until it is back', async t => {
  const log = testLog(t.testdir())
  const audit = await log.open()
  renameSync(log.file, `${log.file}.away`)
  log.clock.advance(500)
  t.notOk(audit.isHealthy)
  t.match(log.said, [/moved or deleted/])
  audit.notice('meanwhile')
  await turn()
  renameSync(`${log.file}.away`, log.file)
  log.clock.advance(500)
  t.ok(audit.isHealthy)
  await audit.close()
  t.match(await verifyLog(log.file), { kind: 'sound', lines: 3 })
})

t.test('what is no ordinary file is refused at once', async t => {
  const folder = t.testdir({ folder: {} })
  t.equal(spawnSync('mkfifo', [join(folder, 'pipe')]).status, 0)
  for (const [what, file, problem] of [
    ['a pipe that nobody reads', join(folder, 'pipe'), /ENXIO/],
    ['a device', '/dev/null', /no ordinary file/],
    ['a folder', join(folder, 'folder'), /EISDIR/],
  ] as const) t.throws(() => fileSink(file, options()), { code: 'E_AUDIT_UNWRITABLE', message: problem }, what)
})

t.test('rotation keeps so many files, and the chain goes on through all of them', async t => {
  const log = testLog(t.testdir())
  const audit = await log.open({ rotateBytes: 5_000, keep: 3 })
  for (let i = 0; i < 40; i++) {
    audit.begin(`f${i}`, { path: `/${'x'.repeat(500)}` }).close()
    await turn()
  }
  await audit.close()
  t.strictSame(readdirSync(join(log.file, '..')).sort(), ['audit.jsonl', 'audit.jsonl.1', 'audit.jsonl.2', 'audit.jsonl.3'])
  for (const n of [1, 2, 3]) {
    const { size, mode } = statSync(`${log.file}.${n}`)
    t.ok(size >= 5_000 && size < 7_000, `${size} bytes`)
    t.equal(mode & 0o777, 0o600)
  }
  t.match(await verifyLog(log.file), { kind: 'sound', first: { prev: /[1-9a-f]/, file: `${log.file}.3` } }, 'from the oldest that is left')
  const again = await log.open({ rotateBytes: 5_000, keep: 1 })
  for (let i = 0; i < 10; i++) {
    again.begin(`g${i}`, { path: `/${'x'.repeat(500)}` }).close()
    await turn()
  }
  await again.close()
  t.strictSame(readdirSync(join(log.file, '..')).sort(), ['audit.jsonl', 'audit.jsonl.1'], 'fewer are kept when fewer are asked for')
  t.match(await verifyLog(log.file), { kind: 'sound' })
})

t.test('a number that is missing is filled, and no file lost for it', async t => {
  const folder = t.testdir({ 'a': 'now', 'a.1': 'one', 'a.3': 'three' })
  const file = join(folder, 'a')
  const sink = fileSink(file, { ...options(), rotateBytes: 1, keep: 3 })
  sink.write(['x\n'])
  await sink.close()
  t.strictSame(['a', 'a.1', 'a.2', 'a.3'].map(name => readFileSync(join(folder, name), 'latin1')), ['', 'nowx\n', 'one', 'three'])
})

t.test('a rotation that finds a folder in its way is told, and the log grows on', async t => {
  const log = testLog(t.testdir({ 'audit.jsonl.new': {} }))
  const audit = await log.open({ rotateBytes: 2_000 })
  for (let i = 0; i < 10; i++) {
    audit.begin(`f${i}`, {}).close()
    await turn()
  }
  t.ok(audit.isHealthy)
  t.match(log.said[0], /could not be rotated/)
  t.ok(log.said.length < 5, 'not at every line')
  await audit.close()
  t.match(await verifyLog(log.file), { kind: 'sound', lines: 12 })
})
