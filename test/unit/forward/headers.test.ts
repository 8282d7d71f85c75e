/** Which fields cross the house, and which do not. */
import t from 'tap'
import { announcedLength, hostField, readFields, requestFields, responseFields, trailerFields } from '../../../lib/forward/headers.ts'
import { requestPermit } from './fixtures.ts'
import type { RequestFacts } from '../../../lib/model/request.ts'

t.test('what belongs to a hop, to a proxy or to the framing never goes up', async t => {
  // [why, name]
  const rows: [string, string][] = [
    ...['Connection', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade', 'HTTP2-Settings'].map(name => ['RFC 9110 §7.6.1', name] as [string, string]),
    ['framing is ours', 'Content-Length'], ['written from the permit', 'Host'], ['undici cannot send it, we ask for the body ourselves', 'Expect'],
    ['credentials for us (B-284)', 'Proxy-Authorization'], ['any other of ours', 'Proxy-Anything'], ['httpoxy (B-285)', 'Proxy'],
  ]
  for (const [why, name] of rows) {
    for (const spelled of [name, name.toLowerCase(), name.toUpperCase()]) t.strictSame(requestFields(['A', '1', spelled, 'x', 'b', '2']), ['A', '1', 'b', '2'], `${spelled}: ${why}`)
  }
  t.strictSame(requestFields(['__proto__', '1', 'constructor', '2', 'X', '3', 'x', '4']), ['__proto__', '1', 'constructor', '2', 'X', '3', 'x', '4'])
})

t.test('Connection takes away what it names, but nothing that frames, routes or authenticates (B-286)', async t => {
  t.strictSame(requestFields(['Connection', 'close, X-Hop ,', 'x-hop', '1', 'CONNECTION', 'x-other', 'X-Other', '2', 'Kept', '3']), ['Kept', '3'])
  for (const name of ['Authorization', 'Cookie', 'Content-Type', 'Content-Encoding', 'Range', 'Origin']) t.strictSame(requestFields(['Connection', name, name, 'x']), [name, 'x'], name)
  for (const name of ['Set-Cookie', 'Location', 'WWW-Authenticate', 'Cache-Control', 'Content-Type']) t.strictSame(responseFields(['Connection', name, name, 'x']), [name, 'x'], name)
  t.strictSame(requestFields(['Connection', 'keep-alive', 'Kept', '1']), ['Kept', '1'])
})

t.test('what we say ourselves nobody else says to the client', async t => {
  t.strictSame(responseFields(['Sallyport-Flow', 'x', 'sallyport-anything', 'x', 'Proxy-Authenticate', 'Basic', 'Proxy-Authentication-Info', 'x', 'Content-Length', '2', 'Transfer-Encoding', 'chunked', 'Kept', '1']), ['Kept', '1'])
  t.strictSame(responseFields(['Proxy-Status', 'upstream']), ['Proxy-Status', 'upstream'], 'each hop says its own (RFC 9209)')
})

t.test('a trailer changes nothing about how the message before it is read', async t => {
  for (const name of ['Transfer-Encoding', 'Content-Length', 'Content-Type', 'Host', 'Authorization', 'Cookie', 'Set-Cookie', 'WWW-Authenticate', 'Location', 'Cache-Control', 'Expect', 'Range', 'Trailer', 'Proxy-Status', 'Sallyport-Flow', 'Connection', 'TE']) {
    t.strictSame(trailerFields([name, 'x', 'grpc-status', '0']), ['grpc-status', '0'], name)
  }
})

t.test('fields are read as bytes, and what is no field is none', async t => {
  const raw = (...parts: string[]): Buffer[] => parts.map(part => Buffer.from(part, 'latin1'))
  t.strictSame(readFields(raw('A', 'b\xe9\tc', 'x-y!', '')), ['A', 'b\xe9\tc', 'x-y!', ''])
  for (const name of ['', 'a b', 'a:', 'a\0', 'a\x7f', 'ä', 'a\r\n']) t.equal(readFields(raw(name, 'x')), null, JSON.stringify(name))
  for (let byte = 0; byte < 256; byte++) {
    const isLegal = byte === 9 || (byte >= 32 && byte !== 127)
    t.equal(readFields([Buffer.from('a'), Buffer.from([0x61, byte, 0x61])]) !== null, isLegal, `byte ${byte} in a value`)
  }
  t.not(readFields(raw(...Array.from({ length: 2_000 }, () => 'a'))), null)
  t.equal(readFields(raw(...Array.from({ length: 2_002 }, () => 'a'))), null, 'more than a thousand')
})

t.test('an answer announces one length, or none', async t => {
  // [what it shows, fields, length]
  const rows: [string, string[], number | null | 'invalid'][] = [
    ['nothing', ['A', '1'], null],
    ['a length', ['content-LENGTH', '12'], 12],
    ['zero', ['Content-Length', '0'], 0],
    ['chunked', ['Transfer-Encoding', ' Chunked '], null],
    ['two equal ones', ['Content-Length', '1', 'Content-Length', '1'], 'invalid'],
    ['a list', ['Content-Length', '1, 1'], 'invalid'],
    ['a sign', ['Content-Length', '+1'], 'invalid'],
    ['nothing where a number should be', ['Content-Length', ''], 'invalid'],
    ['more than a number holds', ['Content-Length', '9'.repeat(16)], 'invalid'],
    ['both', ['Content-Length', '1', 'Transfer-Encoding', 'chunked'], 'invalid'],
    ['another coding', ['Transfer-Encoding', 'gzip, chunked'], 'invalid'],
    ['chunked twice', ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], 'invalid'],
  ]
  for (const [shows, fields, length] of rows) t.equal(announcedLength(fields), length, shows)
})

t.test('Host is the authority that was judged', async t => {
  const facts = (request: Parameters<typeof requestPermit>[1], port = 443): RequestFacts => requestPermit(port, request).facts as RequestFacts
  const https = { scheme: 'https' } as const
  // [what it shows, facts, client's fields, Host]
  const rows: [string, RequestFacts, string[], string][] = [
    ['a default port is not written', facts(https), ['Host', 'origin.test'], 'origin.test'],
    ['unless the client wrote it, and may have signed it', facts(https), ['hOST', 'origin.test:443'], 'origin.test:443'],
    ['any other port is', facts(https, 8443), ['Host', 'origin.test:8443'], 'origin.test:8443'],
    ['80 is no default of https', facts(https, 80), ['Host', 'origin.test:80'], 'origin.test:80'],
    ['http has its own', facts({}, 80), ['Host', 'origin.test'], 'origin.test'],
    ['so has wss', facts({ scheme: 'wss' }), [], 'origin.test'],
    ['the spelling is the one that was judged', facts(https), ['Host', 'ORIGIN.test.'], 'origin.test'],
    ['whatever the client wrote', facts(https), ['Host', 'evil.test'], 'origin.test'],
    ['IPv6 stands in brackets', facts({ ...https, host: '2001:db8::1', hostKind: 'ipv6' }), [], '[2001:db8::1]'],
    ['with its port outside', facts({ ...https, host: '2001:db8::1', hostKind: 'ipv6' }, 1), [], '[2001:db8::1]:1'],
  ]
  for (const [shows, given, fields, host] of rows) t.equal(hostField(given, fields), host, shows)
})

t.test('where else an upstream could be reached is not told to the client', async t => {
  t.strictSame(responseFields(['Alt-Svc', 'h3=":443"', 'X-Alt-Svc', 'stays']), ['X-Alt-Svc', 'stays'])
  t.strictSame(trailerFields(['alt-svc', 'clear']), [])
})
