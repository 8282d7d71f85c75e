/**
 * One rule of a policy (or of a grant), made ready to be asked: patterns compiled, defaults filled in.
 *
 * Takes rules that `config/` found sound. One that is not is a bug of ours and throws: better no policy than half of one.
 */
import { parseNetwork } from './ip.ts'
import type { Network } from './ip.ts'
import { checkCidr, checkHostPattern, checkPathPattern, compileHostPattern, compilePathPattern, compileValuePattern } from './patterns.ts'
import type { Matcher, PatternCheck } from './patterns.ts'
import { PUBLIC_ONLY } from '../model/policy.ts'
import type { Action, AddressScope, OneOrMore, PortSpec, RuleDocument, Terms } from '../model/policy.ts'
import type { Scheme } from '../model/request.ts'

export interface CompiledPattern {
  /** Canonical. */
  readonly text: string
  readonly matches: Matcher
  /** `*` and `**` in it: the fewer, the more specific. */
  readonly wildcards: number
  readonly fixed: number
}

export interface CompiledNetwork {
  readonly text: string
  readonly network: Network
}

/** Every name must match; for a name, any of its patterns. */
export interface CompiledField {
  readonly name: string
  readonly patterns: readonly string[]
  readonly matches: Matcher
}

export interface CompiledRule {
  readonly id: string
  readonly action: Action
  readonly document: RuleDocument
  readonly hosts: readonly CompiledPattern[]
  readonly networks: readonly CompiledNetwork[]
  readonly schemes: ReadonlySet<Scheme>
  /** It names `tcp`; a deny or hold of every scheme covers streams without naming them. */
  readonly namesTcp: boolean
  readonly isPassthrough: boolean
  /** null: the default port of the scheme for allow, every port for deny and hold. */
  readonly ports: readonly (readonly [from: number, to: number])[] | null
  /** null: any. */
  readonly methods: ReadonlySet<string> | null
  readonly isReadOnly: boolean
  readonly paths: readonly CompiledPattern[]
  readonly query: readonly CompiledField[]
  readonly onlyQuery: boolean
  readonly header: readonly CompiledField[]
  /** Asks for what only a request has: cannot be judged of a stream. */
  readonly needsRequest: boolean
  /** Milliseconds since 1970, or Infinity. */
  readonly expiresAt: number
  /** Its budget: Infinity where there is no limit. */
  readonly maxUses: number
  readonly maxBytes: number
  readonly maxRequestsPerMinute: number
  /** Of its counters; null where nothing of it is limited. */
  readonly useKey: string | null
  readonly terms: Terms
  /** Of a grant: the hold rule it answers, or null for the absence of one. Of a rule: undefined. */
  readonly answers: string | null | undefined
}

/** Patterns by how they are written, so that a thousand rules for one host or path compile it once. */
export interface PatternCache {
  readonly hosts: Map<string, CompiledPattern>
  readonly paths: Map<string, CompiledPattern>
}

export function createPatternCache(): PatternCache {
  return { hosts: new Map(), paths: new Map() }
}

export function compileRule(document: RuleDocument, cache: PatternCache): CompiledRule {
  const { id, action = 'allow', expires, maxUses = Infinity, maxBytes = Infinity, maxRequestsPerMinute = Infinity } = document
  const isLimited = Math.min(maxUses, maxBytes, maxRequestsPerMinute) !== Infinity
  const isPassthrough = document.tls === 'passthrough'
  const paths = document.path === undefined ? EVERY_PATH : list(document.path).map(pattern => once(cache.paths, pattern, compilePath))
  const query = compileFields(document.query, bytesOf)
  const header = compileFields(document.header, name => name.toLowerCase())
  const methods = methodsOf(document)
  const networks = document.cidr === undefined ? [] : list(document.cidr).map(compileNetwork)
  return {
    id,
    action,
    document,
    hosts: document.host === undefined ? [] : list(document.host).map(pattern => once(cache.hosts, pattern, compileHost)),
    networks,
    schemes: document.scheme === undefined ? defaultSchemes(action, isPassthrough) : new Set(list(document.scheme)),
    namesTcp: document.scheme !== undefined && list(document.scheme).includes('tcp'),
    isPassthrough,
    ports: document.port === undefined ? null : list(document.port).map(portRange),
    methods,
    isReadOnly: document.access === 'read-only',
    paths,
    query,
    onlyQuery: document.onlyQuery === true,
    header,
    needsRequest: methods !== null || query.length > 0 || header.length > 0 || paths.every(path => path.text !== '/**'),
    expiresAt: expires === undefined ? Infinity : Date.parse(expires),
    maxUses,
    maxBytes,
    maxRequestsPerMinute,
    // The content is part of the key: an edited rule counts anew.
    useKey: !isLimited ? null : `${id} ${JSON.stringify(Object.entries(document).sort(([a], [b]) => a < b ? -1 : 1))}`,
    terms: compileTerms(document, networks),
    answers: undefined,
  }
}

