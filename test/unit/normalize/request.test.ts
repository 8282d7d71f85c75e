import t from 'tap'
import { createHeadWatch } from '../../../lib/identify/head-watch.ts'
import type { Normalized } from '../../../lib/model/flow.ts'
import type { CanonicalHost, Facts, HostKind, RawRequest } from '../../../lib/model/request.ts'
import { normalizeConnect, normalizeRequest } from '../../../lib/normalize/request.ts'
import { mutationsOf, randomFrom } from '../identify/mutations.ts'
import { rawCases } from '../identify/raw-requests.ts'

type Tunnel = NonNullable<RawRequest['tunnel']>
const tunnelTo = (host: string, port = 443, rest: Partial<Tunnel> & { hostKind?: HostKind } = {}): Tunnel => {
  const { hostKind = 'name', ...others } = rest
  return { authority: { host: host as CanonicalHost, hostKind, port }, isSecure: true, serverName: host, ...others }
}
const inTunnel = (rest: Partial<RawRequest> = {}): RawRequest =>
  ({ client: 'agent', tunnel: tunnelTo('a.test'), method: 'GET', target: '/x?y', httpVersion: '1.1', fields: ['Host', 'a.test'], isUpgrade: false, ...rest })
const onPort = (target: string, rest: Partial<RawRequest> = {}): RawRequest =>
  ({ client: 'agent', tunnel: null, method: 'GET', target, httpVersion: '1.1', fields: ['Host', 'a.test'], isUpgrade: false, ...rest })
const secondTo = (host: string): string[] => ['Host', host]

t.test('a request comes out with everything it is judged by', async t => {
  const fields = ['Host', 'A.test:443', 'Content-Length', '2']
  t.strictSame(normalizeRequest(inTunnel({ method: 'POST', target: '/a;b?c', fields })), {
    kind: 'facts',
    facts: {
      kind: 'request', client: 'agent', scheme: 'https', host: 'a.test', hostKind: 'name', port: 443,
      method: 'POST', methods: ['POST'], target: '/a;b?c', path: '/a;b', query: 'c', readings: ['/a;b', '/a'],
      fields, hasContent: true, contentLength: 2,
    },
  })
})

