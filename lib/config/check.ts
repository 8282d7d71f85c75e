/**
 * A value → a policy we trust, or every reason why not.
 *
 * The promise: what comes out as a policy compiles, and is frozen; nothing is repaired or left out on the way.
 */
import { createHash } from 'node:crypto'
import { systemClock } from '../model/clock.ts'
import type { PolicyDocument, RuleDocument } from '../model/policy.ts'
import { parseJson } from './json.ts'
import { checkPairs } from './pairs.ts'
import { expandPresets } from './expand.ts'
import { shippedPresets } from './presets.ts'
import type { PresetSource } from './presets.ts'
import { below, error, shown } from './problems.ts'
import type { Problem } from './problems.ts'
import { machineRegistries } from './registries.ts'
import type { Registries } from './registries.ts'
import { extentOf } from './extent.ts'
import { checkRule, isObject } from './rules.ts'
import type { Written } from './rules.ts'
import { checkPolicyShape } from './schema.ts'
import { snapshot } from './snapshot.ts'
import { findWarnings } from './warnings.ts'

export type Loaded =
  | {
    readonly kind: 'policy'
    /** With the rules of its presets among its own, called `preset.id`. */
    readonly document: PolicyDocument
    /** As it was written. */
    readonly source: PolicyDocument
    /** SHA-256 of the document's canonical JSON, in hex. */
    readonly hash: string
    readonly warnings: readonly Problem[]
    /** Where it was read; null where it was handed over. */
    readonly file: string | null
  }
  | { readonly kind: 'invalid', readonly problems: readonly Problem[], readonly warnings: readonly Problem[] }

export interface CheckOptions {
  /** Milliseconds since 1970: tells which rules have expired. */
  readonly now?: number
  /** Default: those that come with the package. */
  readonly presets?: PresetSource
  /** What the tools of a machine are set to. Default: this one's, as far as they have been asked. */
  readonly registries?: Registries
}

/** UTF-16 units: as many as a file may have bytes. */
const MAX_TEXT = 64 * 1024 ** 2
/** Values in a policy: a million rules have ten each. */
const MAX_NODES = 20_000_000

/**
 * Runs nothing: a preset whose hosts a tool of this machine has to say is a problem here, unless `loadPolicy` has asked
 * that tool before, or the policy names the hosts.
 */
export function checkPolicy(value: unknown, options: CheckOptions = {}): Loaded {
  const taken = takePolicy(value)
  return taken.kind === 'value' ? checkTaken(taken.value, options) : taken
}

/** A copy that nobody else can change, of a value whose form nobody has looked at yet. */
export function takePolicy(value: unknown): Taken | Loaded {
  const taken = snapshot(value, MAX_NODES)
  return taken.kind === 'refused' ? invalid([taken.problem]) : { kind: 'value', value: taken.value }
}

export interface Taken {
  readonly kind: 'value'
  readonly value: unknown
}

/** @param value as `takePolicy` gave it */
export function checkTaken(value: unknown, { now = systemClock.now(), presets: source = shippedPresets, registries = machineRegistries }: CheckOptions = {}): Loaded {
  const presets = expandPresets(memberOf(value, 'use'), source, registries)
  const placed = [...presets.rules, ...rulesOf(value)]
  const found = [...checkPolicyShape(value), ...presets.problems, ...placed.flatMap(({ rule, pointer }) => checkRule(rule, pointer)), ...checkIds(placed)]
  const errors = found.filter(({ severity }) => severity === 'error')
  const warnings = found.filter(({ severity }) => severity === 'warning')

  // What is unsound by itself is compared with nothing.
  const faulty = new Set(errors.flatMap(({ pointer }) => /^\/(?:rules|use)\/\d+/.exec(pointer)?.[0] ?? []))
  const extents = placed.filter(({ pointer }) => !faulty.has(pointer)).map(({ rule, pointer }) => extentOf(rule as unknown as RuleDocument, pointer))
  errors.push(...checkPairs(extents))
  if (errors.length > 0) return invalid(errors, warnings)

  const written = value as PolicyDocument
  const document = effective(written, presets.rules.map(({ rule }) => Object.freeze(rule) as unknown as RuleDocument))
  return { kind: 'policy', document, source: written, hash: hashOf(document), warnings: [...warnings, ...findWarnings(document, extents, now)], file: null }
}

/** @param text refused with a byte order mark in front: other readers of the file would not see the same text */
export function parsePolicy(text: string, options: CheckOptions = {}): Loaded {
  const read = readPolicyText(text)
  return read.kind === 'value' ? checkPolicy(read.value, options) : read
}

/** The part of `parsePolicy` before anything is checked. */
export function readPolicyText(text: string): Taken | Loaded {
  if (text.length > MAX_TEXT) return invalid([error('', 'The policy is larger than 64 MiB.', 'Write patterns instead of lists of names.')])
  if (text.startsWith('\ufeff')) return invalid([error('', 'The policy begins with a byte order mark.', 'Save it as UTF-8 without one.')])
  const read = parseJson(text)
  return read.kind === 'json' ? { kind: 'value', value: read.value } : invalid(read.problems)
}

export function invalid(problems: readonly Problem[], warnings: readonly Problem[] = []): Loaded {
  return { kind: 'invalid', problems, warnings }
}

function effective({ version, name, unmatched, rules = [] }: PolicyDocument, presets: readonly RuleDocument[]): PolicyDocument {
  return Object.freeze({
    version,
    ...name === undefined ? {} : { name },
    ...unmatched === undefined ? {} : { unmatched },
    rules: Object.freeze([...presets, ...rules]),
  })
}

interface Placed {
  readonly rule: Written
  readonly pointer: string
}

/** Whatever stands where a rule belongs, so that a fault in one does not hide those of the others. */
function rulesOf(value: unknown): readonly Placed[] {
  const rules = memberOf(value, 'rules')
  if (!Array.isArray(rules)) return []
  return rules.flatMap((rule: unknown, at): Placed[] => isObject(rule) ? [{ rule, pointer: below('/rules', at) }] : [])
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined
}

function checkIds(placed: readonly Placed[]): Problem[] {
  const first = new Map<string, string>()
  return placed.flatMap(({ rule: { id }, pointer }) => {
    if (typeof id !== 'string') return []
    const known = first.get(id)
    if (known === undefined) {
      first.set(id, pointer)
      return []
    }
    const place = pointer.startsWith('/rules/') ? below(pointer, 'id') : pointer
    return [error(place, `A rule ${shown(id)} stands there already, at ${known}.`, 'Give each rule an id of its own.')]
  })
}

function hashOf(document: PolicyDocument): string {
  return createHash('sha256').update(canonicalJson(document)).digest('hex')
}

/** Names in order, no spaces: the same text for the same document. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`
}
