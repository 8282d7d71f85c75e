/**
 * What it means that a case got through: from "went elsewhere" to "an origin may read this in two ways". Pure.
 *
 * A scoreboard that called all of them the same would be unfair to those who pass on what is merely unclean.
 */
import type { Case } from '../../lib/conformance/cases.ts'
import type { CaseResult } from '../../lib/conformance/run.ts'

export type Breach = 'elsewhere' | 'split' | 'fields' | 'unclear'

/** The worst first. */
export const breaches: Readonly<Record<Breach, { readonly title: string, readonly means: string }>> = {
  elsewhere: { title: 'went elsewhere', means: 'an origin got a request that names a host or an address which nobody allowed' },
  split: { title: 'one became two', means: 'bytes in which one reader sees one request, and another two, reached an origin as two. Whether the proxy judged the second as well cannot be seen from outside' },
  fields: { title: 'wrong fields', means: 'fields that end at a proxy went on (credentials for it, those named in Connection, offers to upgrade, `Proxy`), or a request came out changed or in another order' },
  unclear: { title: 'unclear, passed on', means: 'a request to an allowed host that two parties may read differently, or that is not as the standard wants it, was passed on, as it was or mended. No harm in itself: it is what the others are made of' },
}

/** @returns null for a case that did not get through */
export function breachOf(one: Case, { verdict, reached = [] }: Pick<CaseResult, 'verdict' | 'reached'>): Breach | null {
  if (verdict !== 'through') return null
  if (reached.some(({ target, hosts }) => namesAnother(target, hosts))) return 'elsewhere'
  if (reached.some(({ target }) => target === '/smuggled')) return 'split'
  const sound = 'anyOf' in one.expect ? one.expect.anyOf : [one.expect]
  return sound.some(({ upstreamRequests }) => upstreamRequests > 0 && reached.length <= upstreamRequests) ? 'fields' : 'unclear'
}

const NAME = /^(?:[a-z0-9-]+\.)*[a-z0-9-]+\.?$|^\[[0-9a-f:.]+\]$/i
const ALLOWED = /^allow\d\d\.test\.?$/i

/** Whether an origin would take it for somebody else's, beyond doubt: an absolute target goes before Host, and two Host fields are no name. */
function namesAnother(target: string, hosts: readonly string[]): boolean {
  const absolute = /^[a-z]+:\/\/([^/?#]*)/i.exec(target)?.[1]
  const [only = ''] = hosts
  const authority = absolute ?? (hosts.length === 1 ? only : '')
  const host = authority.replace(/:\d+$/, '')
  return NAME.test(host) && !ALLOWED.test(host)
}
