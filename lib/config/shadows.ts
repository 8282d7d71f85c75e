/**
 * Rules that change nothing: because another says the same, says more, or outranks them wherever they apply.
 *
 * Certain, not complete: what one rule covers is compared field by field, and a rule that only several others
 * together cover is not found. Fast where rules name different hosts or different paths; where they don't, it
 * stops at a number of comparisons and says so.
 */
import { hostPatternCovers, networkCovers, pathPatternCovers } from '../decide/patterns.ts'
import { createHostTree } from './host-tree.ts'
import { warning } from './problems.ts'
import type { Problem } from './problems.ts'
import { portsOf } from './extent.ts'
import type { Extent } from './extent.ts'
import type { Action, RuleDocument } from '../model/policy.ts'

/** About half a second. */
const MAX_COMPARISONS = 300_000

export function findShadows(extents: readonly Extent[]): readonly Problem[] {
  const candidates = indexCandidates(extents)
  const place = new Map(extents.map((extent, at) => [extent, at]))
  const problems: Problem[] = []
  let comparisons = 0
  for (const extent of extents) {
    let worst: { readonly other: Extent, readonly isTwin: boolean } | null = null
    for (const other of candidates(extent)) {
      if (other === extent || RANK[other.action] > RANK[extent.action]) continue
      // A preset is taken as a whole: nobody could take out the one rule that adds nothing.
      if (other.action === extent.action && extent.pointer.startsWith('/use/')) continue
      if (++comparisons > MAX_COMPARISONS) return [...problems, warning('/rules', 'There are too many rules for the same hosts to compare them all; the rest were not looked at for shadowed rules.', 'Join rules that differ in one field only.')]
      if (!covers(other, extent)) continue
      const isTwin = other.action === extent.action && covers(extent, other)
      // Of two that say the same, one is told of, and it is the later.
      if (isTwin && place.get(other)! > place.get(extent)!) continue
      if (worst === null || RANK[other.action] < RANK[worst.other.action]) worst = { other, isTwin }
    }
    if (worst !== null) problems.push(told(extent, worst.other, worst.isTwin))
  }
  return problems
}

/** The lower outranks the higher. */
const RANK: Readonly<Record<Action, number>> = { deny: 0, hold: 1, allow: 2 }

function told({ id, action, pointer }: Extent, other: Extent, isTwin: boolean): Problem {
  if (isTwin) return warning(pointer, `"${id}" says the same as "${other.id}".`, 'Take one of the two out.')
  if (other.action === action) return warning(pointer, `"${id}" adds nothing: "${other.id}" covers all that it covers.`, 'Take it out, or make the other narrower.')
  const why = other.action === 'deny' ? 'denies all that it covers' : 'asks about all that it covers'
  return warning(pointer, `"${id}" never applies: "${other.id}" ${why}.`, `Take one of the two out, or make "${other.id}" narrower.`)
}

interface Bucket {
  /** By the first path; one without a wildcard covers its own text only. */
  readonly exact: Map<string, Extent[]>
  readonly wild: Extent[]
}

/** @returns how to find the rules that may cover another */
function indexCandidates(extents: readonly Extent[]): (extent: Extent) => Iterable<Extent> {
  const byHost = new Map<string, Bucket>()
  const tree = createHostTree<Bucket>()
  const nets: Bucket = emptyBucket()
  for (const extent of extents) {
    for (const host of extent.hosts) {
      let bucket = byHost.get(host)
      if (bucket === undefined) {
        byHost.set(host, bucket = emptyBucket())
        tree.add(host, bucket)
      }
      put(bucket, extent)
    }
    if (extent.networks.length > 0) put(nets, extent)
  }
  return function * (extent) {
    const [host] = extent.hosts
    for (const { exact, wild } of host === undefined ? [nets] : tree.covering(host)) {
      yield * wild
      yield * exact.get(extent.paths[0]!) ?? []
    }
  }
}

function emptyBucket(): Bucket {
  return { exact: new Map(), wild: [] }
}

function put({ exact, wild }: Bucket, extent: Extent): void {
  if (extent.paths.some(path => path.includes('*'))) return void wild.push(extent)
  for (const path of extent.paths) {
    const known = exact.get(path)
    if (known === undefined) exact.set(path, [extent])
    else known.push(extent)
  }
}

/** Whether `wide` applies wherever `narrow` does, and (of the same action) with the same effect. */
export function covers(wide: Extent, narrow: Extent): boolean {
  const { rule: outer } = wide
  const { rule: inner } = narrow
  return every(narrow.paths, wide.paths, pathPatternCovers)
    && every(narrow.hosts, wide.hosts, hostPatternCovers)
    && every(narrow.networks, wide.networks, networkCovers)
    && [...narrow.schemes].every(scheme => wide.schemes.has(scheme) && every(portsOf(narrow, scheme), portsOf(wide, scheme), ([a, z], [from, to]) => a <= from && to <= z))
    && methodsCovered(wide, narrow)
    && fieldsCovered(outer.query, inner.query, false)
    && fieldsCovered(outer.header, inner.header, true)
    && (outer.onlyQuery !== true || (inner.onlyQuery === true && fieldsCovered(inner.query, outer.query, false)))
    && (outer.expires === undefined || (inner.expires !== undefined && Date.parse(outer.expires) >= Date.parse(inner.expires)))
    && (wide.action !== narrow.action ? (outer.tls ?? 'inspect') !== 'passthrough' : sameEffect(outer, inner))
}

/** @param covers first the wider */
function every<T>(inner: readonly T[], outer: readonly T[], covers: (wide: T, narrow: T) => boolean): boolean {
  return inner.every(narrow => outer.some(wide => covers(wide, narrow)))
}

function methodsCovered(wide: Extent, narrow: Extent): boolean {
  // Of an allow rule `read-only` leaves out what has content; of a deny it does not.
  if (wide.action === 'allow' && wide.rule.access === 'read-only' && narrow.rule.access !== 'read-only') return false
  return wide.methods === null || (narrow.methods !== null && [...narrow.methods].every(method => wide.methods!.has(method)))
}

function fieldsCovered(outer: RuleDocument['query'], inner: RuleDocument['query'], ignoresCase: boolean): boolean {
  const names = new Map(Object.entries(inner ?? {}).map(([name, patterns]) => [ignoresCase ? name.toLowerCase() : name, textOf(patterns)]))
  return Object.entries(outer ?? {}).every(([name, patterns]) => names.get(ignoresCase ? name.toLowerCase() : name) === textOf(patterns))
}

function textOf(patterns: unknown): string {
  return JSON.stringify([patterns].flat().sort())
}

function isLimited({ maxUses, maxBytes, maxRequestsPerMinute }: RuleDocument): boolean {
  return maxUses !== undefined || maxBytes !== undefined || maxRequestsPerMinute !== undefined
}

/** What else a rule that lets through (or asks) lays down; uses are counted by rule. */
function sameEffect(outer: RuleDocument, inner: RuleDocument): boolean {
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
  return !isLimited(outer)
    && !isLimited(inner)
    && same(outer.tls ?? 'inspect', inner.tls ?? 'inspect')
    && same(outer.private ?? false, inner.private ?? false)
    && same(outer.maxRequestBytes, inner.maxRequestBytes)
    && same(outer.maxResponseBytes, inner.maxResponseBytes)
}
