/**
 * What an agent asks for beforehand → a reason and rules that we trust to be shown and granted, or a refusal.
 *
 * The promise: each rule is one that an approval may give, and narrower: no stream to more than one port of one host, no
 * network, no name that is opened by nothing. What comes out is a frozen value of its own.
 */
import type { RuleShape } from '../model/policy.ts'
import { checkGrantRule } from './answers.ts'
import { extentOf } from './extent.ts'
import { error, shown } from './problems.ts'
import type { Problem } from './problems.ts'
import { isObject, textsOf } from './rules.ts'
import { covers } from './shadows.ts'
import { snapshot } from './snapshot.ts'

export type ParsedTask =
  | { readonly kind: 'task', readonly reason: string, readonly rules: readonly RuleShape[] }
  | { readonly kind: 'refused', readonly problems: readonly Problem[] }

const MAX_NODES = 5_000
const MAX_REASON = 2_000
const MAX_RULES = 32
/** Hosts and paths of all the rules together: more can't be read by whoever is to decide. */
const MAX_PATTERNS = 128

/**
 * @param value what the agent sent, as `JSON.parse` makes it
 * @param closed names that no approval opens
 */
export function parseTask(value: unknown, closed: ReadonlySet<string>): ParsedTask {
  const taken = snapshot(value, MAX_NODES)
  if (taken.kind === 'refused') return { kind: 'refused', problems: [taken.problem] }
  const problems = checkForm(taken.value)
  if (problems.length > 0) return { kind: 'refused', problems }
  const { reason, rules } = taken.value as { readonly reason: string, readonly rules: readonly RuleShape[] }
  const odd = rules.flatMap((rule, at) => checkAsked(rule, `/rules/${at}`, closed))
  // What is no rule can't be counted.
  const faults = odd.length > 0 ? odd : checkAmount(rules)
  return faults.length > 0 ? { kind: 'refused', problems: faults } : { kind: 'task', reason, rules }
}

const BUDGETS = ['maxUses', 'maxBytes', 'maxRequestsPerMinute'] as const

/** @returns true only if everything that `narrow` lets through is let through by `wide`; both are sound rules */
export function liesWithin(narrow: RuleShape, wide: RuleShape): boolean {
  const { maxUses: _uses, maxBytes: _bytes, maxRequestsPerMinute: _rate, note: _note, id: _id, ...inner } = narrow
  const { maxUses: _most, maxBytes: _size, maxRequestsPerMinute: _pace, note: _says, id: _name, ...outer } = wide
  return BUDGETS.every(name => (narrow[name] ?? Infinity) <= (wide[name] ?? Infinity)) && covers(extentOf({ ...outer, id: 'wide' }, ''), extentOf({ ...inner, id: 'narrow' }, ''))
}

function checkForm(value: unknown): Problem[] {
  if (!isObject(value)) return [error('', `A request for access is an object, not ${shown(value)}.`, FORM)]
  const { reason, rules, ...others } = value
  const problems = Object.keys(others).map(name => error('', `${shown(name)} is no part of a request for access.`, FORM))
  if (typeof reason !== 'string' || reason.trim() === '') problems.push(error('/reason', 'There is no "reason".', 'Say in a sentence or two what the task is and why it needs this.'))
  else if (reason.length > MAX_REASON) problems.push(error('/reason', `The reason has more than ${MAX_REASON} characters.`, 'Make it shorter.'))
  if (!Array.isArray(rules) || rules.length === 0) problems.push(error('/rules', 'There are no "rules".', FORM))
  else if (rules.length > MAX_RULES) problems.push(error('/rules', `There are more than ${MAX_RULES} rules.`, 'Ask for what the task needs now.'))
  return problems
}

const FORM = 'Write {"reason":"…","rules":[{"host":"api.example.com","method":"GET","path":"/v1/**"}]}.'

function checkAsked(rule: RuleShape, pointer: string, closed: ReadonlySet<string>): Problem[] {
  const checked = checkGrantRule(rule)
  if (checked.kind === 'refused') return checked.problems.map(problem => ({ ...problem, pointer: `${pointer}${problem.pointer}` }))
  const problems: Problem[] = []
  for (const field of ['id', 'note'] as const) {
    if (rule[field] !== undefined) problems.push(error(`${pointer}/${field}`, `"${field}" is for operators.`, field === 'id' ? 'Take it out.' : 'Say it in the reason.'))
  }
  for (const [host, at] of textsOf(rule.host, `${pointer}/host`)) {
    if (closed.has(host.toLowerCase())) problems.push(error(at, `${shown(host)} is opened by no approval.`, 'Take it out.'))
  }
  for (const [cidr, at] of textsOf(rule.cidr, `${pointer}/cidr`)) {
    if (cidr.includes('/') && !/\/(?:32|128)$/.test(cidr)) problems.push(error(at, `${shown(cidr)} is a whole network.`, 'Name single addresses.'))
  }
  return [...problems, ...checkStream(rule, pointer)]
}

function checkStream({ scheme, host, port }: RuleShape, pointer: string): Problem[] {
  if (!textsOf(scheme, '').some(([name]) => name === 'tcp')) return []
  const problems = textsOf(host, `${pointer}/host`).filter(([name]) => name.includes('*'))
    .map(([name, at]) => error(at, `${shown(name)} is many hosts, and an opaque stream is asked for by host.`, 'Name the host.'))
  if (Array.isArray(port) || typeof port === 'string') problems.push(error(`${pointer}/port`, 'An opaque stream is asked for with one port.', 'Make a rule for each port, with a number.'))
  return problems
}

function checkAmount(rules: readonly RuleShape[]): Problem[] {
  const patterns = rules.reduce((sum, { host, cidr, path }) => sum + [host ?? [], cidr ?? [], path ?? []].flat().length, 0)
  return patterns <= MAX_PATTERNS ? [] : [error('/rules', `There are ${patterns} hosts and paths in all, more than ${MAX_PATTERNS}.`, 'Ask for what the task needs now, or use patterns.')]
}
