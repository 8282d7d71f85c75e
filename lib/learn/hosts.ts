/**
 * Hosts of one registrable domain that are one service: many shards by number or hash, or several names with the very
 * same rules.
 */
import { checkHostPattern, registrableDomain } from '../decide/patterns.ts'
import type { RuleShape } from '../model/policy.ts'
import type { Facts } from '../model/request.ts'
import type { Learned } from './generalise.ts'
import { oneOrMore } from './place.ts'
import { isIdentifier } from './shapes.ts'

/** Names with a digit in their first label that are one service together. */
const MANY = 8

/**
 * @returns for facts, the host pattern that stands for their host and its siblings; nothing where the host stands for itself
 */
export function openLabels(all: readonly Facts[]): (facts: Facts) => Pick<RuleShape, 'host'> {
  const siblings = new Map<string, Set<string>>()
  const shards = new Map<string, Shard | null>()
  const shardOf = (facts: Facts): Shard | null => {
    const known = shards.get(facts.host)
    if (known !== undefined) return known
    const shard = readShard(facts)
    shards.set(facts.host, shard)
    return shard
  }
  for (const facts of all) {
    const split = shardOf(facts)
    if (split !== null) siblings.set(split.parent, (siblings.get(split.parent) ?? new Set()).add(split.label))
  }
  return facts => {
    const split = shardOf(facts)
    const labels = split === null ? undefined : siblings.get(split.parent)
    if (split === null || labels === undefined) return {}
    const isService = labels.size >= MANY || (isIdentifier(split.label) && [...labels].filter(isIdentifier).length > 1)
    const pattern = `*.${split.parent}`
    return isService && checkHostPattern(pattern, false).kind === 'sound' ? { host: pattern } : {}
  }
}

interface Shard {
  readonly label: string
  readonly parent: string
}

/** The first label of a name, where it holds a digit and its owner gives it: what it hangs from is no public suffix. */
function readShard({ host, hostKind }: Facts): Shard | null {
  if (hostKind !== 'name') return null
  const dot = host.indexOf('.')
  const label = host.slice(0, dot)
  const parent = host.slice(dot + 1)
  if (dot < 1 || !/[0-9]/.test(label)) return null
  const domain = registrableDomain(parent)
  if (domain === null || domain !== registrableDomain(host)) return null
  return { label, parent }
}

/** Rules that differ in their host alone, within one registrable domain, become one with a list. */
export function joinHosts(rules: readonly Learned[]): readonly Learned[] {
  const joined = new Map<string, Learned[]>()
  for (const learned of rules) {
    const { host, ...rest } = learned.rule
    const domain = typeof host === 'string' ? registrableDomain(host.replace(/^\*\./, '')) : null
    const key = JSON.stringify(domain === null ? learned.rule : [domain, rest])
    const same = joined.get(key) ?? []
    joined.set(key, same)
    same.push(learned)
  }
  return [...joined.values()].map(same => {
    const [first] = same
    if (same.length === 1 || first === undefined) return first!
    return {
      rule: { ...first.rule, host: oneOrMore(same.map(({ rule }) => rule.host as string)) },
      requests: same.reduce((sum, { requests }) => sum + requests, 0),
      paths: first.paths.map((pattern, at) => ({
        ...pattern,
        requests: same.reduce((sum, { paths }) => sum + (paths[at]?.requests ?? 0), 0),
        paths: same.reduce((sum, { paths }) => sum + (paths[at]?.paths ?? 0), 0),
      })),
      examples: same.flatMap(({ examples }) => examples).slice(0, 3),
    }
  })
}
