/**
 * From requests to the fewest rules of the policy language that explain them, each with what it stands for.
 *
 * The promise: under the rules every request that is not named in `leftOut` is allowed. A `*` stands only where what
 * was asked for varied and looked like names of things, never across registrable domains, and a method only where it
 * was seen; no rule opens an address that is not public. The same requests give the same rules, in whatever order they
 * come. Pure; takes as long as there are segments.
 */
import { visible } from '../model/display.ts'
import type { RuleShape } from '../model/policy.ts'
import type { Facts, RequestFacts } from '../model/request.ts'
import { joinHosts, openLabels } from './hosts.ts'
import { gatherPaths, isWritable } from './path-patterns.ts'
import type { PathGatherer, PathPattern } from './path-patterns.ts'
import { isPublic, oneOrMore, placeOf, placeRule } from './place.ts'
import { isNameableMethod } from './shapes.ts'

/** The same request, so often. */
export interface Counted {
  readonly facts: Facts
  /** From 1. */
  readonly requests: number
}

export interface Learned {
  readonly rule: RuleShape
  readonly requests: number
  /** What each path of the rule stands for; none for a stream. */
  readonly paths: readonly PathPattern[]
  /** A few of the requests, safe to show. */
  readonly examples: readonly string[]
}

export interface LeftOut {
  /** Where to, safe to show. */
  readonly place: string
  readonly requests: number
  readonly why: 'private-address' | 'path' | 'method'
}

export interface Generalised {
  readonly learned: readonly Learned[]
  readonly leftOut: readonly LeftOut[]
}

/** Requests of one scheme, host and port. */
interface Place {
  readonly rule: RuleShape
  /** Requests of what names no path: streams. */
  requests: number
  example: string
  readonly paths: PathGatherer
}

const MAX_EXAMPLE = 160

export function generalise(all: readonly Counted[]): Generalised {
  const places = new Map<string, Place>()
  const leftOut = new Map<string, LeftOut>()
  const opened = openLabels(all.map(({ facts }) => facts))
  for (const { facts, requests } of all) {
    const why = add(facts, requests)
    if (why === null) continue
    const key = `${why} ${placeOf(facts)}`
    leftOut.set(key, { place: placeOf(facts), why, requests: requests + (leftOut.get(key)?.requests ?? 0) })
  }

  function add(facts: Facts, requests: number): LeftOut['why'] | null {
    if (!isPublic(facts)) return 'private-address'
    const rule = { ...placeRule(facts), ...opened(facts), ...(facts.kind === 'stream' && facts.scheme === 'https' ? { tls: 'passthrough' as const } : {}) }
    const key = JSON.stringify(rule)
    const place = places.get(key) ?? { rule, requests: 0, example: placeOf(facts), paths: gatherPaths() }
    if (facts.kind === 'stream') place.requests += requests
    else if (!facts.methods.every(isNameableMethod)) return 'method'
    else if (!facts.readings.every(isWritable)) return 'path'
    else addReadings(place.paths, facts, requests)
    places.set(key, place)
    return null
  }

  const rules = inOrder(places).flatMap(rulesOf)
  return { learned: joinHosts(rules), leftOut: inOrder(leftOut) }
}

/** Every reading is judged, so every one is learned; the first alone is counted. */
function addReadings(paths: PathGatherer, { methods, readings, path }: RequestFacts, requests: number): void {
  for (const [at, reading] of readings.entries()) for (const method of methods) paths.add(reading, method, at === 0 ? requests : 0, path)
}

/** Paths with the same methods are one rule: a rule with two lists would allow each method on each path. */
function rulesOf({ rule, requests, example, paths }: Place): Learned[] {
  if (requests > 0) return [{ rule, requests, paths: [], examples: [example] }]
  const byMethods = new Map<string, PathPattern[]>()
  for (const pattern of paths.patterns()) {
    const methods = pattern.methods.filter(method => method !== 'HEAD' || !pattern.methods.includes('GET'))
    const key = JSON.stringify(methods)
    const group = byMethods.get(key) ?? []
    byMethods.set(key, group)
    group.push({ ...pattern, methods, examples: pattern.examples.map(example => visible(example, MAX_EXAMPLE)) })
  }
  return inOrder(byMethods).map(patterns => ({
    rule: { ...rule, method: oneOrMore(patterns[0]!.methods), path: oneOrMore(patterns.map(({ path }) => path)) },
    requests: patterns.reduce((sum, pattern) => sum + pattern.requests, 0),
    paths: patterns,
    examples: patterns.flatMap(({ examples }) => examples).slice(0, 3),
  }))
}

function inOrder<Value>(map: ReadonlyMap<string, Value>): Value[] {
  return [...map].sort(([a], [b]) => a < b ? -1 : 1).map(([, value]) => value)
}
