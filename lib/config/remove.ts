/**
 * A rule that an answer added, taken out of the policy file again, with everything else left as it was written.
 *
 * The promise: only the very rule that was added goes. One that somebody edited meanwhile is theirs, and stays.
 */
import type { RuleDocument, RuleShape } from '../model/policy.ts'
import { rewrite } from './append.ts'
import type { CheckOptions, Loaded } from './check.ts'
import { parseJson } from './json.ts'

/**
 * @returns what now stands in the file: without the rule, or as it was where the rule is not in it as it was added
 * @throws OperatorError E_POLICY_UNREADABLE
 */
export function removeRule(file: string, rule: RuleDocument, options: CheckOptions = {}): Promise<Loaded> {
  return rewrite(file, (text, rules) => {
    const at = rules.findIndex(each => sameRule(each, rule))
    return at < 0 ? null : { text: withoutRule(text, at), rules: rules.toSpliced(at, 1) }
  }, options)
}

/** Whether they say the same, in whatever order. */
export function sameRule(one: RuleShape, other: RuleShape): boolean {
  return one.id === other.id && inOrder(one) === inOrder(other)
}

function inOrder(rule: RuleShape): string {
  return JSON.stringify(Object.entries(rule).sort(([a], [b]) => a < b ? -1 : 1))
}

/** @param text a sound policy that has a rule at this index */
export function withoutRule(text: string, at: number): string {
  const read = parseJson(text)
  const rules = read.kind === 'json' ? read.members.get('rules') : undefined
  if (rules === undefined) throw new Error('a policy that was never checked')
  const commas = [rules.start, ...commasBetween(text, rules.start, rules.end), rules.end - 1]
  const from = commas[at]
  const to = commas[at + 1]
  if (from === undefined || to === undefined) throw new Error('there is no such rule')
  // The first keeps the bracket before it and takes the comma behind it along; any other takes the one before.
  return at === 0 ? text.slice(0, from + 1) + text.slice(to === rules.end - 1 ? to : to + 1) : text.slice(0, from) + spaceBefore(text, to, rules.end) + text.slice(to)
}

/** The last of a list leaves the line of the bracket as it is. */
function spaceBefore(text: string, to: number, end: number): string {
  return to === end - 1 ? /\s*$/.exec(text.slice(Math.max(0, to - 200), to))![0] : ''
}

/** Offsets of the commas between the members of the list that begins at `start`: those in no text and no deeper list. */
function commasBetween(text: string, start: number, end: number): number[] {
  const commas: number[] = []
  let depth = 0
  for (let at = start; at < end; at++) {
    const unit = text[at]
    if (unit === '"') at = endOfText(text, at)
    else if (unit === '[' || unit === '{') depth++
    else if (unit === ']' || unit === '}') depth--
    else if (unit === ',' && depth === 1) commas.push(at)
  }
  return commas
}

/** Offset of the closing quote. */
function endOfText(text: string, from: number): number {
  let at = from + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
