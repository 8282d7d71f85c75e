/** What comes out of a sandbox is judged by the name that was asked for, whatever the client then claims. */
import t from 'tap'
import type { Test } from 'tap'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { FirewallOptions } from '../../lib/index.ts'
import { inside, openPlace } from '../helpers/gate.ts'
import type { Ran } from '../helpers/gate.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'

interface Desk {
  readonly house: House
  readonly port: number
  readonly plain: number
  sh(script: string): Promise<Ran>
  python(script: string): Promise<Ran>
}

async function openDesk(t: Test, options: Partial<FirewallOptions> = {}, rules: readonly object[] = []): Promise<Desk> {
  const [secure, plain] = await Promise.all([startOrigin(t, { secure: true }), startOrigin(t)])
  const house = await openHouse(t, { version: 1, unmatched: 'deny', rules: [
    ...[secure, plain].map(({ port }) => ({ id: `open-${port}`, host: 'open.test', scheme: ['http', 'https'], port, private: true })), ...rules,
  ] } as never, options)
  const place = openPlace(t)
  return {
    house, port: secure.port, plain: plain.port,
    sh: script => inside(house.firewall, place, ['sh', '-c', script]),
    python: script => inside(house.firewall, place, ['python3', '-c', `import socket\ndef tcp(host, port, say=b""):\n s = socket.create_connection((host, port), 5)\n s.sendall(say)\n return s.recv(100)\n${script}`]),
  }
}

t.test('a name is resolved once it is allowed, and never before', async t => {
  const { house, port, sh } = await openDesk(t)
  const { out } = await sh(`for host in open shut secret-data.evil; do curl -s -o /dev/null -w '%{http_code} ' https://$host.test:${port}/; done`)
  t.equal(out, '200 403 403 ')
  t.strictSame(house.lookups, ['open.test'])
  t.equal((await house.closings(3)).length, 3, 'each is in the log')
})

t.test('a client that asks for one name and claims another is refused', async t => {
  const { house, port, plain, sh } = await openDesk(t)
  const status = 'curl -s -o /dev/null -w "%{http_code} "'
  const { out } = await sh(`
    ${status} --connect-to open.test:${port}:shut.test:${port} https://open.test:${port}/
    ${status} --connect-to shut.test:${port}:open.test:${port} https://shut.test:${port}/
    ${status} -H 'Host: shut.test' https://open.test:${port}/
    ${status} -H 'Host: open.test:${plain}' http://shut.test:${plain}/
    ${status} -H 'Host: shut.test' http://open.test:${plain}/
    ${status} http://open.test:${plain}/`)
  const codes = out.trim().split(' ')
  t.equal(codes.pop(), '200', 'and one that is honest is not')
  for (const code of codes) t.match(code, /^(?:000|400|403|421)$/)
  t.strictSame(house.lookups, ['open.test'])
})

