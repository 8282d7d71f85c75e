/** The packet filter, as the kernel's own tool reads it. */
import t from 'tap'
import { spawnSync } from 'node:child_process'
import { SANDBOX_DNS, packetsIn, sandboxRules, sidecarRules } from '../../../lib/sandbox/nft.ts'
import { toolPath } from '../../../lib/sandbox/preflight.ts'

const sidecar = sidecarRules({ uid: 1337, port: 15001, dnsPort: 15053 })

t.test('nft takes it', async t => {
  t.match(spawnSync('unshare', ['--user', '--map-root-user', '--net', 'nft', '-c', '-f', '-'], { input: sidecar, encoding: 'utf8', env: { PATH: toolPath(process.env) } }), { status: 0, stderr: '' })
  const { status, stderr } = spawnSync('unshare', ['--user', '--map-root-user', '--net', 'nft', '-c', '-f', '-'], { input: sandboxRules({ port: 4711, takesLoopbackNames: false }), encoding: 'utf8', env: { PATH: toolPath(process.env) } })
  t.equal(status, 0, stderr)
})

t.test('nothing is dropped in silence, and the last word is a rejection', async t => {
  const rules = sandboxRules({ port: 4711, takesLoopbackNames: false })
  t.notMatch(rules, /\bdrop\b/)
  t.match(rules.trim(), /reject with icmpx type port-unreachable\s*}\s*}$/)
  t.match(rules, 'redirect to :4711')
  t.match(rules, 'tcp dport 4711 reject', 'who was not redirected does not get in')
  t.match(rules, SANDBOX_DNS.v6)
})

t.test('what was rejected is counted, as nft tells it', async t => {
  const { stdout, stderr } = spawnSync('unshare', ['--user', '--map-root-user', '--net', 'sh', '-c', 'nft -f - && nft -j list counters table inet sallyport'], {
    input: sandboxRules({ port: 4711, takesLoopbackNames: false }), encoding: 'utf8', env: { PATH: toolPath(process.env) },
  })
  t.strictSame(packetsIn(stdout), { udp: 0, other: 0 }, stderr)
  t.strictSame(packetsIn(stdout.replace('"packets": 0', '"packets": 7')), { udp: 7, other: 0 })
  t.throws(() => packetsIn(''))
})

t.test('in a shared network only the firewall\'s own user is let through', async t => {
  t.notMatch(sidecar, /\bdrop\b/)
  t.match(sidecar.trim(), /reject with icmpx type port-unreachable\s*}\s*}$/)
  t.equal(sidecar.match(/meta skuid 1337 (?:return|accept)/g)?.length, 2)
  t.ok(sidecar.indexOf('dport 53 dnat') < sidecar.indexOf('127.0.0.0/8 return'), 'questions go to us also where loopback answers them')
})
