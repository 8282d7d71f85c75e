/** The packet filter, as the kernel's own tool reads it. */
import t from 'tap'
import { spawnSync } from 'node:child_process'
import { SANDBOX_DNS, sandboxRules } from '../../../lib/sandbox/nft.ts'
import { toolPath } from '../../../lib/sandbox/preflight.ts'

t.test('nft takes it', async t => {
  const { status, stderr } = spawnSync('unshare', ['--user', '--map-root-user', '--net', 'nft', '-c', '-f', '-'], { input: sandboxRules({ port: 4711 }), encoding: 'utf8', env: { PATH: toolPath(process.env) } })
  t.equal(status, 0, stderr)
})

t.test('nothing is dropped in silence, and the last word is a rejection', async t => {
  const rules = sandboxRules({ port: 4711 })
  t.notMatch(rules, /\bdrop\b/)
  t.match(rules.trim(), /reject with icmpx type port-unreachable\s*}\s*}$/)
  t.match(rules, 'redirect to :4711')
  t.match(rules, 'tcp dport 4711 reject', 'who was not redirected does not get in')
  t.match(rules, SANDBOX_DNS.v6)
})
