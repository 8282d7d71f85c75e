/**
 * What is wrong with a policy, an answer or a rule: where, in one sentence, and what to write instead.
 *
 * The promise: whatever a file or a hook wrote appears in a sentence quoted, cut and safe to show.
 */
import { visible } from '../model/display.ts'

export interface Problem {
  /** JSON pointer (RFC 6901), as it is; "" is the document. */
  readonly pointer: string
  /** A sentence: what is wrong. */
  readonly problem: string
  /** A sentence: what to write instead. */
  readonly fix: string
  readonly severity: 'error' | 'warning'
  readonly file?: string
}

/** One line: `policy.json#/rules/3/host: "*.com" would match … . Name the domain, for example … .` */
export function formatProblem({ file: own, pointer, problem, fix }: Problem, file: string): string {
  const place = pointer === '' ? '' : `#${visible(pointer, MAX_POINTER)}`
  return `${visible(own ?? file, MAX_POINTER)}${place}: ${problem} ${fix}`
}

export function error(pointer: string, problem: string, fix: string): Problem {
  return { pointer, problem, fix, severity: 'error' }
}

export function warning(pointer: string, problem: string, fix: string): Problem {
  return { pointer, problem, fix, severity: 'warning' }
}

/** @returns the pointer to a member or an entry of what `pointer` points to */
export function below(pointer: string, ...keys: readonly (string | number)[]): string {
  return pointer + keys.map(key => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** A value as it stands in a sentence: quoted, cut, safe to show. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return visible(JSON.stringify(value) ?? 'nothing', MAX_VALUE)
}

/** `"a", "b" or "c"` */
export function listed(words: readonly unknown[]): string {
  const quoted = words.map(shown)
  const last = quoted.pop() ?? ''
  return quoted.length === 0 ? last : `${quoted.join(', ')} or ${last}`
}

/**
 * A text of the grammar (`what is wrong: what to write instead`) as a problem.
 *
 * @param severity of what it tells
 */
export function fromGrammar(pointer: string, text: string, severity: Problem['severity']): Problem {
  const at = adviceIn(text)
  const problem = at === -1 ? text : text.slice(0, at)
  const fix = at === -1 ? 'write another pattern' : text.slice(at + 2)
  return { pointer, severity, problem: `${visible(problem, MAX_SENTENCE)}.`, fix: `${visible(fix.charAt(0).toUpperCase() + fix.slice(1), MAX_SENTENCE)}.` }
}

const MAX_POINTER = 300
const MAX_VALUE = 80
const MAX_SENTENCE = 600

/** Where the advice begins: the first colon that stands outside quotation marks. */
function adviceIn(text: string): number {
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') isQuoted = !isQuoted
    else if (!isQuoted && text.startsWith(': ', at)) return at
  }
  return -1
}
