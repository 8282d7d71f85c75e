import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { verifyLog } from '../../../lib/audit/chain.ts'
import { testLog, turn } from './log.ts'

const WRITER = new URL('writer.mjs', import.meta.url)

t.test('the chain goes on across restarts, and an orderly end interrupts nothing', async t => {
  const log = testLog(t.testdir())
  for (let run = 0; run < 3; run++) {
    const audit = await log.open()
    audit.begin(`f${run}`, {}).close()
    await audit.close()
  }
  t.match(await verifyLog(log.file), { kind: 'sound', lines: 9 })
  t.strictSame(log.records().filter(({ event }) => event === 'interrupted'), [])
})

t.test('a log cut off anywhere is made whole: nothing before is lost, open flows are interrupted', async t => {
  const original = testLog(t.testdir())
  const audit = await original.open()
  const flow = audit.begin('open', { host: 'a.test', path: '/?a=b' })
  flow.open()
  audit.begin('closed', {}).close()
  await turn()
  const text = original.text()
  await audit.close()
  const [start, opened] = text.split('\n').map(line => line.length + 1) as [number, number]
  const ends = [...text.matchAll(/\n/g)].flatMap(({ index }) => [index - 1, index, index + 1, index + 2])
  for (let length = 0; length <= text.length; length++) {
    if (length > 20 && length % 31 !== 0 && !ends.includes(length)) continue
    const log = testLog(t.testdir({ 'audit.jsonl': text.slice(0, length) }))
    const next = await log.open()
    await next.close()
    const whole = text.slice(0, text.slice(0, length).lastIndexOf('\n') + 1)
    const verdict = await verifyLog(log.file)
    const torn = readdirSync(join(log.file, '..')).filter(name => name.includes('.torn-'))
    const half = torn.map(name => readFileSync(join(log.file, '..', name), 'latin1')).join('')
    const interrupted = log.records().filter(({ event }) => event === 'interrupted').map(({ flow }) => flow)
    const sound = verdict.kind === 'sound' && log.text().startsWith(whole) && half === text.slice(whole.length, length)
      && torn.length === (half === '' ? 0 : 1)
      && interrupted.join() === (length >= start + opened ? 'open' : '')
    if (!sound) t.fail(`${length} bytes: ${JSON.stringify({ verdict, torn, interrupted })}`)
  }
  t.pass('all of them')
})

t.test('what is set aside is told, with the file it is in', async t => {
  const log = testLog(t.testdir({ 'audit.jsonl': '{"event":"clo' }))
  const audit = await log.open()
  await audit.close()
  const [notice] = log.records()
  t.match(notice, { event: 'notice', reason: /died in its last line/, details: { file: `${log.file}.torn-2030-01-01T000000.000Z` } })
  t.equal(readFileSync(String(notice?.details?.file), 'latin1'), '{"event":"clo')
})

t.test('a half line never takes the place of another, though the clock says the same time again', async t => {
  const log = testLog(t.testdir())
  for (const half of ['{"event":"a', '{"event":"b', '{"event":"c']) {
    writeFileSync(log.file, half, { flag: 'a' })
    await (await log.open()).close()
  }
  const kept = readdirSync(join(log.file, '..')).filter(name => name.includes('.torn-')).sort()
  t.strictSame(kept.map(name => readFileSync(join(log.file, '..', name), 'latin1').at(-1)), ['a', 'b', 'c'], kept.join())
  t.match(await verifyLog(log.file), { kind: 'sound', lines: 9 })
})

t.test('zeros, as a power cut leaves them, are half a line too', async t => {
  const log = testLog(t.testdir())
  await (await log.open()).close()
  writeFileSync(log.file, Buffer.concat([readFileSync(log.file), Buffer.alloc(4_096)]))
  await (await log.open()).close()
  t.match(await verifyLog(log.file), { kind: 'sound', lines: 5 })
})

