/** What the doctor makes of a machine. */
import t from 'tap'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { authority, examine, key, node, platform, time } from '../../../lib/sandbox/doctor.ts'
import { systemClock } from '../../../lib/model/clock.ts'

const DAY = 24 * 3_600_000

t.test('Node: what is too old is missing, what is old is a warning', async t => {
  for (const [version, kind] of [['18.20.4', 'no'], ['20.18.9', 'no'], ['20.19.0', 'warning'], ['22.1.0', 'ok'], ['26.0.0', 'ok']] as const) t.equal(node(version).kind, kind, version)
})

t.test('a system without namespaces or without a filter has no sandbox', async t => {
  t.match(platform('darwin', 'arm64'), { kind: 'no', fix: /serve/ })
  t.match(platform('linux', 's390x'), { kind: 'no' })
  t.match(platform('linux', 'x64'), { kind: 'ok' })
})

t.test('a clock before our time is wrong', async t => {
  t.equal(time(0).kind, 'no')
  t.equal(time(systemClock.now()).kind, 'ok')
})

t.test('a CA that ends is told in time', async t => {
  const ends = (days: number): string => authority({ dir: '/ca', expires: new Date(100 * DAY + days * DAY).toISOString() }, 100 * DAY).kind
  t.strictSame([ends(-1), ends(10), ends(100)], ['no', 'warning', 'ok'])
})

t.test('a key that others may read is no key', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-doctor-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const path = join(dir, 'ca.key')
  t.match(key(path), { kind: 'no', says: /cannot be read/ })
  writeFileSync(path, '', { mode: 0o600 })
  t.equal(key(path).kind, 'ok')
  chmodSync(path, 0o640)
  t.match(key(path), { kind: 'no', says: /mode 640/ })
})

t.test('every finding that is not well says what to do, and every one is named once', async t => {
  const findings = await examine({ env: { PATH: '/nowhere' }, clock: systemClock, ca: { dir: '/nowhere', expires: new Date(systemClock.now() + 1_000 * DAY).toISOString() } })
  for (const { kind, fix, name } of findings) t.equal(fix === null, kind === 'ok', name)
  t.equal(new Set(findings.map(({ name }) => name)).size, findings.length)
  t.match(findings.find(({ name }) => name === 'ca key'), { kind: 'no' })
})
