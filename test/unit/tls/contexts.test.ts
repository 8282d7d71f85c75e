import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import type { ConnectionOptions, SecureVersion } from 'node:tls'
import t from 'tap'
import { systemClock } from '../../../lib/model/clock.ts'
import type { HostKind } from '../../../lib/model/request.ts'
import { createContexts } from '../../../lib/tls/contexts.ts'
import type { Contexts } from '../../../lib/tls/contexts.ts'
import type { Store } from '../../../lib/tls/store.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { canonical, freshStore, whyNot } from './fresh.ts'

const DAY_MS = 86_400_000

t.test('a host keeps its context while its leaf is young', async t => {
  const clock = fakeClock()
  const { contextFor } = createContexts(await freshStore(t, clock), { clock, max: 10 })
  const first = contextFor(canonical('a.example'), 'name')
  clock.advance(3.5 * DAY_MS - 1)
  t.equal(contextFor(canonical('a.example'), 'name'), first)
  clock.advance(1)
  const second = contextFor(canonical('a.example'), 'name')
  t.not(second, first, 'at half of its life it is made anew')
  t.equal(contextFor(canonical('a.example'), 'name'), second)
})

t.test('a clock that is set back beyond the leaf costs a new one, a little back does not', async t => {
  const store = await freshStore(t)
  let now = Date.now()
  const { contextFor } = createContexts(store, { clock: { ...systemClock, now: () => now }, max: 10 })
  const first = contextFor(canonical('a.example'), 'name')
  now -= 3_600_000
  t.equal(contextFor(canonical('a.example'), 'name'), first)
  now -= 1
  t.not(contextFor(canonical('a.example'), 'name'), first)
})

t.test('the host that was not used for longest is forgotten first', async t => {
  const contexts = createContexts(await freshStore(t), { clock: systemClock, max: 2 })
  const [a, b] = ['a.example', 'b.example'].map(host => contexts.contextFor(canonical(host), 'name'))
  t.equal(contexts.contextFor(canonical('a.example'), 'name'), a)
  contexts.contextFor(canonical('c.example'), 'name')
  t.equal(contexts.size, 2)
  t.equal(contexts.contextFor(canonical('a.example'), 'name'), a)
  t.not(contexts.contextFor(canonical('b.example'), 'name'), b)
})

t.test('what cannot be answered for is not kept', async t => {
  const clock = fakeClock()
  const store = await freshStore(t, clock)
  const contexts = createContexts(store, { clock, max: 2 })
  t.throws(() => contexts.contextFor(canonical('*.example'), 'name'), /no certificate is signed/)
  clock.advance(store.notAfter.getTime() - clock.now())
  t.throws(() => contexts.contextFor(canonical('a.example'), 'name'), { code: 'E_CA_UNREADABLE' })
  t.equal(contexts.size, 0)
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`${version}: a client that trusts the CA accepts names and addresses`, async t => {
    const ends = await openEnds(t)
    for (const [host, kind] of [['a.example', 'name'], ['127.0.0.1', 'ipv4'], ['::1', 'ipv6'], ['_under.score.example', 'name']] as const) {
      const seen = await ends.visit(host, kind, { minVersion: version, maxVersion: version })
      t.equal(seen.protocol, version)
      t.equal(seen.alpn, 'http/1.1')
      t.equal(seen.text, `hello ${host}`)
      t.equal(seen.names, kind === 'name' ? `DNS:${host}` : `IP Address:${host === '::1' ? '0:0:0:0:0:0:0:1' : host}`)
      t.match(seen.cipher, /AES_128_GCM|AES128-GCM/)
    }
  })

  t.test(`${version}: a session is resumed at its host`, async t => {
    const ends = await openEnds(t)
    const options = { minVersion: version, maxVersion: version }
    const first = await ends.visit('a.example', 'name', options)
    t.notOk(first.isResumed)
    const second = await ends.visit('a.example', 'name', { ...options, session: first.session })
    t.ok(second.isResumed)
    t.equal(second.text, 'hello a.example')
    t.equal(second.alpn, 'http/1.1')
  })

  t.test(`${version}: a ticket of one host is worth nothing at another`, async t => {
    const ends = await openEnds(t)
    const options = { minVersion: version, maxVersion: version }
    const { session } = await ends.visit('a.example', 'name', options)
    // [what the client claims, the host it reaches, SNI]
    const cases: [string, string, string][] = [
      ['its own name', 'b.example', 'b.example'],
      ['the name that the ticket is of', 'b.example', 'a.example'],
    ]
    for (const [shows, host, servername] of cases) {
      const other = await ends.visit(host, 'name', { ...options, session, servername, checkServerIdentity: () => undefined })
      t.notOk(other.isResumed, shows)
      t.equal(other.names, 'DNS:b.example')
    }
    t.ok((await ends.visit('a.example', 'name', { ...options, session })).isResumed, 'and it is still good where it came from')
  })
}

t.test('a ticket does not survive the leaf that it was given under', async t => {
  let ahead = 0
  const clock = { ...systemClock, now: () => Date.now() + ahead }
  const ends = await openEnds(t, clock)
  const { session } = await ends.visit('a.example', 'name', {})
  // The leaf is made anew, one that is valid for the client's real clock too.
  ahead = -2 * 3_600_000
  const second = await ends.visit('a.example', 'name', { session })
  t.notOk(second.isResumed)
})

