import { createECDH, createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, verify, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeCa, openCa, pairNameOf } from '../../../lib/tls/ca.ts'
import type { Opened } from '../../../lib/tls/ca.ts'
import { buildCertificate, caExtensions, identityOf, keyIdentifierOf, nameOf, pieceOf } from '../../../lib/tls/certificate.ts'
import { described, freshDir, openssl } from './fresh.ts'

interface Teardown { teardown(call: () => unknown): void }

const NOW = Date.parse('2030-06-01T12:00:00.750Z')
const problemOf = (opened: Opened): string | null => opened.kind === 'unfit' ? opened.problem : null

t.test('a CA is what strict verifiers ask of one', async t => {
  const ca = makeCa(NOW)
  const text = described(freshDir(t), ca.certificate)
  for (const part of [
    /Version: 3/,
    /Subject: CN=Sallyport CA [0-9a-f]{8}\n/,
    /Not Before: Jun  1 11:00:00 2030 GMT/,
    /Not After : Jun  1 12:00:00 2040 GMT/,
    /ASN1 OID: prime256v1/,
    /Basic Constraints: critical\s+CA:TRUE, pathlen:0/,
    /Key Usage: critical\s+Certificate Sign, CRL Sign\n/,
    /Subject Key Identifier:\s+(?:[0-9A-F]{2}:){19}[0-9A-F]{2}\n/,
    /Signature Algorithm: ecdsa-with-SHA256/,
  ]) t.match(text, part)
  const certificate = new X509Certificate(ca.certificate)
  t.ok(certificate.verify(certificate.publicKey), 'it signed itself')
  t.equal(certificate.subject, certificate.issuer)
})

t.test('no two CAs share a name, a serial number or a key', async t => {
  const [one, two] = [makeCa(NOW), makeCa(NOW)].map(ca => new X509Certificate(ca.certificate))
  t.not(one?.subject, two?.subject)
  t.not(one?.serialNumber, two?.serialNumber)
  t.not(one?.publicKey.export({ type: 'spki', format: 'pem' }), two?.publicKey.export({ type: 'spki', format: 'pem' }))
})

t.test('a serial number is positive, and as long as it says, whatever is drawn', async t => {
  const { spki, certify } = sampleKey()
  for (let i = 0; i < 300; i++) {
    const { serialNumber } = new X509Certificate(certify(spki, NOW))
    t.match(serialNumber, /^[4-7][0-9A-F]{31}$/)
  }
})

t.test('times from 2050 on are written as RFC 5280 has it', async t => {
  const { spki, certify } = sampleKey()
  const last = certify(spki, Date.parse('2049-12-31T23:59:59.999Z'))
  const first = certify(spki, Date.parse('2050-01-01T00:00:00Z'))
  t.match(parsed(t, last), /UTCTIME\s+:491231235959Z/)
  t.match(parsed(t, first), /GENERALIZEDTIME\s+:20500101000000Z/)
  t.equal(new X509Certificate(first).validTo, 'Jan  1 00:00:00 2050 GMT')
})

t.test('a key whose point can be read as ASN.1 is spliced in like any other', async t => {
  // 04 3f …: an OCTET STRING of 63 octets, which is just what is left of the point.
  const ecdh = createECDH('prime256v1')
  do ecdh.generateKeys()
  while (ecdh.getPublicKey()[1] !== 0x3f)
  const { certify, spki: prefix } = sampleKey()
  const spki = Buffer.concat([prefix.subarray(0, -65), ecdh.getPublicKey()])
  const certificate = new X509Certificate(certify(spki, NOW))
  t.equal(certificate.publicKey.export({ type: 'spki', format: 'der' }).toString('hex'), spki.toString('hex'))
  const expected = createHash('sha256').update(ecdh.getPublicKey()).digest('hex').slice(0, 40)
  t.equal(Buffer.from(keyIdentifierOf(spki)).toString('hex'), expected)
  t.equal(Buffer.from(identityOf(certificate.raw).keyIdentifier ?? []).toString('hex'), expected)
})

t.test('a CA that was made can be opened, and signs', async t => {
  const ca = makeCa(NOW)
  const opened = openCa(ca, NOW)
  if (opened.kind !== 'opened') return t.fail(opened.problem)
  t.equal(opened.authority.notAfter, Date.parse('2040-06-01T12:00:00Z'))
  t.equal(pairNameOf(ca.key), ca.pair)
  const bytes = randomBytes(100)
  t.ok(verify('sha256', bytes, opened.certificate.publicKey, opened.authority.sign(bytes)))
})

