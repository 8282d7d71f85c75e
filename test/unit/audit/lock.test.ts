import t from 'tap'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { acquireLock } from '../../../lib/audit/lock.ts'
import { testLog } from './log.ts'

const WRITER = new URL('writer.mjs', import.meta.url)

function writer(file: string, end: string): { child: ChildProcess, said: Promise<string> } {
  const child = spawn(process.execPath, [fileURLToPath(WRITER), file, end], { stdio: ['ignore', 'pipe', 'inherit'] })
  return { child, said: once(child.stdout!, 'data').then(([chunk]) => String(chunk).trim()) }
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null
  child.kill('SIGKILL')
  await gone
}

t.test('a second writer is refused as long as the first lives, also in another process', async t => {
  const log = testLog(t.testdir())
  const first = writer(log.file, 'hold')
  t.equal(await first.said, 'written')
  const second = writer(log.file, 'hold')
  t.equal(await second.said, 'E_AUDIT_LOCKED')
  await t.rejects(log.open(), { code: 'E_AUDIT_LOCKED', message: /audit\.jsonl\.lock/ })
  await kill(first.child)
  t.ok(lstatSync(`${log.file}.lock`).isSocket(), 'a killed writer leaves its lock behind')
  const audit = await log.open()
  t.ok(audit.isHealthy, 'which holds nobody up')
  await kill(second.child)
  await audit.close()
  t.strictSame(readdirSync(join(log.file, '..')), ['audit.jsonl'], 'nothing is left')
})

t.test('a log has one lock, whatever it is called', async t => {
  const folder = t.testdir({ real: {} })
  symlinkSync('real', join(folder, 'linked'))
  const log = testLog(join(folder, 'real'))
  const audit = await log.open()
  await t.rejects(testLog(join(folder, 'linked')).open(), { code: 'E_AUDIT_LOCKED' })
  symlinkSync(log.file, join(folder, 'audit.jsonl'))
  await t.rejects(testLog(folder).open(), { code: 'E_AUDIT_LOCKED' })
  await t.rejects(log.open({ sinks: [log.file] }), { code: 'E_AUDIT_LOCKED' }, 'in this process too')
  await audit.close()
})

t.test('of many who find a dead lock one gets it', async t => {
  const folder = t.testdir()
  const file = join(folder, 'audit.jsonl')
  const first = writer(file, 'hold')
  await first.said
  await kill(first.child)
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => acquireLock(file)))
  t.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const each of tries) if (each.status === 'rejected') t.match(each.reason, { code: 'E_AUDIT_LOCKED' })
  for (const each of tries) if (each.status === 'fulfilled') each.value.release()
  t.strictSame(readdirSync(folder).filter(name => name.includes('lock')), [])
})

t.test('what is no socket is no lock of ours, and is left alone', async t => {
  const folder = t.testdir({ 'audit.jsonl.lock': '1234' })
  await t.rejects(acquireLock(join(folder, 'audit.jsonl')), { code: 'E_AUDIT_LOCKED', message: /no lock of ours/ })
  t.ok(existsSync(join(folder, 'audit.jsonl.lock')))
})

t.test('a path too long for a socket works, and is not confused with its beginning', async t => {
  const deep = join(t.testdir(), 'd'.repeat(60), 'e'.repeat(60))
  mkdirSync(deep, { recursive: true })
  const lock = await acquireLock(join(deep, 'audit.jsonl'))
  await t.rejects(acquireLock(join(deep, 'audit.jsonl')), { code: 'E_AUDIT_LOCKED' })
  const other = await acquireLock(join(deep, 'audit.jsonl2'))
  lock.release()
  other.release()
  t.strictSame(readdirSync(deep), [])
  await t.rejects(acquireLock(join(deep, 'n'.repeat(120))), { code: 'E_AUDIT_UNWRITABLE' }, 'a name that long cannot be had')
})

t.test('a lock that cannot be made is an error, not a licence', async t => {
  await t.rejects(acquireLock(join(t.testdir(), 'none', 'audit.jsonl')), { code: 'E_AUDIT_UNWRITABLE' })
  await t.rejects(testLog(join(t.testdir(), 'none')).open(), { code: 'E_AUDIT_UNWRITABLE', message: /ENOENT/ })
})

t.test('release takes no lock away that is another\'s', async t => {
  const folder = t.testdir()
  const file = join(folder, 'audit.jsonl')
  const lock = await acquireLock(file)
  renameSync(`${file}.lock`, join(folder, 'aside'))
  const newer = await acquireLock(file)
  lock.release()
  await t.rejects(acquireLock(file), { code: 'E_AUDIT_LOCKED' })
  newer.release()
})
