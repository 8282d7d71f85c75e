/**
 * The rule index: which rules may cover a host and a path, found without asking each of them.
 *
 * Hosts by name, host patterns in a tree over their labels from the right, networks by prefix; behind each its rules,
 * and where they are many a tree over the segments of their paths. Immutable once made: a reload makes another one.
 */
import { contains, embeddedIpv4, lowest, parseIp } from './ip.ts'
import type { Ip, Network } from './ip.ts'
import { registrableDomain } from './patterns.ts'
import { piecesOfPath } from './matchers.ts'
import type { Matcher } from './patterns.ts'
import { createPieceTree } from './piece-tree.ts'
import type { PieceTree } from './piece-tree.ts'
import type { CompiledPattern, CompiledRule } from './rule.ts'
import type { RuleDocument, Unmatched } from '../model/policy.ts'
import type { Authority } from '../model/request.ts'

export interface Ruleset {
  readonly name: string | null
  readonly hash: string
  readonly unmatched: Unmatched
  /** Number of rules. */
  readonly size: number
  rule(id: string): RuleDocument | null
  /** When the next rule ends, milliseconds since 1970; null where none will. */
  nextExpiry(now: number): number | null
  /** For decide/ alone. */
  readonly compiled: ReadonlyMap<string, CompiledRule>
  /** Those that let through only so much. */
  readonly limited: readonly CompiledRule[]
  /** For decide/ alone. */
  readonly index: RuleIndex
}

/** The grants in force. Only decide/ looks inside. */
export interface GrantIndex {
  readonly size: number
  /** Those that let through only so much. */
  readonly limited: readonly CompiledRule[]
  readonly index: RuleIndex
}

/** A rule by way of one of its hosts (or networks) and one of its paths. */
export interface Entry {
  readonly rule: CompiledRule
  readonly path: CompiledPattern
  /** Of both patterns together. */
  readonly wildcards: number
  readonly fixed: number
}

/** The rules of one host pattern or network. */
export interface Place {
  /** All of them, in no order. */
  readonly entries: readonly Entry[]
  /** Those whose path may match this reading; null: those that may rule a stream, because they ask for nothing it has not. */
  at(reading: string | null): readonly Entry[]
}

export interface Found {
  readonly place: Place
  /** Allow rules count here. */
  readonly opens: boolean
}

export interface RuleIndex {
  /** Every place whose pattern matches the host, or whose network holds the literal. */
  find(authority: Pick<Authority, 'host' | 'hostKind'>): readonly Found[]
  /** A few rules for other hosts of the same domain, to name when none covers this one. */
  relatives(host: string): readonly CompiledRule[]
}

/** The more specific first: fewest wildcards, then most fixed characters, then by id. */
export function bySpecificity(a: Entry, b: Entry): number {
  return a.wildcards - b.wildcards || b.fixed - a.fixed || (a.rule.id < b.rule.id ? -1 : a.rule.id > b.rule.id ? 1 : 0)
}

export function createIndex(rules: Iterable<CompiledRule>): RuleIndex {
  const names = new Map<string, GrowingPlace>()
  const patterns = new Map<string, GrowingPlace>()
  const patternTree = createPieceTree<{ readonly matches: Matcher, readonly found: Found }>()
  const networks = new Map<string, NetworkPlaces>()
  const domains = new Map<string, CompiledRule[]>()

  for (const rule of rules) {
    for (const host of rule.hosts) {
      const known = (host.wildcards === 0 ? names : patterns).get(host.text)
      const place = known ?? createPlace()
      addTo(place, rule, host.wildcards, host.fixed)
      if (known === undefined && host.wildcards === 0) names.set(host.text, place)
      if (known === undefined && host.wildcards > 0) {
        patterns.set(host.text, place)
        patternTree.add(host.text.split('.').reverse(), { matches: host.matches, found: { place, opens: true } })
      }
      noteDomain(domains, host.text, rule)
    }
    for (const { network } of rule.networks) addTo(networkPlace(networks, network), rule, network.prefix === network.bits ? 0 : 1, network.prefix)
  }

  /** The same host is asked for again and again; what is found never changes. */
  const remembered = new Map<string, readonly Found[]>()

  function rememberName(host: string): readonly Found[] {
    const found = findName(host)
    if (remembered.size >= MAX_REMEMBERED) remembered.clear()
    remembered.set(host, found)
    return found
  }

  function findName(host: string): readonly Found[] {
    const exact = names.get(host)?.alone ?? NOTHING
    if (patterns.size === 0) return exact
    const candidates: { readonly matches: Matcher, readonly found: Found }[] = []
    patternTree.find(host.split('.').reverse(), candidates)
    return candidates.length === 0 ? exact : [...exact, ...candidates.filter(({ matches }) => matches(host)).map(({ found }) => found)]
  }

  /** An allow rule must hold each IPv4 address that an IPv6 literal may turn into; for deny and hold any form is enough. */
  function findLiteral(host: string): readonly Found[] {
    const ip = parseIp(host)
    if (ip === null || networks.size === 0) return NOTHING
    const inside = embeddedIpv4(ip)
    const opening = inside.length === 0 ? [ip] : inside
    const places = new Map([ip, ...inside].flatMap(identity => lookUp(networks, identity)))
    return Array.from(places, ([place, network]) => ({ place, opens: opening.every(identity => contains(network, identity)) }))
  }

  return {
    find: ({ host, hostKind }) => hostKind === 'name' ? remembered.get(host) ?? rememberName(host) : findLiteral(host),
    relatives: host => domains.get(registrableDomain(host) ?? '') ?? [],
  }
}

