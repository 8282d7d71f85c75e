import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemRootsPem, writeBundle } from '../../../lib/tls/bundle.ts'
import { makeCa } from '../../../lib/tls/ca.ts'
import { createMint } from '../../../lib/tls/leaf.ts'
import { certificatesIn } from '../../../lib/tls/pem.ts'
import { canonical, freshDir, freshStore, openssl } from './fresh.ts'

const [roots, others] = [makeCa(Date.now()), makeCa(Date.now())].map(ca => ca.certificate) as [string, string]

t.test('the bundle is the system\'s roots and our CA', async t => {
  const umask = process.umask(0o77)
  t.teardown(() => process.umask(umask))
  const store = await freshStore(t)
  const SSL_CERT_FILE = join(store.dir, 'roots.pem')
  writeFileSync(SSL_CERT_FILE, roots.trimEnd())
  const path = writeBundle(store.dir, store, { SSL_CERT_FILE })
  t.equal(path, join(store.dir, 'ca-bundle.crt'))
  t.equal(readFileSync(path, 'utf8'), roots + store.certificatePem)
  t.equal((statSync(path).mode & 0o777).toString(8), '644', 'whatever the umask: it is for others to read')
  t.same(readdirSync(store.dir).sort(), ['ca-bundle.crt', 'ca.crt', 'ca.key', 'roots.pem'])
})

t.test('openssl verifies our leaves with it', async t => {
  const store = await freshStore(t)
  const leaf = join(store.dir, 'leaf.pem')
  writeFileSync(leaf, createMint(store)(canonical('a.example'), 'name', Date.now()).certificatePem)
  const path = writeBundle(store.dir, store, {})
  t.match(openssl('verify', '-x509_strict', '-no-CApath', '-CAfile', path, leaf), /: OK/)
  t.ok(certificatesIn(readFileSync(path, 'utf8')).length > 50)
})

t.test('it is written again when the roots or the CA have changed, and not otherwise', async t => {
  const [store, other] = [await freshStore(t), await freshStore(t)]
  const SSL_CERT_FILE = join(store.dir, 'roots.pem')
  const write = (text: string, from = store): [number, string] => {
    writeFileSync(SSL_CERT_FILE, text)
    const path = writeBundle(store.dir, from, { SSL_CERT_FILE })
    return [statSync(path).ino, readFileSync(path, 'utf8')]
  }
  const first = write(roots)
  t.same(write(roots), first)
  t.equal(write(others)[1], others + store.certificatePem)
  t.equal(write(others, other)[1], others + other.certificatePem)
})

t.test('it does not grow when the environment names it already', async t => {
  const store = await freshStore(t)
  const path = writeBundle(store.dir, store, {})
  const before = readFileSync(path, 'utf8')
  t.equal(writeBundle(store.dir, store, { SSL_CERT_FILE: path }), path)
  t.equal(readFileSync(path, 'utf8'), before)
  t.equal(systemRootsPem({ SSL_CERT_FILE: path }, store.certificatePem), systemRootsPem({}, store.certificatePem))
})

t.test('a link in its place is replaced, and what it points to stays', async t => {
  const store = await freshStore(t)
  symlinkSync('ca.crt', join(store.dir, 'ca-bundle.crt'))
  writeBundle(store.dir, store, {})
  t.equal(readFileSync(store.certificatePath, 'utf8'), store.certificatePem)
})

t.test('where it cannot be written, that is said', async t => {
  const store = await freshStore(t)
  t.throws(() => writeBundle(join(freshDir(t), 'nowhere'), store, {}), { code: 'E_CA_WRITE', message: /ENOENT/ })
  mkdirSync(join(store.dir, 'ca-bundle.crt'))
  t.throws(() => writeBundle(store.dir, store, {}), { code: 'E_CA_WRITE' })
  t.throws(() => writeBundle(store.dir, store, { SSL_CERT_FILE: '/nowhere' }), { code: 'E_ROOTS_UNREADABLE' })
})