const HANDSHAKE = ['Connection', 'Upgrade', 'Upgrade', 'websocket']
// [why, request, some of its facts]
const sound: [string, RawRequest, object][] = [
  ['the proxy port sends in origin-form what was written in absolute-form', onPort('http://A.TEST:80//x?y'), { scheme: 'http', host: 'a.test', port: 80, target: '//x?y' }],
  ['an absolute form without a path', onPort('http://a.test'), { target: '/' }],
  ['an absolute form without a path, with a query', onPort('http://a.test?y'), { target: '/?y', path: '/', query: 'y' }],
  ['a scheme in upper case', onPort('HTTP://a.test/'), { target: '/' }],
  ['a port that only the target names', onPort('http://a.test:8080/'), { port: 8080 }],
  ['an address on the proxy port', onPort('http://[::FFFF:1.2.3.4]:80/', { fields: secondTo('[::ffff:1.2.3.4]') }), { host: '::ffff:102:304', hostKind: 'ipv6' }],
  ['HTTP/1.0 needs no Host beside an absolute form', onPort('http://a.test/', { httpVersion: '1.0', fields: [] }), { host: 'a.test' }],
  ['HTTP/1.0 needs no Host beside an absolute form in a tunnel', inTunnel({ target: 'https://a.test/', httpVersion: '1.0', fields: [] }), { host: 'a.test' }],
  ['a Host in another spelling', inTunnel({ fields: secondTo('A.TEST.') }), { host: 'a.test' }],
  ['a Host with the port of its tunnel', inTunnel({ tunnel: tunnelTo('a.test', 8443), fields: secondTo('a.test:8443') }), { port: 8443 }],
  ['a Host without the port of its tunnel', inTunnel({ tunnel: tunnelTo('a.test', 8443) }), { port: 8443 }],
  ['an IPv6 address in a tunnel', inTunnel({ tunnel: tunnelTo('::1', 443, { hostKind: 'ipv6', serverName: null }), fields: secondTo('[::1]') }), { host: '::1' }],
  ['an SNI in another spelling', inTunnel({ tunnel: tunnelTo('a.test', 443, { serverName: 'A.Test.' }) }), { host: 'a.test' }],
  ['no SNI at all', inTunnel({ tunnel: tunnelTo('a.test', 443, { serverName: null }) }), { host: 'a.test' }],
  ['an SNI that is left from nowhere, without TLS', inTunnel({ tunnel: tunnelTo('a.test', 80, { isSecure: false, serverName: 'b.test' }) }), { scheme: 'http' }],
  ['an absolute form of the same scheme and host in a tunnel', inTunnel({ target: 'https://a.test:443/x' }), { target: '/x' }],
  ['an absolute form in a tunnel in the clear', inTunnel({ tunnel: tunnelTo('a.test', 80, { isSecure: false }), target: 'http://a.test/x' }), { target: '/x', scheme: 'http' }],
  ['two slashes are a path and never an authority', inTunnel({ target: '//b.test/x' }), { host: 'a.test', target: '//b.test/x' }],
  ['a WebSocket', inTunnel({ fields: ['Host', 'a.test', ...HANDSHAKE], isUpgrade: true }), { scheme: 'wss' }],
  ['a WebSocket in the clear', onPort('http://a.test/', { fields: ['Host', 'a.test', ...HANDSHAKE], isUpgrade: true }), { scheme: 'ws', port: 80 }],
  ['a WebSocket that the parser goes on reading', inTunnel({ fields: ['Host', 'a.test', ...HANDSHAKE], isUpgrade: false }), { scheme: 'https' }],
  ['a WebSocket on a POST', inTunnel({ method: 'POST', fields: ['Host', 'a.test', ...HANDSHAKE], isUpgrade: true }), { scheme: 'https' }],
  ['a WebSocket with a body', inTunnel({ fields: ['Host', 'a.test', ...HANDSHAKE, 'Content-Length', '1'], isUpgrade: true }), { scheme: 'https' }],
  ['a WebSocket in HTTP/1.0', inTunnel({ httpVersion: '1.0', fields: ['Host', 'a.test', ...HANDSHAKE], isUpgrade: true }), { scheme: 'https' }],
  ['an offer of h2c', inTunnel({ fields: ['Host', 'a.test', 'Connection', 'Upgrade', 'Upgrade', 'h2c'], isUpgrade: true }), { scheme: 'https' }],
  ['an override is a second method', inTunnel({ method: 'POST', fields: ['Host', 'a.test', 'X-HTTP-Method-Override', 'delete'] }), { method: 'POST', methods: ['POST', 'DELETE'] }],
  ['an override that overrides nothing', inTunnel({ fields: ['Host', 'a.test', 'X-HTTP-Method', 'GET'] }), { methods: ['GET'] }],
  ['a chunked body', inTunnel({ method: 'PUT', fields: ['Host', 'a.test', 'Transfer-Encoding', 'chunked'] }), { hasContent: true, contentLength: null }],
  ['OPTIONS of a path', inTunnel({ method: 'OPTIONS' }), { method: 'OPTIONS' }],
]
for (const [why, raw, facts] of sound) t.match(normalizeRequest(raw), { kind: 'facts', facts }, why)

