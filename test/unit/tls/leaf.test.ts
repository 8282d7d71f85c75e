import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { HostKind } from '../../../lib/model/request.ts'
import { createMint } from '../../../lib/tls/leaf.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { canonical, described, freshDir, freshStore, openssl, whyNot } from './fresh.ts'

const DAY_MS = 86_400_000

// [why it is here, host, kind]
const HOSTS: [string, string, HostKind][] = [
  ['a plain name', 'api.example.com', 'name'],
  ['a name of one label', 'localhost', 'name'],
  ['a name that a common name could not hold', `${'a'.repeat(63)}.${'b'.repeat(63)}.example.com`, 'name'],
  ['the longest name there is', `${'a.'.repeat(126)}b`, 'name'],
  ['underscores stand in real names', '_dmarc.my_bucket.example.com', 'name'],
  ['punycode', 'xn--bcher-kva.example', 'name'],
  ['an address', '127.0.0.1', 'ipv4'],
  ['an address with every bit', '255.255.255.255', 'ipv4'],
  ['a short IPv6 address', '::1', 'ipv6'],
  ['all zeros', '::', 'ipv6'],
  ['zeros at the end', '2001:db8::', 'ipv6'],
  ['zeros in the middle', '2001:db8::8:800:200c:417a', 'ipv6'],
  ['no zeros', '2001:db8:1:2:3:4:5:6', 'ipv6'],
]

t.test('a leaf is accepted by openssl at its strictest, for its host alone', async t => {
  const store = await freshStore(t)
  const mint = createMint(store)
  const file = join(freshDir(t), 'leaf.pem')
  for (const [why, host, kind] of HOSTS) {
    writeFileSync(file, mint(canonical(host), kind, Date.now()).certificatePem)
    const verify = (option: string, name: string): string =>
      openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', store.certificatePath, option, name, file)
    t.match(verify(kind === 'name' ? '-verify_hostname' : '-verify_ip', host), /: OK/, why)
    t.throws(() => verify('-verify_hostname', 'other.example.com'), /hostname mismatch/i)
    t.throws(() => verify('-verify_ip', '192.0.2.1'), /IP address mismatch/i)
  }
})

t.test('a leaf says what strict verifiers ask, and nothing else', async t => {
  const store = await freshStore(t)
  const mint = createMint(store)
  const dir = freshDir(t)
  const text = described(dir, mint(canonical('api.example.com'), 'name', Date.parse('2030-01-01T12:00:00.999Z')).certificatePem)
  const ca = described(dir, store.certificatePem)
  const identifier = /Subject Key Identifier:\s+(\S+)/.exec(ca)?.[1] ?? 'none'
  for (const part of [
    /Issuer: CN=Sallyport CA [0-9a-f]{8}\n/,
    /Subject: *\n/,
    /Not Before: Jan  1 11:00:00 2030 GMT/,
    /Not After : Jan  8 12:00:00 2030 GMT/,
    /ASN1 OID: prime256v1/,
    /Key Usage: critical\s+Digital Signature\n/,
    /Extended Key Usage:\s+TLS Web Server Authentication\n/,
    new RegExp(`Authority Key Identifier:\\s+${identifier}\\n`),
    /Subject Alternative Name: critical\s+DNS:api\.example\.com\n/,
  ]) t.match(text, part)
  t.equal(text.match(/X509v3/g)?.length, 6, 'five extensions under one heading')
  const ip = described(dir, mint(canonical('::1'), 'ipv6', Date.now()).certificatePem)
  t.match(ip, /Subject Alternative Name: critical\s+IP Address:0:0:0:0:0:0:0:1\n/)
})

t.test('leaves share a key, and never a serial number', async t => {
  const mint = createMint(await freshStore(t))
  const [one, two] = [mint(canonical('a.example'), 'name', Date.now()), mint(canonical('a.example'), 'name', Date.now())]
  t.equal(one?.keyPem, two?.keyPem)
  t.not(new X509Certificate(one?.certificatePem ?? '').serialNumber, new X509Certificate(two?.certificatePem ?? '').serialNumber)
})

t.test('no leaf outlives the CA, and an expired CA signs nothing', async t => {
  const clock = fakeClock()
  const store = await freshStore(t, clock)
  const mint = createMint(store)
  const end = store.notAfter.getTime()
  // [now, the end of the leaf]
  for (const [now, notAfter] of [[end - 8 * DAY_MS, end - DAY_MS], [end - 7 * DAY_MS, end], [end - DAY_MS, end], [end - 1, end]] as const) {
    const leaf = mint(canonical('a.example'), 'name', now)
    t.equal(leaf.notAfter, notAfter)
    t.equal(Date.parse(new X509Certificate(leaf.certificatePem).validTo), notAfter)
  }
  for (const now of [end, end + DAY_MS]) t.throws(() => mint(canonical('a.example'), 'name', now), { code: 'E_CA_UNREADABLE', message: /expired/ })
})

t.test('what is no canonical host of its kind gets no certificate', async t => {
  const mint = createMint(await freshStore(t))
  // [what it would have become, host, kind]
  const cases: [string, string, HostKind][] = [
    ['a certificate for every host', '*.example.com', 'name'],
    ['a name that C reads as another', 'good.example\0.evil.example', 'name'],
    ['two names', 'a.example,DNS:b.example', 'name'],
    ['an address that a client compares as a name', '127.0.0.1', 'name'],
    ['a name in the place of an address', 'example.com', 'ipv4'],
    ['an address of the other family', '127.0.0.1', 'ipv6'],
    ['nobody', '', 'name'],
  ]
  for (const [why, host, kind] of cases) t.throws(() => mint(canonical(host), kind, Date.now()), /no certificate is signed/, why)
})

t.test('a leaf costs less than 2 ms', async t => {
  const mint = createMint(await freshStore(t))
  const took = Array.from({ length: 200 }, (_, i) => {
    const start = performance.now()
    mint(canonical(`host-${i}.example.com`), 'name', Date.now())
    return performance.now() - start
  }).sort((a, b) => a - b)
  t.ok(took[100]! < 2, `median ${took[100]!.toFixed(3)} ms`)
})

t.test('python verifies a leaf at its strictest', { skip: whyNot('python3') }, async t => {
  const store = await freshStore(t)
  const mint = createMint(store)
  for (const [host, kind] of [['localhost', 'name'], ['127.0.0.1', 'ipv4']] as const) {
    const { certificatePem, keyPem } = mint(canonical(host), kind, Date.now())
    const server = createServer({ cert: certificatePem, key: keyPem }, socket => socket.end('hello'))
    server.on('tlsClientError', () => {})
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => server.close())
    const { port } = server.address() as AddressInfo
    t.equal(await python(STRICT_CLIENT, store.certificatePath, host, String(port)), 'hello', host)
    t.match(await python(STRICT_CLIENT, store.certificatePath, 'other.example', String(port)), /Hostname mismatch/)
  }
})

const STRICT_CLIENT = `
import socket, ssl, sys
ca, host, port = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.verify_flags |= ssl.VERIFY_X509_STRICT
try:
    with context.wrap_socket(socket.create_connection(('127.0.0.1', int(port))), server_hostname=host) as s:
        print(s.recv(5).decode(), end='')
except ssl.SSLError as error:
    print(error)
`

const python = (...args: string[]): Promise<string> => new Promise(done => {
  execFile('python3', ['-c', ...args], (error, stdout, stderr) => done(error === null ? stdout : stderr))
})
