import t from 'tap'
import { readFileSync } from 'node:fs'
import { canonicalHost } from '../../lib/normalize/host.ts'

interface Case {
  readonly id: string
  readonly why: string
  readonly input: string
  readonly canonical?: string
  readonly refused?: true
}

const { cases } = JSON.parse(readFileSync(new URL('vectors/host-canonical.json', import.meta.url), 'utf8')) as { cases: readonly Case[] }

for (const { id, why, input, canonical, refused } of cases) {
  t.test(`${id}: ${why}`, async t => {
    const found = canonicalHost(input)
    if (refused === true || found.kind === 'refused') return t.equal(found.kind, refused === true ? 'refused' : 'host')
    t.equal(found.host, canonical)
    t.strictSame(canonicalHost(found.host), found, 'what is canonical stays as it is')
  })
}
t.equal(cases.length, 71, 'no vector is left out')