// [why, request, code]
const refused: [string, RawRequest, string][] = [
  ['HTTP/2.0', inTunnel({ httpVersion: '2.0' }), 'malformed_request'],
  ['a method that is no token', inTunnel({ method: 'GE(T' }), 'malformed_request'],
  ['no method', inTunnel({ method: '' }), 'malformed_request'],
  ['TRACE', inTunnel({ method: 'TRACE' }), 'method_refused'],
  ['trace', inTunnel({ method: 'trace' }), 'method_refused'],
  ['TRACE on the proxy port', onPort('http://a.test/', { method: 'TRACE' }), 'method_refused'],
  ['CONNECT in a tunnel', inTunnel({ method: 'CONNECT', target: 'b.test:443' }), 'method_refused'],
  ['TRACE as an override', inTunnel({ fields: ['Host', 'a.test', 'X-HTTP-Method-Override', 'Trace'] }), 'method_refused'],
  ['no Host', inTunnel({ fields: [] }), 'malformed_request'],
  ['no Host beside an absolute form', onPort('http://a.test/', { fields: [] }), 'malformed_request'],
  ['no Host in HTTP/1.0 in origin-form', inTunnel({ httpVersion: '1.0', fields: [] }), 'malformed_request'],
  ['two Hosts', inTunnel({ fields: ['Host', 'a.test', 'host', 'a.test'] }), 'malformed_request'],
  ['an empty Host', inTunnel({ fields: secondTo('') }), 'malformed_request'],
  ['userinfo in Host', inTunnel({ fields: secondTo('a.test@b.test') }), 'malformed_request'],
  ['a malformed Host in front of the right one', inTunnel({ fields: secondTo('a.test ') }), 'malformed_request'],
  ['a bare IPv6 address in Host', inTunnel({ tunnel: tunnelTo('::1', 443, { hostKind: 'ipv6', serverName: null }), fields: secondTo('::1') }), 'malformed_request'],
  ['another Host', inTunnel({ fields: secondTo('b.test') }), 'misdirected'],
  ['a subdomain of the host', inTunnel({ fields: secondTo('x.a.test') }), 'misdirected'],
  ['another port in Host', inTunnel({ fields: secondTo('a.test:8443') }), 'misdirected'],
  ['another Host than the target', onPort('http://b.test/'), 'misdirected'],
  ['another port than the target', onPort('http://a.test:8080/', { fields: secondTo('a.test:80') }), 'misdirected'],
  ['an SNI of another host', inTunnel({ tunnel: tunnelTo('a.test', 443, { serverName: 'b.test' }) }), 'misdirected'],
  ['an SNI with a port', inTunnel({ tunnel: tunnelTo('a.test', 443, { serverName: 'a.test:443' }) }), 'misdirected'],
  ['an SNI with a NUL', inTunnel({ tunnel: tunnelTo('a.test', 443, { serverName: 'a.test\0.b.test' }) }), 'misdirected'],
  ['an SNI of bytes that IDNA would make the host of', inTunnel({ tunnel: tunnelTo('xn--bcher-kva.test', 443, { serverName: 'b\xfccher.test' }), fields: secondTo('xn--bcher-kva.test') }), 'misdirected'],
  ['an absolute form of another host in a tunnel', inTunnel({ target: 'https://b.test/' }), 'misdirected'],
  ['an absolute form of another port in a tunnel', inTunnel({ target: 'https://a.test:8443/' }), 'misdirected'],
  ['an absolute form of the default port in a tunnel to another', inTunnel({ tunnel: tunnelTo('a.test', 8443), target: 'https://a.test/' }), 'misdirected'],
  ['an absolute form of another scheme in a tunnel', inTunnel({ target: 'http://a.test/' }), 'malformed_target'],
  ['origin-form on the proxy port', onPort('/x'), 'malformed_target'],
  ['https on the proxy port', onPort('https://a.test/'), 'use_connect'],
  ['https with userinfo on the proxy port', onPort('https://u@a.test/'), 'malformed_target'],
  ['ftp', onPort('ftp://a.test/'), 'malformed_target'],
  ['ws as a scheme', onPort('ws://a.test/'), 'malformed_target'],
  ['userinfo in the target', onPort('http://a.test@b.test/'), 'malformed_target'],
  ['a fragment right behind the host', onPort('http://a.test#b.test/'), 'malformed_target'],
  ['a backslash behind the host', onPort('http://a.test\\@b.test/'), 'malformed_target'],
  ['no host at all', onPort('http:///x'), 'malformed_target'],
  ['one slash', onPort('http:/a.test/'), 'malformed_target'],
  ['an asterisk for all', inTunnel({ method: 'OPTIONS', target: '*' }), 'malformed_target'],
  ['an asterisk for GET', inTunnel({ target: '*' }), 'malformed_target'],
  ['an asterisk on the proxy port', onPort('*', { method: 'OPTIONS' }), 'malformed_target'],
  ['no target', inTunnel({ target: '' }), 'malformed_target'],
  ['a dot segment', inTunnel({ target: '/a/..' }), 'malformed_target'],
  ['a dot segment in an absolute form', onPort('http://a.test/a/%2e%2e'), 'malformed_target'],
  ['a target beyond every limit', inTunnel({ target: `/${'a'.repeat(65_536)}` }), 'target_too_long'],
  ['both framings, should the wire be read otherwise', inTunnel({ fields: ['Host', 'a.test', 'Content-Length', '0', 'Transfer-Encoding', 'chunked'] }), 'malformed_request'],
]
for (const [why, raw, code] of refused) {
  const found = normalizeRequest(raw)
  t.match(found, { kind: 'refused', code, unread: { client: 'agent', method: raw.method, target: raw.target } }, why)
}

