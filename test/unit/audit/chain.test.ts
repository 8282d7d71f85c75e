import t from 'tap'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createChain, GENESIS, parseLink, verifyLog } from '../../../lib/audit/chain.ts'
import { seeded, testLog } from './log.ts'

const body = (n: number): string => `{"event":"notice","n":${n}`

/** A sound log of so many lines. */
function lines(count: number, last = GENESIS): string[] {
  const chain = createChain(last)
  return Array.from({ length: count }, (_, n) => chain.seal(body(n)))
}

t.test('a line carries the hash of the one before it and its own', async t => {
  const chain = createChain(GENESIS)
  const first = JSON.parse(chain.seal(body(1)))
  t.equal(first.prev, GENESIS)
  t.equal(first.hash, chain.last)
  const second = JSON.parse(chain.seal(body(2)))
  t.equal(second.prev, first.hash)
  t.not(second.hash, first.hash)
})

t.test('a log as it was written is sound', async t => {
  const file = join(t.testdir(), 'audit.jsonl')
  writeFileSync(file, '')
  t.strictSame(await verifyLog(file), { kind: 'sound', lines: 0, first: null, last: null }, 'an empty one too')
  const log = lines(2_500)
  writeFileSync(file, log.join(''))
  const last = JSON.parse(log.at(-1)!)
  t.match(await verifyLog(file), { kind: 'sound', lines: 2_500, first: { file, line: 1, prev: GENESIS }, last: { file, line: 2_500, hash: last.hash } })
})

t.test('a flipped byte is found in its line, wherever it is', async t => {
  const file = join(t.testdir(), 'audit.jsonl')
  const log = Buffer.from(lines(4).join(''))
  const wrong: number[] = []
  for (let at = 0; at < log.length; at++) {
    const changed = Buffer.from(log)
    changed[at]! ^= 1
    writeFileSync(file, changed)
    const line = log.subarray(0, at).filter(byte => byte === 10).length + 1
    const verdict = await verifyLog(file)
    if (verdict.kind !== 'broken' || verdict.line !== line || verdict.file !== file) wrong.push(at)
  }
  t.strictSame(wrong, [])
})

t.test('a log cut off anywhere is broken in its last line, or is one that ended there', async t => {
  const file = join(t.testdir(), 'audit.jsonl')
  const log = lines(3).join('')
  for (let length = 0; length < log.length; length++) {
    const cut = log.slice(0, length)
    writeFileSync(file, cut)
    const whole = cut.split('\n').length - 1
    const expected = cut === '' || cut.endsWith('\n') ? { kind: 'sound', lines: whole } : { kind: 'broken', line: whole + 1, problem: /no end/ }
    const verdict = await verifyLog(file)
    if (!t.match(verdict, expected, `${length} bytes`)) break
  }
})

t.test('whatever is done to whole lines is found where it begins', async t => {
  const file = join(t.testdir(), 'audit.jsonl')
  const [a, b, c, d] = lines(4) as [string, string, string, string]
  const [other] = lines(1, 'f'.repeat(64)) as [string]
  // [what was done, the log, first bad line, what is said]
  const rows: [string, string[], number, RegExp][] = [
    ['one was taken out', [a, c, d], 2, /does not follow/],
    ['two changed places', [a, c, b, d], 2, /does not follow/],
    ['one was repeated', [a, b, b, c], 3, /does not follow/],
    ['one of another log was put in', [a, other, b], 2, /does not follow/],
    ['an empty one was put in', [a, '\n', b], 2, /prev and hash/],
    ['one that is no record was put in', ['hello\n', a], 1, /prev and hash/],
    ['the end of one was written in capitals', [a.replace(/"hash":"([0-9a-f]+)"/, (_, hash: string) => `"hash":"${hash.toUpperCase()}"`)], 1, /prev and hash/],
    ['its end is a Windows one', [a.replace('\n', '\r\n'), b], 1, /prev and hash/],
    ['one is longer than any record', [a, `${'x'.repeat(300_000)}\n`, b], 2, /longer/],
    ['and has no end', [a, 'x'.repeat(600_000)], 2, /longer/],
  ]
  for (const [what, log, line, problem] of rows) {
    writeFileSync(file, log.join(''))
    t.match(await verifyLog(file), { kind: 'broken', file, line, problem }, what)
  }
})

