/**
 * What is legal in a policy and unwise: rules that do nothing, and rules that do more than they look.
 */
import { below, shown, warning } from './problems.ts'
import type { Problem } from './problems.ts'
import { list } from './extent.ts'
import type { Extent } from './extent.ts'
import { findShadows } from './shadows.ts'
import { searchSteps } from '../decide/patterns.ts'
import type { PolicyDocument } from '../model/policy.ts'

/** @param now milliseconds since 1970 */
export function findWarnings(document: PolicyDocument, extents: readonly Extent[], now: number): readonly Problem[] {
  return [
    ...document.unmatched === 'observe' ? [warning('/unmatched', 'With "observe" a request that no rule matches passes, and is only recorded.', 'Use it to learn a policy; then write "hold" or "deny".')] : [],
    ...extents.flatMap(extent => warnOfRule(extent, now)),
    ...warnOfRewriting(extents),
    ...warnOfSearching(extents),
    ...findShadows(extents),
  ]
}

const BUDGETS = ['maxUses', 'maxBytes', 'maxRequestsPerMinute'] as const

function warnOfRule(extent: Extent, now: number): Problem[] {
  const { rule, action, hosts, networks, schemes, pointer } = extent
  const problems: Problem[] = []
  if (rule.expires !== undefined && now >= Date.parse(rule.expires)) {
    problems.push(warning(below(pointer, 'expires'), `"${extent.id}" expired at ${shown(rule.expires)} and does nothing.`, 'Take the rule out, or give it a later time.'))
  }
  if (action !== 'deny' && hosts.some(isWide)) {
    problems.push(warning(below(pointer, 'host'), `"${extent.id}" is for hosts of every domain.`, 'Name the domains that are meant.'))
  } else if (action === 'allow' && hosts.some(host => host.startsWith('**'))) {
    problems.push(warning(below(pointer, 'host'), `"${extent.id}" allows every host at any depth below a domain, whoever runs it.`, 'Write "*." for one label, or name the hosts.'))
  }
  if (action === 'allow' && networks.some(network => network.endsWith('/0'))) {
    problems.push(warning(below(pointer, 'cidr'), `"${extent.id}" is for every address.`, 'Name the networks that are meant.'))
  }
  if (action === 'allow' && list(rule.private ?? false).some(isEverywhere)) {
    problems.push(warning(below(pointer, 'private'), `"${extent.id}" opens the private addresses of every network.`, 'Name the networks that are meant, or write true, which says the same.'))
  }
  if (rule.anyHost === true && !hosts.some(isUnderSuffix) && !networks.some(network => network.endsWith('/0'))) {
    problems.push(warning(below(pointer, 'anyHost'), `"${extent.id}" says "anyHost" and has no pattern that needs it.`, 'Take "anyHost" out.'))
  }
  if (rule.tls === 'passthrough' && action !== 'deny') {
    problems.push(warning(below(pointer, 'tls'), `"${extent.id}" passes TLS through unread: no rule about methods, paths, queries or headers applies there.`, 'Use "inspect", unless the client pins its certificates.'))
  }
  if (action !== 'allow') {
    for (const name of BUDGETS) if (rule[name] !== undefined) problems.push(warning(below(pointer, name), `"${extent.id}" is a ${action} rule, and its uses are not counted.`, `Take "${name}" out.`))
  }
  if (action === 'allow' && rule.access === 'read-only' && [...schemes].every(scheme => scheme === 'ws' || scheme === 'wss')) {
    problems.push(warning(below(pointer, 'access'), `"${extent.id}" allows nothing: "read-only" never covers a WebSocket.`, 'Write "method": "GET" instead of "access".'))
  }
  return problems
}

function isWide(host: string): boolean {
  return host.split('.').every(label => label.includes('*'))
}

/** A network that no operator has. */
function isEverywhere(network: string | boolean): boolean {
  const [address = '', prefix = ''] = String(network).split('/')
  return prefix !== '' && Number(prefix) < (address.includes(':') ? 16 : 8)
}

/** One label behind the wildcard may be a public suffix; so may two (`*.co.uk`), and what they are only decide/ knows. */
function isUnderSuffix(host: string): boolean {
  return host.includes('*')
}

/** Fields by which some origins let a request name another path than its target's. */
const REWRITING = ['x-original-url', 'x-rewrite-url'] as const

/** Once for the policy: a rule that relies on the path is only as good as the origin's reading of it. */
function warnOfRewriting(extents: readonly Extent[]): Problem[] {
  const relying = extents.find(({ action, rule, pointer }) => action === 'allow' && rule.path !== undefined && pointer.startsWith('/rules/'))
  if (relying === undefined) return []
  const isNamed = (field: string): boolean => extents.some(({ action, rule }) => action !== 'allow' && Object.keys(rule.header ?? {}).some(name => name.toLowerCase() === field))
  const open = REWRITING.filter(field => !isNamed(field))
  if (open.length === 0) return []
  return [warning(below(relying.pointer, 'path'), `"${relying.id}" relies on the path, and some origins take another path from ${open.join(' or ')}, which no rule names.`,
    `Deny them, for example "header": { ${shown(open[0])}: "*" } in a deny rule for ${list(relying.rule.host ?? relying.rule.cidr ?? '**').map(shown).slice(0, 3).join(', ')}.`)]
}

/** Steps for each segment of a path. A path of 20 segments that is read in two ways is then tried on all of them with some to spare (decide/effort.ts). */
const MAX_SEARCH_STEPS = 1_000

/** Once for each host: only its length keeps a path from being judged, and nobody would look for that. */
function warnOfSearching(extents: readonly Extent[]): Problem[] {
  const steps = new Map<string, number>()
  return extents.flatMap(({ id, rule, hosts, pointer }) => {
    const own = list(rule.path ?? []).reduce((sum, path) => sum + searchSteps(path), 0)
    if (own === 0) return []
    return hosts.flatMap(host => {
      const before = steps.get(host) ?? 0
      steps.set(host, before + own)
      return before > MAX_SEARCH_STEPS || before + own <= MAX_SEARCH_STEPS ? [] : [warning(below(pointer, 'path'), `With "${id}" so many patterns for ${shown(host)} have something between two "**" that a long path cannot be tried on all of them in time, and is denied.`,
        'Write one "**" where that is enough, or name the first segments.')]
    })
  })
}