t.test('what is refused is logged with the place it was for, where that is known', async t => {
  t.match(normalizeRequest(inTunnel({ target: '*' })), { unread: { scheme: 'https', host: 'a.test', port: 443 } })
  t.match(normalizeRequest(onPort('https://A.test:8443/')), { unread: { host: 'a.test', port: 8443 } })
  t.match(normalizeRequest(onPort('http://b.test/')), { unread: { scheme: 'http', host: 'b.test', port: 80 } })
  t.match(normalizeRequest(onPort('http://a@b/')), { unread: { host: null, port: null } })
})

const connect = (target: string, rest: { httpVersion?: string, fields?: string[] } = {}): Normalized =>
  normalizeConnect({ client: 'agent', target, httpVersion: '1.1', fields: ['Host', target], ...rest })

t.test('a CONNECT comes out as an opaque stream', async t => {
  t.strictSame(connect('A.test.:8443'), { kind: 'facts', facts: { kind: 'stream', client: 'agent', scheme: 'tcp', host: 'a.test', hostKind: 'name', port: 8443 } })
  t.match(connect('a.test:443', { fields: ['Host', 'a.test'] }), { kind: 'facts' }, 'a Host without a port agrees')
  t.match(connect('a.test:443', { httpVersion: '1.0', fields: [] }), { kind: 'facts' }, 'old clients send no Host')
  t.match(connect('[::1]:443'), { kind: 'facts', facts: { host: '::1', hostKind: 'ipv6' } }, 'an address')
})

// [why, CONNECT, code]
const refusedConnects: [string, Normalized, string][] = [
  ['no port', connect('a.test'), 'malformed_target'],
  ['a name that is none', connect('a..test:443'), 'malformed_target'],
  ['userinfo', connect('a.test@b.test:443'), 'malformed_target'],
  ['no Host', connect('a.test:443', { fields: [] }), 'malformed_request'],
  ['two Hosts', connect('a.test:443', { fields: ['Host', 'a.test', 'Host', 'a.test'] }), 'malformed_request'],
  ['another Host', connect('b.test:443', { fields: ['Host', 'a.test:443'] }), 'misdirected'],
  ['another port', connect('a.test:443', { fields: ['Host', 'a.test:80'] }), 'misdirected'],
  ['a malformed Host', connect('a.test:443', { fields: ['Host', 'a.test/x'] }), 'malformed_request'],
  ['a body', connect('a.test:443', { fields: ['Host', 'a.test', 'Content-Length', '5'] }), 'malformed_request'],
  ['a chunked body', connect('a.test:443', { fields: ['Host', 'a.test', 'Transfer-Encoding', 'chunked'] }), 'malformed_request'],
  ['HTTP/2.0', connect('a.test:443', { httpVersion: '2.0' }), 'malformed_request'],
]
for (const [why, found, code] of refusedConnects) t.match(found, { kind: 'refused', code, unread: { client: 'agent', method: 'CONNECT' } }, `CONNECT: ${why}`)

