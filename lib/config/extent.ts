/**
 * What a sound rule extends to, its defaults filled in, in a form in which two rules can be compared.
 *
 * The defaults are those that `decide/` compiles; test/unit/config/extent.test.ts keeps the two in step.
 */
import { checkCidr, checkHostPattern, checkPathPattern } from '../decide/patterns.ts'
import type { PatternCheck } from '../decide/patterns.ts'
import type { Action, OneOrMore, RuleDocument } from '../model/policy.ts'
import type { Scheme } from '../model/request.ts'

export type Range = readonly [from: number, to: number]

export interface Extent {
  readonly id: string
  /** Where problems of the rule are told: the rule, or the preset it came with. */
  readonly pointer: string
  readonly action: Action
  readonly rule: RuleDocument
  /** Canonical, as are networks and paths. */
  readonly hosts: readonly string[]
  readonly networks: readonly string[]
  readonly schemes: ReadonlySet<Scheme>
  /** null: any. */
  readonly methods: ReadonlySet<string> | null
  readonly paths: readonly string[]
  /** Asks for what only a request has, so that it cannot be judged of a stream. */
  readonly needsRequest: boolean
}

export function extentOf(rule: RuleDocument, pointer: string): Extent {
  const { id, action = 'allow' } = rule
  const paths = rule.path === undefined ? EVERY_PATH : list(rule.path).map(path => canonical(checkPathPattern(path)))
  const methods = methodsOf(rule)
  return {
    id,
    pointer,
    action,
    rule,
    hosts: rule.host === undefined ? [] : list(rule.host).map(host => canonical(checkHostPattern(host, true))),
    networks: rule.cidr === undefined ? [] : list(rule.cidr).map(cidr => canonical(checkCidr(cidr, true))),
    schemes: rule.scheme === undefined ? defaultSchemes(rule) : new Set(list(rule.scheme)),
    methods,
    paths,
    needsRequest: methods !== null || rule.query !== undefined || rule.header !== undefined || !paths.includes('/**'),
  }
}

/** The ports on which a rule covers a scheme. */
export function portsOf({ action, rule }: Extent, scheme: Scheme): readonly Range[] {
  if (rule.port !== undefined) return list(rule.port).map(rangeOf)
  if (action !== 'allow') return EVERY_PORT
  return scheme === 'http' || scheme === 'ws' ? [[80, 80]] : [[443, 443]]
}

export function list<T>(value: OneOrMore<T>): readonly T[] {
  return Array.isArray(value) ? value as readonly T[] : [value as T]
}

const EVERY_PATH: readonly string[] = ['/**']
const EVERY_PORT: readonly Range[] = [[1, 65_535]]
const HTTPS: ReadonlySet<Scheme> = new Set<Scheme>(['https'])
const TLS: ReadonlySet<Scheme> = new Set<Scheme>(['https', 'wss'])
const EVERY_SCHEME: ReadonlySet<Scheme> = new Set<Scheme>(['https', 'http', 'wss', 'ws', 'tcp'])
const ACCESS: Readonly<Record<'read-only' | 'read-write', ReadonlySet<string>>> = {
  'read-only': new Set(['GET', 'HEAD', 'OPTIONS']),
  'read-write': new Set(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH']),
}

function defaultSchemes({ action = 'allow', tls }: RuleDocument): ReadonlySet<Scheme> {
  if (action === 'allow') return HTTPS
  return tls === 'passthrough' ? TLS : EVERY_SCHEME
}

function methodsOf({ method, access }: RuleDocument): ReadonlySet<string> | null {
  if (method !== undefined) return new Set(list(method).flatMap(name => name === 'GET' ? ['GET', 'HEAD'] : [name]))
  return access === undefined || access === 'full' ? null : ACCESS[access]
}

function rangeOf(spec: number | string): Range {
  const [from = 0, to = from] = String(spec).split('-').map(Number)
  return [from, to]
}

function canonical(checked: PatternCheck): string {
  if (checked.kind === 'refused') throw new Error(`a rule that was never checked: ${checked.problem}`)
  return checked.canonical
}
