/** The class of an address. */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { classifyAddress } from '../../lib/decide/address.ts'

interface Case { id: string, why: string, address: string, class: string }

const { cases } = JSON.parse(readFileSync(new URL('vectors/addresses.json', import.meta.url), 'utf8')) as { cases: Case[] }

/** Where a vector contradicts the policy language, the language wins. */
const CORRECTED: Record<string, string> = {
  // "Metadata also: … 169.254.169.253"; the vector calls it the neighbour of one.
  'addr-link4-03': 'metadata',
}

t.ok(cases.length > 120, 'the vectors were found')
for (const { id, why, address, class: expected } of cases) {
  t.equal(classifyAddress(address), CORRECTED[id] ?? expected, `${id}: ${why}`)
}
