/** The trust store for Java. */
import t from 'tap'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { javaStore } from '../../../lib/tls/java-store.ts'

const roots = rootCertificates.slice(0, 5)

t.test('it has every root once, and the hash that Java checks', async t => {
  const bytes = javaStore([...roots, roots[0]].join('\n'), 1_700_000_000_000)
  t.equal(bytes.readUInt32BE(0), 0xfeedfeed)
  t.equal(bytes.readUInt32BE(8), 5)
  const body = bytes.subarray(0, -20)
  const password = Buffer.from([...'changeit'].flatMap(letter => [0, letter.charCodeAt(0)]))
  t.strictSame(bytes.subarray(-20), createHash('sha1').update(Buffer.concat([password, Buffer.from('Mighty Aphrodite'), body])).digest())
})

const hasKeytool = spawnSync('keytool', ['-help'], { stdio: 'ignore' }).status === 0
t.test('keytool reads it', { skip: hasKeytool ? false : 'keytool is not installed' }, async t => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-jks-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  writeFileSync(join(dir, 'trust.jks'), javaStore(roots.join('\n'), 1_700_000_000_000))
  const { stdout } = spawnSync('keytool', ['-list', '-keystore', join(dir, 'trust.jks'), '-storepass', 'changeit'], { encoding: 'utf8' })
  t.equal(stdout.match(/trustedCertEntry/g)?.length, 5, stdout)
})