t.test('a client that does not trust the CA, or wants another host, ends the handshake', async t => {
  const ends = await openEnds(t)
  await t.rejects(ends.visit('a.example', 'name', { ca: [] }), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  await t.rejects(ends.visit('a.example', 'name', { servername: 'b.example' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
})

t.test('TLS 1.1 and older are refused', async t => {
  const ends = await openEnds(t)
  for (const version of ['TLSv1', 'TLSv1.1'] satisfies SecureVersion[]) {
    await t.rejects(
      ends.visit('a.example', 'name', { minVersion: version, maxVersion: version, ciphers: 'ALL@SECLEVEL=0' }),
      { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' },
      version,
    )
  }
})

t.test('what has neither forward secrecy nor authenticated encryption is refused', async t => {
  const ends = await openEnds(t)
  for (const ciphers of ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384', 'AES128-GCM-SHA256']) {
    await t.rejects(ends.visit('a.example', 'name', { maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` }), { code: 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE' }, ciphers)
  }
})

t.test('a client that offers only another protocol is refused', async t => {
  const ends = await openEnds(t)
  await t.rejects(ends.visit('a.example', 'name', { ALPNProtocols: ['h2'] }), { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' })
  t.equal((await ends.visit('a.example', 'name', { ALPNProtocols: ['h2', 'http/1.1'] })).alpn, 'http/1.1')
})

t.test('no ticket allows early data', { skip: whyNot('openssl') }, async t => {
  const ends = await openEnds(t)
  const port = await ends.listen('a.example', 'name')
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'a.example', '-tls1_3'], { stdio: ['pipe', 'pipe', 'ignore'] })
  t.teardown(() => child.kill())
  let text = ''
  for await (const chunk of child.stdout) {
    text += String(chunk)
    if (text.includes('Max Early Data')) break
  }
  t.match(text, /Max Early Data: 0\n/)
})

t.test('as many hosts at once as there are, each with its own identity', async t => {
  const ends = await openEnds(t)
  const hosts = Array.from({ length: 20 }, (_, i) => `h${i}.example`)
  const seen = await Promise.all([...hosts, ...hosts].map(host => ends.visit(host, 'name', {})))
  t.same(seen.map(({ names }) => names), [...hosts, ...hosts].map(host => `DNS:${host}`))
  t.equal(ends.contexts.size, 20)
})

interface Seen {
  readonly protocol: string | null
  readonly cipher: string
  readonly alpn: string | false | null
  readonly text: string
  readonly names: string | undefined
  readonly isResumed: boolean
  readonly session: Buffer
}

interface Ends {
  readonly contexts: Contexts
  readonly store: Store
  /** Serves one host as `listen/` does: bytes that were read from a raw socket are put back, and TLS is begun on it. */
  listen(host: string, kind: HostKind): Promise<number>
  /** One connection of a client, to its end. */
  visit(host: string, kind: HostKind, options: ConnectionOptions): Promise<Seen>
}

async function openEnds(t: { teardown(call: () => unknown): void }, clock = systemClock): Promise<Ends> {
  const store = await freshStore(t)
  const contexts = createContexts(store, { clock, max: 100 })
  const listen = async (host: string, kind: HostKind): Promise<number> => {
    const server = createServer(raw => raw.once('data', (head: Buffer) => {
      raw.pause()
      raw.unshift(head)
      serve(raw, host, kind)
    }))
    t.teardown(() => server.close())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  const serve = (raw: Socket, host: string, kind: HostKind): void => {
    const secure = new TLSSocket(raw, { isServer: true, secureContext: contexts.contextFor(canonical(host), kind), ALPNProtocols: ['http/1.1'] })
    secure.on('error', () => {})
    secure.on('secure', () => secure.end(`hello ${host}`))
  }
  const visit = async (host: string, kind: HostKind, options: ConnectionOptions): Promise<Seen> => {
    const port = await listen(host, kind)
    const client = connect({
      host: '127.0.0.1',
      port,
      ca: store.certificatePem,
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
      ...(kind === 'name' ? { servername: host } : { checkServerIdentity: (_, certificate) => new X509Certificate(certificate.raw).checkIP(host) === undefined ? new Error(`not for ${host}`) : undefined }),
      ...options,
    })
    return new Promise((resolve, reject) => {
      let text = ''
      let session = Buffer.alloc(0)
      client.on('session', ticket => { session = ticket })
      client.on('data', chunk => { text += String(chunk) })
      client.once('error', reject)
      client.once('secureConnect', () => {
        // A resumed handshake of TLS 1.2 carries no certificate.
        const { raw } = client.getPeerCertificate() as { raw?: Buffer }
        const seen = {
          protocol: client.getProtocol(),
          cipher: client.getCipher().name,
          alpn: client.alpnProtocol,
          names: raw === undefined ? undefined : new X509Certificate(raw).subjectAltName,
          isResumed: client.isSessionReused(),
        }
        client.once('close', () => resolve({ ...seen, text, session }))
      })
    })
  }
  return { contexts, store, listen, visit }
}