t.test('nothing that a client writes makes it throw, and nothing malformed becomes facts', async t => {
  const texts = [...sound, ...refused].flatMap(([, raw]) => [raw.target, raw.method, ...raw.fields]).filter(text => text.length < 1_000)
  const mutations = mutationsOf(t, texts, Infinity)
  const random = randomFrom(7)
  const next = (text: string): string => random() < 0.7 ? text : mutations.next().value as string
  const kinds = new Set<string>()
  for (let i = 0; i < 20_000; i++) {
    const [, raw] = [...sound, ...refused][i % (sound.length + refused.length)]!
    const mutated: RawRequest = { ...raw, method: next(raw.method), target: next(raw.target), fields: raw.fields.map(next) }
    const found = normalizeRequest(mutated)
    kinds.add(found.kind)
    if (found.kind === 'facts' && !isWellFormed(found.facts, mutated)) t.fail(JSON.stringify(mutated))
    kinds.add(normalizeConnect({ client: 'agent', target: next('a.test:443'), httpVersion: '1.1', fields: mutated.fields }).kind)
  }
  t.strictSame([...kinds].sort(), ['facts', 'refused'])
})

/** What every other room relies on. */
function isWellFormed(facts: Facts, raw: RawRequest): boolean {
  if (facts.kind !== 'request') return false
  const isOfTunnel = raw.tunnel === null || (facts.host === raw.tunnel.authority.host && facts.port === raw.tunnel.authority.port)
  return isOfTunnel && /^\/[\x21-\x7e]*$/.test(facts.target) && !/[@#\s]/.test(facts.host) && facts.port >= 1 && facts.port <= 65_535
    && (raw.target.endsWith(facts.target) || raw.target.endsWith(facts.target.slice(1))) && facts.methods[0] === raw.method
}

/** Every head in the bytes, as a parser would give it that is as lenient as ours is strict. */
function headsOf(text: string): { method: string, target: string, httpVersion: string, fields: string[] }[] {
  return [...text.matchAll(/([^ \r\n]+) ([^\r\n]*) HTTP\/([\d.]+)\r\n((?:[^\r\n]+\r\n)*)\r\n/g)].map(([, method = '', target = '', httpVersion = '', lines = '']) => ({
    method, target, httpVersion,
    fields: lines.split('\r\n').slice(0, -1).flatMap(line => { const colon = line.indexOf(':'); return [line.slice(0, colon), line.slice(colon + 1).trim()] }),
  }))
}

t.test('of the raw requests, every 400 and 421 is found on the wire or here', async t => {
  const codes: Record<string, number> = { malformed_request: 400, malformed_target: 400, method_refused: 400, use_connect: 400, misdirected: 421 }
  let judged = 0
  for (const { id, why, via, connect: authority = '', sni, bytes, outcomes } of rawCases) {
    const watch = createHeadWatch({ headBytes: 16_384, targetBytes: 8_192, fields: 200 })
    watch.push(bytes)
    const [head] = headsOf(bytes.toString('latin1'))
    if (watch.fault !== null || head === undefined) continue
    judged++
    const opened = via === 'tunnel' ? normalizeConnect({ client: '', target: authority, httpVersion: '1.1', fields: ['Host', authority] }) : null
    const tunnel = opened?.kind === 'facts' ? { authority: opened.facts, isSecure: true, serverName: sni ?? authority.replace(/:\d+$/, '') } : null
    const raw = { ...head, client: '', isUpgrade: head.fields.some(text => /^upgrade$/i.test(text)), tunnel }
    const found: Normalized = head.method === 'CONNECT' && via === 'absolute-form' ? normalizeConnect(raw) : normalizeRequest(raw)
    const statuses = outcomes.map(({ status, upstreamRequests = 0 }) => status === 'forwarded' || status === 403 || upstreamRequests > 0 ? 'judged' : status)
    t.ok(statuses.includes(found.kind === 'facts' ? 'judged' : codes[found.code] ?? 0), `${id}: ${why}`)
    if (found.kind === 'facts' && found.facts.kind === 'request') t.match(found.facts.scheme, /^https?$/, `${id}: is no WebSocket`)
  }
  t.ok(judged >= 185, `${judged} were judged`)
})
