import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import t from 'tap'
import { makeCa } from '../../../lib/tls/ca.ts'
import { loadUpstreamRoots } from '../../../lib/tls/roots.ts'
import type { RootsOptions } from '../../../lib/tls/roots.ts'
import { freshDir } from './fresh.ts'

const [own, corporate, system] = [makeCa(0), makeCa(0), makeCa(0)].map(ca => ca.certificate) as [string, string, string]
const dir = freshDir(t)
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}
const SYSTEM = file('system.pem', `# a comment\n${system}`)
const CORPORATE = file('corporate.pem', corporate)
const BUNDLE = file('bundle.pem', system + own)
const OWN = file('own.pem', own.replaceAll('\n', '\r\n'))
const EMPTY = file('empty.pem', '')
const GARBAGE = file('garbage.pem', `${corporate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`)
const NOWHERE = join(dir, 'nowhere.pem')
const NODE = `the roots of Node.js ${process.versions.node}`

t.test('the first source that is named is the only one', async t => {
  const base: RootsOptions = { files: [], env: {}, ownCaPem: own, systemBundles: [NOWHERE, SYSTEM] }
  // [what it shows, options, roots, what is said]
  const cases: [string, Partial<RootsOptions>, readonly string[], string][] = [
    ['what the operator names goes before all', { files: [CORPORATE], env: { SSL_CERT_FILE: SYSTEM } }, [corporate], `--upstream-ca ${CORPORATE}`],
    ['several files make one set', { files: [CORPORATE, SYSTEM] }, [corporate, system], `--upstream-ca ${CORPORATE}, ${SYSTEM}`],
    ['the environment goes before the system', { env: { SSL_CERT_FILE: CORPORATE } }, [corporate], `SSL_CERT_FILE ${CORPORATE}`],
    ['an empty variable is none', { env: { SSL_CERT_FILE: '' } }, [system], `the system's bundle ${SYSTEM}`],
    ['our own bundle is for clients', { env: { SSL_CERT_FILE: BUNDLE } }, [system], `the system's bundle ${SYSTEM}`],
    ['and so is our CA alone, however its lines end', { env: { SSL_CERT_FILE: OWN } }, [system], `the system's bundle ${SYSTEM}`],
    ['a system that trusts us is believed but for that', { systemBundles: [BUNDLE] }, [system], `the system's bundle ${BUNDLE}`],
    ['a bundle of nothing but us is no bundle', { systemBundles: [OWN, SYSTEM] }, [system], `the system's bundle ${SYSTEM}`],
    ['nor is an empty one', { systemBundles: [EMPTY, SYSTEM] }, [system], `the system's bundle ${SYSTEM}`],
    ['a folder is no bundle either', { systemBundles: [dir, SYSTEM] }, [system], `the system's bundle ${SYSTEM}`],
    ['with no bundle at all there are the roots that Node has', { systemBundles: [NOWHERE] }, rootCertificates, NODE],
  ]
  for (const [shows, options, pem, says] of cases) t.same(loadUpstreamRoots({ ...base, ...options }), { pem, says }, shows)
})

t.test('what is named and cannot be used is an error, not a reason to trust others', async t => {
  // [what it shows, options, the file, what is said]
  const cases: [string, Partial<RootsOptions>, string, RegExp][] = [
    ['no such file', { files: [NOWHERE] }, NOWHERE, /it does not exist/],
    ['the second of two', { files: [CORPORATE, NOWHERE] }, NOWHERE, /it does not exist/],
    ['an empty file', { files: [EMPTY] }, EMPTY, /it holds no certificate/],
    ['a folder', { files: [dir] }, dir, /it is not a file/],
    ['a block that holds no certificate', { files: [GARBAGE] }, GARBAGE, /number 2 cannot be read/],
    ['the environment is a name, too', { env: { SSL_CERT_FILE: NOWHERE } }, NOWHERE, /it does not exist/],
    ['and an empty file there', { env: { SSL_CERT_FILE: EMPTY } }, EMPTY, /it holds no certificate/],
  ]
  for (const [shows, options, named, message] of cases) {
    t.throws(() => loadUpstreamRoots({ files: [], env: {}, ownCaPem: own, systemBundles: [SYSTEM], ...options }), { code: 'E_ROOTS_UNREADABLE', message, details: { file: named } }, shows)
  }
})

t.test('this system has roots', async t => {
  const { pem, says } = loadUpstreamRoots({ files: [], env: {}, ownCaPem: own })
  t.ok(pem.length > 50, says)
})