t.test('other protocols go by name and port, and a server may speak first', async t => {
  const server = createServer(socket => { socket.on('error', () => {}); socket.write('hello from the database\n'); socket.pipe(socket) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const { house, python } = await openDesk(t, { limits: { silenceMs: 200 } }, [{ id: 'db', host: 'db.test', scheme: 'tcp', port, private: true }, { id: 'ask', action: 'hold', host: 'ask.test', scheme: 'tcp', port, private: true }])
  t.match(await python(`print(tcp("db.test", ${port}))\nprint(tcp("other.test", ${port}))`), { out: /hello from the database.*\nb''/ }, 'one that no rule knows is closed')
  const held = python(`print(tcp("ask.test", ${port}))`)
  const [question] = await house.questions(1)
  t.match(question, { host: 'ask.test', port })
  t.notOk(house.lookups.includes('ask.test'), 'held before it is resolved')
  await house.firewall.answer(question!.id, { verdict: 'approve', grant: 'once' })
  t.match(await held, { out: /hello from the database/ })
})

t.test('by IPv6 the same names lead to the same rulings', async t => {
  const { house, port, plain, sh } = await openDesk(t, {}, [{ id: 'stream', host: 'stream.test', scheme: 'tcp', port: 1, private: true }])
  const { out, err } = await sh(`
    for url in https://open.test:${port}/ http://open.test:${plain}/ http://shut.test/ https://open.test:${plain + 1}/; do curl -6 -s -o /dev/null -w '%{http_code} ' $url; done
    curl -6 -s -o /dev/null -w '%{http_code} ' --connect-to shut.test:${port}:open.test:${port} -k https://shut.test:${port}/
    curl -s -o /dev/null -w '%{http_code} ' http://[fd53:616c:6c79:1::c613:1]/
    python3 -c 'import socket; s = socket.create_connection((socket.getaddrinfo("stream.test", 1, socket.AF_INET6)[0][4][0], 1)); print(socket.gethostbyaddr(s.getpeername()[0])[0], s.recv(9))'`)
  t.equal(out, '200 200 403 403 421 000 stream.test b\'\'\n', err)
  t.strictSame([...new Set(house.lookups)].sort(), ['open.test', 'stream.test'], 'what is denied is not resolved')
  t.match((await house.closings(7)).map(({ host }) => host), ['open.test', 'open.test', 'shut.test', 'open.test', 'open.test', 'fd53:616c:6c79:1::c613:1', 'stream.test'])
})

t.test('an address is no name', async t => {
  const { house, sh, python } = await openDesk(t)
  const { out } = await sh('for to in 192.0.2.7 [2001:db8::7] 198.18.200.1; do curl -s -o /dev/null -w "%{http_code} " http://$to/; done')
  t.equal(out, '403 403 000 ', 'one of ours that was never given out is closed')
  t.match((await python('tcp("127.0.0.1", 80)')).err, /ConnectionRefused/, 'loopback is the sandbox\'s own')
  t.strictSame(house.lookups, [])
  t.match(house.closed.map(record => record.reason ?? ''), [/./, /./, /stands for no name/])
})

t.test('whatever resolver is asked, it is ours, over UDP and TCP', async t => {
  const { house, python } = await openDesk(t)
  const { out, err } = await python(`
import struct
def question(kind): return struct.pack(">HHHHHH", 7, 256, 1, 0, 0, 0) + b"\\x04open\\x04test\\x00" + struct.pack(">HH", kind, 1)
def udp(where, kind, family=socket.AF_INET):
 s = socket.socket(family, socket.SOCK_DGRAM); s.settimeout(5); s.sendto(question(kind), (where, 53)); return s.recv(512)
for where, family in [("198.18.0.1", socket.AF_INET), ("9.9.9.9", socket.AF_INET), ("2620:fe::fe", socket.AF_INET6)]:
 print(".".join(map(str, udp(where, 1, family)[-4:])))
print(socket.inet_ntop(socket.AF_INET6, udp("9.9.9.9", 28)[-16:]), udp("9.9.9.9", 16)[3] & 15)
s = socket.create_connection(("9.9.9.9", 53), 5); s.sendall(struct.pack(">H", len(question(1))) + question(1)); print(".".join(map(str, s.recv(512)[-4:])))`)
  const [first, ...others] = out.trim().split('\n')
  t.match(first, /^198\.1[89]\./, err)
  const [a = 0, b = 0, c = 0, d = 0] = first!.split('.').map(Number)
  const six = `fd53:616c:6c79:1::${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)} 5`
  t.strictSame(others, [first, first, six, first], 'the same address everywhere, also in IPv6; TXT is refused')
  t.strictSame(house.lookups, [])
})

t.test('what is neither TCP nor a question for a name is refused at once, counted and logged', async t => {
  const { house, python } = await openDesk(t)
  const { out, err } = await python(`
import time
def refused(make):
 start = time.monotonic()
 try: make(); return "open"
 except OSError as error: return f"{type(error).__name__} {time.monotonic() - start < 1}"
def quic(where, family):
 s = socket.socket(family, socket.SOCK_DGRAM); s.settimeout(5); s.connect((where, 443)); s.send(b"x"); s.recv(9)
print(refused(lambda: quic("192.0.2.9", socket.AF_INET)))
print(refused(lambda: quic("2001:db8::9", socket.AF_INET6)))
print(refused(lambda: quic("open.test", socket.AF_INET)))`)
  t.strictSame(out.trim().split('\n'), Array(3).fill('PermissionError True'), err)
  // What is noted in a turn is written at its end.
  await new Promise(setImmediate)
  const rejected = house.records.filter(({ reason }) => reason?.startsWith('packets were rejected'))
  t.match(rejected, [{ event: 'notice', details: { client: 'sandbox', udp: 3, other: 0 } }])
})

t.test('of a thousand connections at a hundred at a time none is lost', { timeout: 90_000 }, async t => {
  const { plain, python } = await openDesk(t)
  const { out, err } = await python(`
from concurrent.futures import ThreadPoolExecutor
def one(n): return tcp("open.test", ${plain}, b"GET / HTTP/1.1\\r\\nHost: open.test:${plain}\\r\\nConnection: close\\r\\n\\r\\n")[9:12]
with ThreadPoolExecutor(100) as pool: found = list(pool.map(one, range(1000)))
print(found.count(b"200"))`)
  t.equal(out, '1000\n', err.slice(-500))
})
