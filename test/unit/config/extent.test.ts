import t from 'tap'
import { extentOf, portsOf } from '../../../lib/config/extent.ts'
import { compileRule, createPatternCache } from '../../../lib/decide/rule.ts'
import type { RuleDocument } from '../../../lib/model/policy.ts'
import type { Scheme } from '../../../lib/model/request.ts'

t.test('rules are compared with the defaults by which they are judged', async t => {
  const actions = ['allow', 'hold', 'deny', undefined] as const
  const parts: Partial<RuleDocument>[] = [{}, { method: 'GET' }, { method: ['GET', 'POST'] }, { access: 'read-only' }, { access: 'read-write' }, { access: 'full' }, { scheme: 'http' }, { scheme: ['wss', 'ws'] }, { tls: 'passthrough' }, { path: ['/a', '/b/*'] }, { path: ['/a', '/**'] }, { query: { a: '*' } }, { header: { a: '*' } }, { port: [1, '80-90'] }]
  for (const action of actions) {
    for (const part of parts) {
      const rule: RuleDocument = { id: 'r', host: 'Example.COM', ...part, ...(action === undefined ? {} : { action }) }
      const extent = extentOf(rule, '/rules/0')
      const compiled = compileRule(rule, createPatternCache())
      const says = JSON.stringify(rule)
      t.strictSame([...extent.schemes].sort(), [...compiled.schemes].sort(), `schemes of ${says}`)
      t.strictSame(extent.methods === null ? null : [...extent.methods], compiled.methods === null ? null : [...compiled.methods], `methods of ${says}`)
      t.strictSame(extent.hosts, compiled.hosts.map(({ text }) => text), `hosts of ${says}`)
      t.strictSame(extent.paths, compiled.paths.map(({ text }) => text), `paths of ${says}`)
      t.equal(extent.needsRequest, compiled.needsRequest, `whether ${says} needs a request`)
      if (compiled.ports !== null) t.strictSame(portsOf(extent, 'https'), compiled.ports, `ports of ${says}`)
    }
  }
})

t.test('without a port an allow rule means that of the scheme, and others every port', async t => {
  const ports = (action: 'allow' | 'hold' | 'deny', scheme: Scheme) => portsOf(extentOf({ id: 'r', host: 'a.example', action }, ''), scheme)
  t.strictSame(ports('allow', 'https'), [[443, 443]])
  t.strictSame(ports('allow', 'ws'), [[80, 80]])
  t.strictSame(ports('deny', 'https'), [[1, 65_535]])
  t.strictSame(ports('hold', 'http'), [[1, 65_535]])
})