t.test('nothing is appended to what is no log of ours, and it is left as it is', async t => {
  const log = testLog(t.testdir())
  await (await log.open()).close()
  const sound = log.text()
  // [what it is, its text, the line that is named]
  const rows: [string, string, string][] = [
    ['a policy', '{\n  "version": 1\n}\n', '3'],
    ['a policy in one line without an end', '{"version":1,"rules":[]}', '1'],
    ['a text', 'hello', '1'],
    ['an empty line', '\n', '1'],
    ['a log whose last line was changed', sound.replace('the log was closed', 'the log was closet'), '2'],
    ['a log with a text behind it', `${sound}hello`, '3'],
    ['zeros with a line end', '\0\0\n', '1'],
    ['zeros without end', `${sound}${'\0'.repeat(600_000)}`, '3'],
    ['no line end for longer than a line can be', `{"event":"${'x'.repeat(600_000)}`, '1'],
  ]
  for (const [what, text, line] of rows) {
    const other = testLog(t.testdir({ 'audit.jsonl': text }))
    await t.rejects(other.open(), { code: 'E_AUDIT_BROKEN', details: { file: other.file, line } }, what)
    t.equal(other.text(), text, `${what}: as it was`)
    t.strictSame(readdirSync(join(other.file, '..')), ['audit.jsonl'], `${what}: nothing beside it`)
  }
})

t.test('a restart after a rotation that was cut off goes on from the newest line there is', async t => {
  const log = testLog(t.testdir())
  await (await log.open()).close()
  const text = log.text()
  for (const [what, folder] of [
    ['the log has its next name and nothing has the old one', { 'audit.jsonl.1': text, 'audit.jsonl.new': '' }],
    ['the new one is empty', { 'audit.jsonl.1': text, 'audit.jsonl': '' }],
    ['and a number is missing', { 'audit.jsonl.2': text, 'audit.jsonl': '' }],
  ] as const) {
    const other = testLog(t.testdir(folder))
    await (await other.open()).close()
    t.match(await verifyLog(other.file), { kind: 'sound', lines: 4 }, what)
  }
})

t.test('a writer killed in mid-flow loses no turn; the next start says what was interrupted', async t => {
  for (let run = 0; run < 2; run++) {
    const log = testLog(t.testdir())
    const child = spawn(process.execPath, [fileURLToPath(WRITER), log.file, 'flood'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    for (let size = 0; size < 500_000;) size = await turn().then(() => statSync(log.file).size)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const before = log.text()
    const audit = await log.open()
    await audit.close()
    t.match(await verifyLog(log.file), { kind: 'sound' })
    t.ok(log.text().startsWith(before.slice(0, before.lastIndexOf('\n') + 1)), 'nothing earlier is lost')
    const ends = log.records().filter(({ flow, event }) => flow === 'open-flow' && event !== 'open')
    t.match(ends, [{ event: 'interrupted', host: 'a.test', path: '/?a=…', action: 'hold', error: 'interrupted' }])
    t.equal(ends.length, 1)
    await (await log.open()).close()
    t.equal(log.records().filter(({ event }) => event === 'interrupted').length, 1, 'once')
  }
})

t.test('a crash within the recovery itself interrupts no flow twice, and forgets none', async t => {
  const log = testLog(t.testdir())
  const audit = await log.open()
  for (const flow of ['a', 'b', 'c']) audit.begin(flow, {}).open()
  await turn()
  const died = log.text()
  await audit.close()
  const second = testLog(t.testdir({ 'audit.jsonl': died }))
  await (await second.open()).close()
  const firstInterrupted = second.text().split('\n').slice(0, 5).join('\n')
  const third = testLog(t.testdir({ 'audit.jsonl': `${firstInterrupted}\n` }))
  await (await third.open()).close()
  t.strictSame(third.records().filter(({ event }) => event === 'interrupted').map(({ flow }) => flow).sort(), ['a', 'b', 'c'])
})
