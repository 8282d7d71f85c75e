import t from 'tap'
import { readFileSync } from 'node:fs'
import { parseAuthority } from '../../lib/identify/authority.ts'
import { canonicalHost } from '../../lib/normalize/host.ts'

interface Case {
  readonly id: string
  readonly why: string
  readonly kind: 'connect' | 'host'
  readonly input: string
  readonly host?: string
  readonly port?: number | null
  readonly refused?: true
}

const { cases } = JSON.parse(readFileSync(new URL('vectors/authorities.json', import.meta.url), 'utf8')) as { cases: readonly Case[] }

for (const { id, why, kind, input, host, port, refused } of cases) {
  t.test(`${id}: ${why}`, async t => {
    const parsed = parseAuthority(kind, input)
    const canonical = parsed.kind === 'refused' ? parsed : canonicalHost(parsed.host)
    if (refused === true) return t.equal(canonical.kind, 'refused')
    t.match(canonical, { kind: 'host', host })
    t.match(parsed, { port })
  })
}
t.equal(cases.length, 75, 'no vector is left out')
