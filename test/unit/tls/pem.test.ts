import t from 'tap'
import { makeCa } from '../../../lib/tls/ca.ts'
import { certificatePem, certificatesIn, readCertificate, spelled } from '../../../lib/tls/pem.ts'

const ONE = makeCa(0).certificate
const TWO = makeCa(0).certificate
const BODY = spelled(ONE).slice('-----BEGINCERTIFICATE-----'.length, -'-----ENDCERTIFICATE-----'.length)

t.test('the certificates of a text are found, whatever stands between them', async t => {
  // [what it shows, text, certificates in it]
  const cases: [string, string, string[]][] = [
    ['nothing', '', []],
    ['one', ONE, [ONE]],
    ['two', ONE + TWO, [ONE, TWO]],
    ['comments, as bundles of distributions have them', `# Root of A\n${ONE}\nsubject=CN = B\n${TWO}#`, [ONE, TWO]],
    ['no line end behind the last', ONE.trimEnd(), [ONE]],
    ['a private key is not a certificate', `-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${ONE}`, [ONE]],
    ['a block without end', `-----BEGIN CERTIFICATE-----\n${ONE}`, [ONE]],
    ['a label of old tools', ONE.replaceAll('CERTIFICATE', 'X509 CERTIFICATE'), []],
    ['lower case', ONE.toLowerCase(), []],
  ]
  for (const [shows, text, found] of cases) t.same(certificatesIn(text), found, shows)
})

t.test('the same certificate is known again, however its lines are broken', async t => {
  const [crlf] = certificatesIn(ONE.replaceAll('\n', '\r\n'))
  const [oneLine] = certificatesIn(`-----BEGIN CERTIFICATE-----\n${BODY}\n-----END CERTIFICATE-----`)
  t.equal(spelled(crlf ?? ''), spelled(ONE))
  t.equal(spelled(oneLine ?? ''), spelled(ONE))
  t.not(spelled(ONE), spelled(TWO))
  t.equal(certificatePem(BODY), ONE, 'and it can be written as it was')
})

t.test('cut at any place, a text holds the certificates that are whole', async t => {
  const text = ONE + TWO
  for (let end = 0; end <= text.length; end++) {
    const whole = end < ONE.length - 1 ? 0 : end < text.length - 1 ? 1 : 2
    if (certificatesIn(text.slice(0, end)).length !== whole) t.fail(`cut at ${end}`)
  }
})

t.test('a block with other bytes is a certificate, or is none, and never an error', async t => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)
  t.comment(`SEED=${seed}`)
  let state = seed >>> 0
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 2 ** 32 * below)
  }
  const ALPHABET = 'Az09+/=-\n \0é'
  const outcomes = new Set<string>()
  for (let i = 0; i < 3_000; i++) {
    const at = random(ONE.length)
    const changed = ONE.slice(0, at) + ALPHABET[random(ALPHABET.length)] + ONE.slice(at + random(3))
    const [block, ...more] = certificatesIn(changed)
    outcomes.add(block === undefined ? 'no block' : readCertificate(block) === null ? 'no certificate' : 'certificate')
    if (more.length > 0) t.fail('one block became two')
  }
  t.same([...outcomes].sort(), ['certificate', 'no block', 'no certificate'])
})

t.test('a text made to be slow is not', async t => {
  const start = performance.now()
  certificatesIn('-----BEGIN CERTIFICATE-----\n'.repeat(100_000))
  certificatesIn(`-----BEGIN CERTIFICATE-----${'A'.repeat(3_000_000)}`)
  certificatesIn(`-----BEGIN CERTIFICATE-----${' \n'.repeat(1_500_000)}-----BEGIN`)
  t.ok(performance.now() - start < 2_000)
})
