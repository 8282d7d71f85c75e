import { execFileSync, spawn } from 'node:child_process'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { chmodSync, chownSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { serialize } from 'node:v8'
import t from 'tap'
import { systemClock } from '../../../lib/model/clock.ts'
import { OperatorError } from '../../../lib/model/errors.ts'
import { makeCa, pairNameOf } from '../../../lib/tls/ca.ts'
import { authorityOf, openStore } from '../../../lib/tls/store.ts'
import type { Store } from '../../../lib/tls/store.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { freshDir, freshStore } from './fresh.ts'

const OPTIONS = { clock: systemClock }
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

t.test('where there is no CA one is made, for its owner alone', async t => {
  const umask = process.umask(0)
  t.teardown(() => process.umask(umask))
  const dir = join(freshDir(t), 'new', 'ca')
  const store = await openStore(dir, OPTIONS)
  t.equal(store.dir, dir)
  t.equal(store.certificatePath, join(dir, 'ca.crt'))
  t.equal(readFileSync(store.certificatePath, 'utf8'), store.certificatePem)
  const der = Buffer.from(store.certificatePem.replace(/-----.*-----|\s/g, ''), 'base64')
  t.equal(store.fingerprint, createHash('sha256').update(der).digest('hex').toUpperCase().match(/../g)?.join(':'))
  t.equal(store.notAfter.getUTCFullYear(), new Date().getUTCFullYear() + 10)
  t.equal(modeOf(dir), '700')
  t.equal(modeOf(join(dir, 'ca.key')), '600')
  t.equal(modeOf(join(dir, 'ca.crt')), '644')
  t.same(readdirSync(dir).sort(), ['ca.crt', 'ca.key'], 'nothing else is left')
})

t.test('modes do not depend on the umask', async t => {
  const umask = process.umask(0o777)
  t.teardown(() => process.umask(umask))
  const dir = t.testdir({ ca: {} })
  await openStore(join(dir, 'ca'), OPTIONS)
  t.equal(modeOf(join(dir, 'ca', 'ca.key')), '600')
  t.equal(modeOf(join(dir, 'ca', 'ca.crt')), '644')
})

t.test('a folder that is there keeps its mode and its files', async t => {
  const dir = t.testdir({ 'README.md': 'hello' })
  chmodSync(dir, 0o755)
  await openStore(dir, OPTIONS)
  t.equal(modeOf(dir), '755')
  t.equal(readFileSync(join(dir, 'README.md'), 'utf8'), 'hello')
})

t.test('a relative folder gives absolute paths, as clients run elsewhere', async t => {
  const store = await openStore(relative(process.cwd(), join(freshDir(t), 'ca')), OPTIONS)
  t.ok(isAbsolute(store.certificatePath))
})

t.test('a CA that is there is taken, and not a byte of it changes', async t => {
  const first = await freshStore(t)
  const before = readdirSync(first.dir).map(name => [name, readFileSync(join(first.dir, name), 'utf8'), statSync(join(first.dir, name)).mtimeMs])
  const second = await openStore(first.dir, OPTIONS)
  t.equal(second.fingerprint, first.fingerprint)
  t.same(readdirSync(first.dir).map(name => [name, readFileSync(join(first.dir, name), 'utf8'), statSync(join(first.dir, name)).mtimeMs]), before)
})

t.test('a CA that cannot be used is refused, and never replaced', async t => {
  const other = makeCa(Date.now())
  // [what it shows, what happens to the folder, what is said]
  const cases: [string, (dir: string) => void, RegExp][] = [
    ['half a CA is no reason to make a new one', dir => rmSync(join(dir, 'ca.key')), /ca\.key is missing/],
    ['nor is the other half', dir => rmSync(join(dir, 'ca.crt')), /ca\.crt is missing/],
    ['a key that its group may read', dir => chmodSync(join(dir, 'ca.key'), 0o640), /ca\.key: others may use it, mode 640/],
    ['a key that others may read', dir => chmodSync(join(dir, 'ca.key'), 0o604), /ca\.key: others may use it, mode 604/],
    ['a key that its group may write', dir => chmodSync(join(dir, 'ca.key'), 0o620), /ca\.key: others may use it, mode 620/],
    ['a key behind a symbolic link', dir => { renameSync(join(dir, 'ca.key'), join(dir, 'k')); symlinkSync('k', join(dir, 'ca.key')) }, /ca\.key: it is a symbolic link/],
    ['a symbolic link to nowhere is not "no key"', dir => { rmSync(join(dir, 'ca.key')); symlinkSync('nowhere', join(dir, 'ca.key')) }, /ca\.key: it is a symbolic link/],
    ['both links to nowhere: still not "no CA"', dir => { for (const name of ['ca.key', 'ca.crt']) { rmSync(join(dir, name)); symlinkSync('nowhere', join(dir, name)) } }, /it is a symbolic link/],
    ['a folder in the place of the key', dir => { rmSync(join(dir, 'ca.key')); mkdirSync(join(dir, 'ca.key')) }, /ca\.key: it is not a file/],
    ['a pipe, which would never answer', dir => { rmSync(join(dir, 'ca.key')); execFileSync('mkfifo', ['-m', '600', join(dir, 'ca.key')]) }, /ca\.key: it is not a file/],
    ['a file without end', dir => { execFileSync('truncate', ['-s', '1G', join(dir, 'ca.crt')]) }, /ca\.crt: it is larger/],
    ['an empty key', dir => writeFileSync(join(dir, 'ca.key'), ''), /not an unencrypted private key/],
    ['an empty certificate', dir => writeFileSync(join(dir, 'ca.crt'), ''), /not exactly one certificate/],
    ['the key of another CA', dir => writeFileSync(join(dir, 'ca.key'), other.key), /not the key of ca\.crt/],
    ['the certificate of another CA', dir => writeFileSync(join(dir, 'ca.crt'), other.certificate), /not the key of ca\.crt/],
    ['a key without certificate that is no key either', dir => { rmSync(join(dir, 'ca.crt')); writeFileSync(join(dir, 'ca.key'), 'hello') }, /not an unencrypted private key/],
    ['a certificate staged for another key', dir => { rmSync(join(dir, 'ca.crt')); writeFileSync(join(dir, `.ca-${other.pair}.crt`), other.certificate) }, /ca\.crt is missing/],
  ]
  if (process.getuid?.() === 0) cases.push(['a key of another user, whom root could read', dir => chownSync(join(dir, 'ca.key'), 12345, 12345), /ca\.key: it belongs to another user, uid 12345/])
  for (const [shows, spoil, says] of cases) {
    const { dir } = await freshStore(t)
    const secrets = secretsOf(readFileSync(join(dir, 'ca.key'), 'utf8'))
    spoil(dir)
    const before = listing(dir)
    const error = await openStore(dir, OPTIONS).then(() => null, (error: unknown) => error)
    if (!(error instanceof OperatorError)) {
      t.fail(shows)
      continue
    }
    t.equal(error.code, 'E_CA_UNREADABLE', shows)
    t.match(error.message, says)
    t.equal(error.details['file'], dir, 'and it says where')
    t.notOk(secrets.some(secret => inspect(error, { depth: 9, showHidden: true }).includes(secret)), 'the key is in no part of the error')
    t.same(listing(dir), before, 'and everything is as it was')
  }
})

t.test('a CA that has expired is refused, and a new one is not made', async t => {
  const clock = fakeClock()
  const { dir, notAfter } = await freshStore(t, clock)
  clock.advance(notAfter.getTime() - clock.now() - 1)
  await openStore(dir, { clock })
  clock.advance(1)
  await t.rejects(openStore(dir, { clock }), { code: 'E_CA_UNREADABLE', message: /expired/ })
})

t.test('where no CA can be looked for, that is said and none is made', async t => {
  const file = join(t.testdir({ file: '' }), 'file')
  await t.rejects(openStore(join(file, 'ca'), OPTIONS), { code: 'E_CA_UNREADABLE', message: /ENOTDIR/ })
})

t.test('where no CA can be written, that is said', async t => {
  const dir = freshDir(t)
  symlinkSync('nowhere/at/all', join(dir, 'ca'))
  await t.rejects(openStore(join(dir, 'ca'), OPTIONS), { code: 'E_CA_WRITE' })
})

t.test('a start that was cut off is completed by the next, with the same key', async t => {
  const { dir, fingerprint } = await freshStore(t)
  const pair = pairNameOf(readFileSync(join(dir, 'ca.key'), 'utf8'))
  renameSync(join(dir, 'ca.crt'), join(dir, `.ca-${pair}.crt`))
  linkSync(join(dir, 'ca.key'), join(dir, `.ca-${pair}.key`))
  t.equal((await openStore(dir, OPTIONS)).fingerprint, fingerprint)
  t.same(readdirSync(dir).sort(), ['ca.crt', 'ca.key'])
})

t.test('a start that was cut off before its key had a name leaves no CA behind', async t => {
  const ca = makeCa(Date.now())
  const dir = t.testdir({ [`.ca-${ca.pair}.crt`]: ca.certificate, [`.ca-${ca.pair}.key`]: ca.key })
  const { certificatePem } = await openStore(dir, OPTIONS)
  t.not(certificatePem, ca.certificate)
})

t.test('processes that start at once end up with one CA', async t => {
  for (let round = 0; round < 3; round++) {
    const dir = join(freshDir(t), 'ca')
    const starters = await Promise.all(Array.from({ length: 5 }, () => starter(dir)))
    for (const { go } of starters) go()
    const fingerprints = await Promise.all(starters.map(({ said }) => said))
    t.equal(new Set(fingerprints).size, 1, fingerprints.join())
    t.equal((await openStore(dir, OPTIONS)).fingerprint, fingerprints[0])
    t.same(readdirSync(dir).sort(), ['ca.crt', 'ca.key'])
  }
})

t.test('the key leaves the room in no form', async t => {
  const store = await freshStore(t)
  const secrets = secretsOf(readFileSync(join(store.dir, 'ca.key'), 'utf8'))
  const forms: [string, () => string | Uint8Array][] = [
    ['inspect', () => inspect(store, { showHidden: true, depth: 9, getters: true })],
    ['inspect of what signs', () => inspect(authorityOf(store), { showHidden: true, depth: 9, getters: true })],
    ['JSON', () => JSON.stringify(store)],
    ['JSON of what signs', () => JSON.stringify(authorityOf(store))],
    ['a structured clone', () => inspect(structuredClone(store), { showHidden: true, depth: 9 })],
    ['serialisation', () => serialize(store)],
    ['its keys', () => Reflect.ownKeys(store).map(String).join()],
  ]
  for (const [form, make] of forms) {
    const text = Buffer.from(make()).toString('latin1')
    t.notOk(secrets.some(secret => text.includes(secret)), form)
    t.notMatch(text, /PrivateKey/, `${form} has no handle to it either`)
  }
  t.throws(() => structuredClone(authorityOf(store)), { name: 'DataCloneError' }, 'what signs cannot be sent to another thread')
  t.same(Reflect.ownKeys(store).sort(), ['certificatePath', 'certificatePem', 'dir', 'fingerprint', 'notAfter'])
  t.ok(Object.isFrozen(store))
})

t.test('only a store that was opened can have anything signed', async t => {
  const store = await freshStore(t)
  t.throws(() => authorityOf({ ...store }), /not a store/)
  t.throws(() => authorityOf(structuredClone(store) as Store), /not a store/)
})

t.test('outside the room nobody asks for what signs', async t => {
  const lib = resolve(dirname(fileURLToPath(import.meta.url)), '../../../lib')
  const sources = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts') && !file.startsWith('tls/'))
  t.ok(sources.length > 10)
  for (const file of sources) {
    const source = readFileSync(join(lib, file), 'utf8')
    t.notMatch(source, /authorityOf|tls\/(?:ca|certificate|files|host|leaf|pem)\.ts/, file)
  }
})

t.test('a key that nobody used is of another pair', async t => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  t.not(pairNameOf(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string), makeCa(0).pair)
})

/** The lines of a PEM that hold the secret scalar (the third is the public key alone), and the scalar in other spellings. */
function secretsOf(pem: string): string[] {
  const der = Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64')
  // The 32 bytes of the scalar follow the header of an EC key in PKCS #8.
  const scalar = der.subarray(36, 68)
  return [...pem.split('\n').slice(1, 3), scalar.toString('hex'), scalar.toString('latin1'), scalar.toString('base64'), 'PRIVATE KEY']
}

function listing(dir: string): unknown {
  return readdirSync(dir).sort().map(name => {
    const path = join(dir, name)
    if (!existsSync(path)) return [name]
    const found = statSync(path)
    return [name, found.mode, found.size, found.isFile() && found.size < 1e6 ? readFileSync(path, 'utf8') : null]
  })
}

interface Starter {
  go(): void
  readonly said: Promise<string>
}

/** A process that has loaded everything and waits for the word. */
async function starter(dir: string): Promise<Starter> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('opens-store.mjs', import.meta.url)), dir], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  await lines.next()
  return { go: () => child.stdin.write('go'), said: lines.next().then(({ value }) => String(value)) }
}