const NOTHING: readonly Found[] = []
/** Hosts whose places are remembered. */
const MAX_REMEMBERED = 1_000
/** Rules of one place that are simply asked one after the other. */
const MAX_LIST = 8
/** Rules of one domain that are kept to be named. */
const MAX_RELATIVES = 8

interface GrowingPlace extends Place {
  readonly entries: Entry[]
  readonly forStreams: Entry[]
  /** The place as most requests find it: by itself. */
  readonly alone: Found[]
  tree: PieceTree<Entry> | null
}

function createPlace(): GrowingPlace {
  const place: GrowingPlace = {
    entries: [],
    forStreams: [],
    alone: [],
    tree: null,
    at(reading) {
      if (reading === null) return place.forStreams
      if (place.tree === null) return place.entries
      const found: Entry[] = []
      place.tree.find(piecesOfPath(reading), found)
      return found
    },
  }
  place.alone.push({ place, opens: true })
  return place
}

function addTo(place: GrowingPlace, rule: CompiledRule, wildcards: number, fixed: number): void {
  for (const path of rule.paths) {
    const entry = { rule, path, wildcards: wildcards + path.wildcards, fixed: fixed + path.fixed }
    place.entries.push(entry)
    if (!rule.needsRequest) place.forStreams.push(entry)
    if (place.tree !== null) addPath(place.tree, entry)
  }
  if (place.tree === null && place.entries.length > MAX_LIST) {
    place.tree = createPieceTree()
    for (const entry of place.entries) addPath(place.tree, entry)
  }
}

function addPath(tree: PieceTree<Entry>, entry: Entry): void {
  tree.add(entry.path.text.slice(1).split('/'), entry)
}

/** The places of one length of prefix, by the first address of their network. */
interface NetworkPlaces {
  readonly bits: 32 | 128
  readonly prefix: number
  readonly places: Map<bigint, readonly [GrowingPlace, Network]>
}

function networkPlace(networks: Map<string, NetworkPlaces>, network: Network): GrowingPlace {
  const { bits, prefix } = network
  const key = `${bits}/${prefix}`
  const same = networks.get(key) ?? { bits, prefix, places: new Map() }
  networks.set(key, same)
  const known = same.places.get(lowest(network))
  if (known !== undefined) return known[0]
  const place = createPlace()
  same.places.set(lowest(network), [place, network])
  return place
}

function lookUp(networks: ReadonlyMap<string, NetworkPlaces>, ip: Ip): (readonly [GrowingPlace, Network])[] {
  const found: (readonly [GrowingPlace, Network])[] = []
  for (const { bits, prefix, places } of networks.values()) {
    const place = bits === ip.bits ? places.get(lowest({ ...ip, prefix })) : undefined
    if (place !== undefined) found.push(place)
  }
  return found
}

function noteDomain(domains: Map<string, CompiledRule[]>, pattern: string, rule: CompiledRule): void {
  const domain = registrableDomain(pattern.slice(pattern.lastIndexOf('*') + 1).replace(/^\./, ''))
  if (domain === null) return
  const known = domains.get(domain)
  if (known === undefined) domains.set(domain, [rule])
  else if (known.length < MAX_RELATIVES && known.at(-1) !== rule) known.push(rule)
}
