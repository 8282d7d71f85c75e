/**
 * Rules that cannot stand beside each other: one of them would take the other's traffic unread.
 *
 * A connection that a `tcp` or `passthrough` rule covers is relayed as a stream, and no rule about requests is asked
 * of it. Where a name and a port are covered by both, the policy does not say which is meant, and is refused. The
 * exception is a `passthrough` rule that is written for a narrower name than the other, and a `tcp` rule that is so
 * beside a deny or hold of no port in particular.
 */
import { hostPatternCovers, hostPatternsOverlap, networkCovers } from '../decide/patterns.ts'
import { createHostTree } from './host-tree.ts'
import type { HostTree } from './host-tree.ts'
import { error } from './problems.ts'
import type { Problem } from './problems.ts'
import { portsOf } from './extent.ts'
import type { Range, Extent } from './extent.ts'
import type { Scheme } from '../model/request.ts'

/** More would not be read; the first ones say what to do. */
const MAX_PROBLEMS = 100
/** Pairs of rules that are looked at: about a second. */
const MAX_COMPARED = 500_000

export function checkPairs(extents: readonly Extent[]): readonly Problem[] {
  const streams = extents.filter(extent => isPassthrough(extent) || isTcp(extent))
  if (streams.length === 0) return []
  const index = indexOf(extents)
  const problems: Problem[] = []
  let compared = 0
  for (const stream of streams) {
    for (const other of neighbours(stream, index)) {
      if (++compared > MAX_COMPARED) return [...problems, tooMany(stream)]
      const problem = isTcp(stream) ? tcpConflict(stream, other) : tlsConflict(stream, other)
      if (problem !== null) problems.push(problem)
      if (problems.length === MAX_PROBLEMS) return problems
    }
  }
  return problems
}

interface Index {
  readonly hosts: HostTree<Extent>
  readonly networks: readonly Extent[]
}

function indexOf(extents: readonly Extent[]): Index {
  const hosts = createHostTree<Extent>()
  for (const extent of extents) for (const host of extent.hosts) hosts.add(host, extent)
  return { hosts, networks: extents.filter(extent => extent.networks.length > 0) }
}

function neighbours(stream: Extent, { hosts, networks }: Index): ReadonlySet<Extent> {
  const found = new Set<Extent>(stream.networks.length > 0 ? networks : [])
  for (const host of stream.hosts) for (const other of hosts.overlapping(host)) found.add(other)
  found.delete(stream)
  return found
}

function tlsConflict(stream: Extent, other: Extent): Problem | null {
  if (isPassthrough(other) || !isInspecting(other)) return null
  if (!portsMeet(TLS.flatMap(scheme => portsOn(stream, scheme)), TLS.flatMap(scheme => portsOn(other, scheme)))) return null
  if (!placesMeet(stream, other, false)) return null
  return told(other, `"${stream.id}" passes TLS through unread where "${other.id}" judges requests: the same host and port.`,
    `Keep one "tls" mode there: take "${stream.id}" out, or give the two rules different hosts or ports.`)
}

function tcpConflict(stream: Extent, other: Extent): Problem | null {
  if (isTcp(other) || !isAboutRequests(other)) return null
  if (!portsMeet(portsOf(stream, 'tcp'), HTTP.flatMap(scheme => requestPorts(other, scheme)))) return null
  if (!placesMeet(stream, other, !isGeneral(other))) return null
  return told(other, `"${stream.id}" relays a tcp stream unread where "${other.id}" judges requests: the same host and port.`,
    `Give "${other.id}" other ports than "${stream.id}", or take one of them out.`)
}

const TLS: readonly Scheme[] = ['https', 'wss']
const HTTP: readonly Scheme[] = ['https', 'http', 'wss', 'ws']

function isTcp({ rule, schemes }: Extent): boolean {
  return rule.scheme !== undefined && schemes.has('tcp')
}

/** A deny is no way through, and is better heard as an answer inside the tunnel: it passes nothing. */
function isPassthrough({ action, rule }: Extent): boolean {
  return rule.tls === 'passthrough' && action !== 'deny'
}

/** A deny or hold of everything on a host is judged of a stream as well as of a request. */
function isInspecting({ action, rule, needsRequest }: Extent): boolean {
  return action === 'allow' || needsRequest || rule.tls === 'inspect'
}

/** A deny or hold of a whole host is judged of a stream too; one of a scheme, a path or a method would be passed by unasked. */
function isAboutRequests({ action, schemes, needsRequest }: Extent): boolean {
  return action === 'allow' || needsRequest || !schemes.has('tcp')
}

/** A deny or hold that names no port means none in particular: a stream that is written for a narrower name is an exception from it. */
function isGeneral({ action, rule }: Extent): boolean {
  return action !== 'allow' && rule.port === undefined
}

/** Such a rule is looked for where requests usually are, or no stream could be allowed beside it. */
function requestPorts(extent: Extent, scheme: Scheme): readonly Range[] {
  if (!isGeneral(extent)) return portsOn(extent, scheme)
  const usual = scheme === 'http' || scheme === 'ws' ? 80 : 443
  return extent.schemes.has(scheme) ? [[usual, usual]] : []
}

function portsOn(extent: Extent, scheme: Scheme): readonly Range[] {
  return extent.schemes.has(scheme) ? portsOf(extent, scheme) : []
}

function portsMeet(some: readonly Range[], others: readonly Range[]): boolean {
  return some.some(([from, to]) => others.some(([first, last]) => from <= last && first <= to))
}

/** @param evenInside also where each place of the stream lies within a wider one of the other */
function placesMeet(stream: Extent, other: Extent, evenInside: boolean): boolean {
  const meet = (mine: readonly string[], theirs: readonly string[], overlap: Relation, covers: Relation): boolean =>
    mine.some(a => theirs.some(b => overlap(a, b) && (evenInside || a === b || !covers(b, a))))
  return meet(stream.hosts, other.hosts, hostPatternsOverlap, hostPatternCovers)
    || meet(stream.networks, other.networks, (a, b) => networkCovers(a, b) || networkCovers(b, a), networkCovers)
}

/** Half of an answer is none: what was not compared does not take effect. */
function tooMany({ id, pointer }: Extent): Problem {
  return error(pointer, `So many rules share their hosts with "${id}" and its like that they cannot all be compared.`, 'Name the hosts of "tcp" and "passthrough" rules more closely, or join rules that differ in their ports only.')
}

type Relation = (a: string, b: string) => boolean

function told(other: Extent, problem: string, fix: string): Problem {
  return error(other.pointer, problem, fix)
}