t.test('a CA of the operator, made by openssl, is as good', async t => {
  const ca = byOpenssl(t, ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'])
  t.equal(problemOf(openCa(ca, Date.now())), null)
})

t.test('what is no CA, or not ours to use, is named and refused', async t => {
  const ca = makeCa(NOW)
  const other = makeCa(NOW)
  const pem = (type: 'ec' | 'rsa', options: object): string => {
    const { privateKey } = generateKeyPairSync(type as 'ec', { namedCurve: 'P-384', ...options })
    return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  }
  const encrypted = createPrivateKey(ca.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }) as string
  const publicOnly = createPublicKey(ca.key).export({ type: 'spki', format: 'pem' }) as string
  const p256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  // [what it shows, certificate and key, at which time, what is said]
  const cases: [string, { certificate: string, key: string }, number, RegExp][] = [
    ['the key of another CA would sign what nobody trusts', { ...ca, key: other.key }, NOW, /not the key of ca\.crt/],
    ['an empty key file', { ...ca, key: '' }, NOW, /not an unencrypted private key/],
    ['a key cut in half', { ...ca, key: ca.key.slice(0, 120) }, NOW, /not an unencrypted private key/],
    ['an encrypted key, which nobody is there to open', { ...ca, key: encrypted }, NOW, /not an unencrypted private key/],
    ['a public key', { ...ca, key: publicOnly }, NOW, /not an unencrypted private key/],
    ['another curve', { ...ca, key: pem('ec', {}) }, NOW, /on P-256/],
    ['RSA', { ...ca, key: pem('rsa', { modulusLength: 2048 }) }, NOW, /on P-256/],
    ['no certificate', { ...ca, certificate: 'hello' }, NOW, /not exactly one certificate/],
    ['a block that holds no certificate', { ...ca, certificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }, NOW, /not exactly one certificate/],
    ['two certificates: clients would trust both', { ...ca, certificate: ca.certificate + other.certificate }, NOW, /not exactly one certificate/],
    ['a certificate that may not sign', byOpenssl(t, [...p256, '-addext', 'basicConstraints=critical,CA:FALSE']), Date.now(), /not the certificate of a CA/],
    ['a CA whose key may not sign certificates', byOpenssl(t, [...p256, '-addext', 'keyUsage=critical,digitalSignature']), Date.now(), /not the certificate of a CA/],
    ['a CA that strict verifiers refuse', byOpenssl(t, [...p256, '-addext', 'subjectKeyIdentifier=none']), Date.now(), /no subject key identifier/],
    ['its last second has passed', ca, Date.parse('2040-06-01T12:00:00Z'), /expired on Jun  1 12:00:00 2040 GMT/],
    ['a clock that stands before its first', ca, Date.parse('2030-06-01T10:59:59Z'), /not valid before Jun  1 11:00:00 2030 GMT/],
    ['a clock that tells no time', ca, NaN, /not valid before/],
  ]
  for (const [shows, pair, now, says] of cases) {
    const problem = problemOf(openCa(pair, now))
    t.match(problem, says, shows)
    t.notMatch(problem, pair.key.split('\n')[1] || 'PRIVATE', 'and the key is not quoted')
  }
  t.equal(problemOf(openCa(ca, Date.parse('2040-06-01T11:59:59Z'))), null, 'up to its last second it may be used')
})

/** DER of a signature that nobody looks at. */
const NO_SIGNATURE = Buffer.from('3006020101020101', 'hex')

/** @param request  arguments of `openssl req -x509` */
function byOpenssl(t: Teardown, request: string[]): { certificate: string, key: string } {
  const dir = freshDir(t)
  const [key, certificate] = [join(dir, 'k'), join(dir, 'c')]
  openssl('req', '-x509', ...request, '-nodes', '-days', '2', '-subj', '/CN=operator', '-keyout', key, '-out', certificate)
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
}

function sampleKey(): { spki: Buffer, certify: (spki: Buffer, notAfter: number) => string } {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    spki: publicKey.export({ type: 'spki', format: 'der' }),
    certify: (spki, notAfter) => buildCertificate({
      issuer: nameOf('a'), subject: nameOf('a'), publicKey: pieceOf(spki), notBefore: 0, notAfter, extensions: caExtensions(keyIdentifierOf(spki)),
    }, () => NO_SIGNATURE),
  }
}

function parsed(t: Teardown, pem: string): string {
  const file = join(freshDir(t), 'a.pem')
  writeFileSync(file, pem)
  return openssl('asn1parse', '-in', file)
}