export function list<T>(value: OneOrMore<T>): readonly T[] {
  return Array.isArray(value) ? value as readonly T[] : [value as T]
}

/** Text of one character for each byte of its UTF-8, as fields and decoded queries are compared. */
export function bytesOf(text: string): string {
  return Array.from(new TextEncoder().encode(text), byte => String.fromCharCode(byte)).join('')
}

const EVERY_PATH: readonly CompiledPattern[] = [compiled('/**', compilePathPattern('/**'))]
const HTTPS: ReadonlySet<Scheme> = new Set<Scheme>(['https'])
const TLS: ReadonlySet<Scheme> = new Set<Scheme>(['https', 'wss'])
const EVERY_SCHEME: ReadonlySet<Scheme> = new Set<Scheme>(['https', 'http', 'wss', 'ws', 'tcp'])

const ACCESS: Readonly<Record<'read-only' | 'read-write', ReadonlySet<string>>> = {
  'read-only': new Set(['GET', 'HEAD', 'OPTIONS']),
  'read-write': new Set(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH']),
}

const NO_CAPS: Terms = Object.freeze({ scope: PUBLIC_ONLY, maxRequestBytes: null, maxResponseBytes: null })

/** A WebSocket is a two-way channel: an allow rule has to name it. Deny and hold cover whatever they may. */
function defaultSchemes(action: Action, isPassthrough: boolean): ReadonlySet<Scheme> {
  if (action === 'allow') return HTTPS
  return isPassthrough ? TLS : EVERY_SCHEME
}

function methodsOf({ method, access }: RuleDocument): ReadonlySet<string> | null {
  if (method === undefined) return access === undefined || access === 'full' ? null : ACCESS[access]
  return new Set(list(method).flatMap(name => name === 'GET' ? ['GET', 'HEAD'] : name))
}

function portRange(spec: PortSpec): readonly [number, number] {
  const [from, to = from] = String(spec).split('-').map(Number)
  if (from === undefined || to === undefined || !(from <= to)) throw new Error(`port ${spec} was never checked`)
  return [from, to]
}

function compileHost(pattern: string): CompiledPattern {
  const text = sound(checkHostPattern(pattern, true))
  return compiled(text, compileHostPattern(text))
}

function compileNetwork(text: string): CompiledNetwork {
  const canonical = sound(checkCidr(text, true))
  return { text: canonical, network: parseNetwork(canonical)! }
}

function compilePath(pattern: string): CompiledPattern {
  const text = sound(checkPathPattern(pattern))
  return compiled(text, compilePathPattern(text))
}

function once(cache: Map<string, CompiledPattern>, pattern: string, compile: (pattern: string) => CompiledPattern): CompiledPattern {
  const known = cache.get(pattern) ?? compile(pattern)
  cache.set(pattern, known)
  return known
}

function sound(checked: PatternCheck): string {
  if (checked.kind === 'refused') throw new Error(`a rule that was never checked: ${checked.problem}`)
  return checked.canonical
}

function compiled(text: string, matches: Matcher): CompiledPattern {
  const wildcards = text.match(/\*+/g)?.length ?? 0
  return { text, matches, wildcards, fixed: text.replaceAll('*', '').length }
}

function compileFields(fields: RuleDocument['query'], spell: (name: string) => string): readonly CompiledField[] {
  if (fields === undefined) return []
  return Object.entries(fields).map(([name, wanted]) => {
    const patterns = list(wanted)
    const matchers = patterns.map(compileValuePattern)
    return { name: spell(name), patterns, matches: value => matchers.some(matches => matches(value)) }
  })
}

function compileTerms(document: RuleDocument, networks: readonly CompiledNetwork[]): Terms {
  const { maxRequestBytes = null, maxResponseBytes = null } = document
  const scope = scopeOf(document.private ?? false, networks.map(({ text }) => text))
  return scope === PUBLIC_ONLY && maxRequestBytes === null && maxResponseBytes === null ? NO_CAPS : { scope, maxRequestBytes, maxResponseBytes }
}

function scopeOf(given: NonNullable<RuleDocument['private']>, cidrs: readonly string[]): AddressScope {
  const opened = typeof given === 'boolean' ? given : list(given).map(text => sound(checkCidr(text, true)))
  if (opened === false && cidrs.length === 0) return PUBLIC_ONLY
  const key = JSON.stringify([typeof opened === 'boolean' ? opened : [...opened].sort(), [...cidrs].sort()])
  return { key, private: opened, cidrs }
}
