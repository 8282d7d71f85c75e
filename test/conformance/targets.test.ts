import t from 'tap'
import { readFileSync } from 'node:fs'
import { readTarget } from '../../lib/normalize/path.ts'
import { normalizeRequest } from '../../lib/normalize/request.ts'
import type { CanonicalHost } from '../../lib/model/request.ts'

interface Case {
  readonly id: string
  readonly why: string
  readonly target: string
  readonly readings?: readonly string[]
  readonly refused?: true
}

const { cases } = JSON.parse(readFileSync(new URL('vectors/targets.json', import.meta.url), 'utf8')) as { cases: readonly Case[] }

/** As a set, and hex digits without regard to case. */
const asSet = (readings: readonly string[]): string[] => readings.map(reading => reading.replace(/%../g, escape => escape.toUpperCase())).sort()

/** An absolute form is for the proxy's port, any other target for a tunnel. */
const asRequest = (target: string) => normalizeRequest({
  client: 'test',
  tunnel: /^https?:/.test(target) ? null : { authority: { host: 'example.com' as CanonicalHost, hostKind: 'name', port: 443 }, isSecure: true, serverName: null },
  method: 'GET', target, httpVersion: '1.1', fields: ['Host', 'example.com'], isUpgrade: false,
})

for (const { id, why, target, readings = [], refused } of cases) {
  t.test(`${id}: ${why}`, async t => {
    const request = asRequest(target)
    if (!target.startsWith('http:')) t.equal(readTarget(target).kind, refused === true ? 'refused' : 'target')
    if (refused === true || request.kind === 'refused') return t.match(request, refused === true ? { kind: 'refused', code: 'malformed_target' } : { kind: 'facts' })
    t.strictSame(asSet(request.facts.readings), asSet(readings))
    t.ok(target.endsWith(request.facts.target) || request.facts.target.startsWith('/?') || request.facts.target === '/', 'what goes upstream is what was written')
  })
}
t.equal(cases.length, 101, 'no vector is left out')
