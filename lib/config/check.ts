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
import { expandPresets, shippedPresets } from './presets.ts'
import type { PresetSource } from './presets.ts'
import { below, error, shown } from './problems.ts'
import type { Problem } from './problems.ts'
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
}

/** UTF-16 units: as many as a file may have bytes. */
const MAX_TEXT = 64 * 1024 ** 2
/** Values in a policy: a million rules have ten each. */
const MAX_NODES = 20_000_000

export function checkPolicy(value: unknown, { now = systemClock.now(), presets: source = shippedPresets }: CheckOptions = {}): Loaded {
  const taken = snapshot(value, MAX_NODES)
  if (taken.kind === 'refused') return invalid([taken.problem])
  const presets = expandPresets(memberOf(taken.value, 'use'), source)
  const placed = [...presets.rules, ...rulesOf(taken.value)]
  const found = [...checkPolicyShape(taken.value), ...presets.problems, ...placed.flatMap(({ rule, pointer }) => checkRule(rule, pointer)), ...checkIds(placed)]
  const errors = found.filter(({ severity }) => severity === 'error')
  const warnings = found.filter(({ severity }) => severity === 'warning')

  // What is unsound by itself is compared with nothing.
  const faulty = new Set(errors.flatMap(({ pointer }) => /^\/(?:rules|use)\/\d+/.exec(pointer)?.[0] ?? []))
  const extents = placed.filter(({ pointer }) => !faulty.has(pointer)).map(({ rule, pointer }) => extentOf(rule as unknown as RuleDocument, pointer))
  errors.push(...checkPairs(extents))
  if (errors.length > 0) return invalid(errors, warnings)

  const written = taken.value as PolicyDocument
  const document = effective(written, presets.rules.map(({ rule }) => Object.freeze(rule) as unknown as RuleDocument))
  return { kind: 'policy', document, source: written, hash: hashOf(document), warnings: [...warnings, ...findWarnings(document, extents, now)], file: null }
}

/** @param text refused with a byte order mark in front: other readers of the file would not see the same text */
export function parsePolicy(text: string, options: CheckOptions = {}): Loaded {
  if (text.length > MAX_TEXT) return invalid([error('', 'The policy is larger than 64 MiB.', 'Write patterns instead of lists of names.')])
  if (text.startsWith('\ufeff')) return invalid([error('', 'The policy begins with a byte order mark.', 'Save it as UTF-8 without one.')])
  const read = parseJson(text)
  return read.kind === 'json' ? checkPolicy(read.value, options) : invalid(read.problems)
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