t.test('rotated files are read oldest first, and a missing one is a break', async t => {
  const [a, b, c, d] = lines(4) as [string, string, string, string]
  const folder = t.testdir({ 'a.jsonl': d, 'a.jsonl.1': c, 'a.jsonl.2': b, 'a.jsonl.10': a, 'a.jsonl.torn-x': 'x', 'a.jsonl.01': 'x', 'a.jsonl.0': 'x', 'a.jsonl.lock': '' })
  const file = join(folder, 'a.jsonl')
  t.match(await verifyLog(file), { kind: 'sound', lines: 4, first: { file: `${file}.10` }, last: { file } })
  t.match(await verifyLog([`${file}.2`, `${file}.1`]), { kind: 'sound', lines: 2, first: { prev: /[1-9a-f]/ } }, 'a list is read as it is')
  t.match(await verifyLog([`${file}.1`, `${file}.2`]), { kind: 'broken', file: `${file}.2`, line: 1 })
  writeFileSync(`${file}.1`, '')
  t.match(await verifyLog(file), { kind: 'broken', file, line: 1 })
})

t.test('a log that is not there is an error and not a verdict', async t => {
  await t.rejects(verifyLog(join(t.testdir(), 'none')), { code: 'E_AUDIT_UNREADABLE', message: /ENOENT/ })
  await t.rejects(verifyLog('/dev/null/none'), { code: 'E_AUDIT_UNREADABLE' })
  await t.rejects(verifyLog([t.testdir()]), { code: 'E_AUDIT_UNREADABLE', message: /EISDIR/ })
})

t.test('bytes at random never pass, and never throw', async t => {
  const seed = Number(process.env.SEED ?? 1)
  t.comment(`SEED=${seed}`)
  const random = seeded(seed)
  const sound = Buffer.from(lines(1)[0]!.trimEnd())
  const passed: string[] = []
  for (let i = 0; i < 5_000; i++) {
    const bytes = Buffer.from(sound)
    for (let n = random(3) + 1; n > 0; n--) bytes[random(bytes.length)] = random(256)
    const mutated = bytes.subarray(random(4) === 0 ? random(bytes.length) : 0)
    if (mutated.equals(sound)) continue
    const said = parseLink({ bytes: mutated, kind: 'whole' })
    if (typeof said !== 'string') passed.push(mutated.toString('hex'))
  }
  t.strictSame(passed, [])
})

const hasPython = spawnSync('python3', ['--version']).status === 0
t.test('the Python of docs/audit.md says the same', { skip: hasPython || process.env.CI !== undefined ? false : 'python3 is not installed' }, async t => {
  const [, python = ''] = /```python\n([^]*?)```/.exec(readFileSync(new URL('../../../docs/audit.md', import.meta.url), 'utf8')) ?? []
  const log = testLog(t.testdir())
  const audit = await log.open()
  for (let i = 0; i < 20; i++) audit.begin(`f${i}`, { path: '/ä?b=c' }).close()
  await audit.close()
  const run = (): { status: number | null, stderr: string } => spawnSync('python3', ['-c', python, log.file], { encoding: 'utf8' })
  t.match(run(), { status: 0, stderr: '' })
  writeFileSync(log.file, log.text().replace('"flow":"f7"', '"flow":"f6"'))
  t.match(run(), { status: 1, stderr: 'line 9 is bad\n' })
  writeFileSync(log.file, log.text().split('\n').filter((_, i) => i !== 3).join('\n'))
  t.match(run(), { status: 1, stderr: 'line 4 is bad\n' })
})
