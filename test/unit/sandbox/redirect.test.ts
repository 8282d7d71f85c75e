/** The packet filter of a shared network, as it is asked for. */
import t from 'tap'
import { applyRedirect, redirectRules } from '../../../lib/sandbox/redirect.ts'

t.test('it lets one user through, and leads to where the firewall listens by default', async t => {
  const rules = redirectRules({ uid: 1337 })
  t.match(rules, 'meta skuid 1337 return')
  t.match(rules, 'redirect to :15001')
  t.match(rules, '127.0.0.1:15053')
  t.match(redirectRules({ uid: 1, port: 7, dnsPort: 8 }), /redirect to :7\n/)
})

t.test('root is no user of its own', async t => {
  t.throws(() => redirectRules({ uid: 0 }), { code: 'E_OPTION_INVALID', message: /--uid/ })
})

t.test('rules that the kernel does not take are told, in one sentence', async t => {
  // No network of a developer is changed, whoever runs this.
  t.throws(() => applyRedirect('nonsense\nmore\n', {}), { code: 'E_REDIRECT_REFUSED', message: /\(.*syntax error.*\)/ })
})
