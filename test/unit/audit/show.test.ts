import t from 'tap'
import { join } from 'node:path'
import { parseRecord } from '../../../lib/audit/parse.ts'
import { formatRecord, readLog } from '../../../lib/audit/show.ts'
import type { LogFilters } from '../../../lib/audit/show.ts'
import type { AuditRecord } from '../../../lib/model/audit.ts'
import { seeded, testLog, turn } from './log.ts'
import type { TestLog } from './log.ts'

async function sample(log: TestLog): Promise<void> {
  const audit = await log.open()
  audit.begin('f1', { client: 'agent', scheme: 'https', host: 'api.example.test', port: 443, method: 'GET', path: '/v1?a=b' }).close({ action: 'allow', rule: 'api', status: 200 })
  log.clock.advance(1_000)
  audit.begin('f2', { client: 'agent', scheme: 'https', host: 'example.test', port: 8443, method: 'POST', path: '/x' })
    .close({ action: 'deny', rule: null, status: 403, code: 'approval_denied', reason: 'alice denied it', error: 'approval_denied', held: { question: 'q1', ms: 900, by: 'alice', door: 'terminal', grant: null, waiters: 1 } })
  audit.begin('f3', { host: 'notexample.test' }).close({ error: 'client_left' })
  audit.notice('the policy was reloaded', { generation: 2 })
  await turn()
  await audit.close()
}

async function all(file: string | string[], filters?: LogFilters): Promise<AuditRecord[]> {
  const records: AuditRecord[] = []
  for await (const record of readLog(file, filters)) records.push(record)
  return records
}

t.test('filters choose by host and what is below it, by action and by time', async t => {
  const log = testLog(t.testdir())
  await sample(log)
  // [why it is here, filters, the flows]
  const rows: [string, LogFilters, (string | null)[]][] = [
    ['everything', {}, [null, 'f1', 'f2', 'f3', null, null]],
    ['a host and those below it, not those that end alike', { host: 'example.test' }, ['f1', 'f2']],
    ['one host', { host: 'api.example.test' }, ['f1']],
    ['an action', { action: 'deny' }, ['f2']],
    ['both', { host: 'example.test', action: 'allow' }, ['f1']],
    ['from a moment on', { since: Date.parse('2030-01-01T00:00:01.000Z') }, ['f2', 'f3', null, null]],
    ['an action that there is not', { action: '__proto__' }, []],
  ]
  for (const [why, filters, flows] of rows) t.strictSame((await all(log.file, filters)).map(({ flow }) => flow), flows, why)
})

t.test('a line that is no record is shown as one that says so, and half a line at the end is not there yet', async t => {
  const log = testLog(t.testdir())
  await sample(log)
  const file = join(t.testdir({ 'a.jsonl.1': 'hello\n', 'a.jsonl': `${log.text()}{"event":"clo` }), 'a.jsonl')
  const records = await all(file, { host: 'api.example.test' })
  t.match(records, [{ event: 'notice', details: { file: `${file}.1`, line: 1 } }, { flow: 'f1' }])
  t.equal(records.length, 2)
  await t.rejects(all(`${file}x`), { code: 'E_AUDIT_UNREADABLE' })
})

t.test('a record is one readable line', async t => {
  const log = testLog(t.testdir())
  await sample(log)
  t.strictSame((await all(log.file)).map(record => formatRecord(record, { color: false })), [
    '2030-01-01T00:00:00.000Z  notice  the log was opened  interrupted 0',
    '2030-01-01T00:00:00.000Z  allow   GET https://api.example.test:443/v1?a=…  200  0 ms  rule api  client agent  flow f1',
    '2030-01-01T00:00:01.000Z  deny    POST https://example.test:8443/x  403  approval_denied  0 ms  held 900 ms by alice  client agent  flow f2  alice denied it',
    '2030-01-01T00:00:01.000Z  ended   ?://notexample.test  client_left  0 ms  flow f3',
    '2030-01-01T00:00:01.000Z  notice  the policy was reloaded  generation 2',
    '2030-01-01T00:00:01.000Z  notice  the log was closed  mark stop',
  ])
})

t.test('with color it says the same', async t => {
  const log = testLog(t.testdir())
  await sample(log)
  for (const record of await all(log.file)) {
    const colored = formatRecord(record, { color: true })
    t.match(colored, '\x1b[')
    t.equal(colored.replace(/\x1b\[\d+m/g, ''), formatRecord(record, { color: false }))
  }
})

t.test('whatever stands in a log, a line shown is one line and safe', async t => {
  const seed = Number(process.env.SEED ?? 3)
  t.comment(`SEED=${seed}`)
  const random = seeded(seed)
  const log = testLog(t.testdir())
  await sample(log)
  const lines = log.text().trimEnd().split('\n')
  const evil = ['\x1b]0;x\x07', '\n', '\u202e', '\x9b31m', '\u2028', '\0', '\r', '\u200b'].map(text => JSON.stringify(text).slice(1, -1))
  let shown = 0
  for (let i = 0; i < 5_000; i++) {
    let line = lines[random(lines.length)]!
    // Into a text, so that most of them stay JSON; anywhere, for the rest.
    const at = random(5) === 0 ? random(line.length) : line.indexOf(':"', random(line.length)) + 2
    line = line.slice(0, at) + evil[random(evil.length)] + line.slice(at)
    const record = parseRecord(line)
    if (record === null) continue
    shown++
    const text = formatRecord(record, { color: false })
    if (/[\p{C}\u2028\u2029]/u.test(text)) t.fail(JSON.stringify(text))
  }
  t.ok(shown > 1_000, `${shown} were shown`)
})

t.test('what has not the types of a record is none', async t => {
  const log = testLog(t.testdir())
  await sample(log)
  const good = JSON.parse(log.text().split('\n')[2]!)
  t.ok(parseRecord(JSON.stringify(good)))
  for (const name of Object.keys(good).filter(name => name !== 'prev' && name !== 'hash')) {
    for (const wrong of [undefined, [], { toString: {} }, name === 'wouldHold' ? 1 : true]) {
      t.equal(parseRecord(JSON.stringify({ ...good, [name]: wrong })), null, `${name}: ${JSON.stringify(wrong)}`)
    }
  }
  for (const text of ['', 'null', '[]', '1', '"x"', '{}', '{"event":"closed"}', '{"__proto__":{"event":"closed"}}']) t.equal(parseRecord(text), null, text)
  t.equal(parseRecord(JSON.stringify({ ...good, held: { ...good.held, by: {} } })), null)
  t.equal(parseRecord(JSON.stringify({ ...good, policy: { ...good.policy, generation: '1' } })), null)
})
