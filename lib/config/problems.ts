/**
 * What is wrong with a policy or an answer: where, why, and what to write instead.
 */
import { visible } from '../model/display.ts'

export interface Problem {
  /** RFC 6901; the empty text is the whole document. */
  readonly pointer: string
  /** One sentence. Values in it are safe to show. */
  readonly problem: string
  /** What to write instead, one sentence. */
  readonly fix: string
  /** An error keeps the policy from taking effect. */
  readonly severity: 'error' | 'warning'
  /** Where it stands, when that is not the file that was asked about. */
  readonly file?: string
}

export function error(pointer: string, problem: string, fix: string): Problem {
  return { pointer, problem, fix, severity: 'error' }
}

export function warning(pointer: string, problem: string, fix: string): Problem {
  return { pointer, problem, fix, severity: 'warning' }
}

/** `policy.json#/rules/3/host: "*.com" would match … . Correct that field.` */
export function formatProblem({ pointer, problem, fix, file: own }: Problem, file: string): string {
  const where = visible(own ?? file, MAX_FILE)
  return `${where}${pointer === '' ? '' : `#${visible(pointer, MAX_POINTER)}`}: ${problem} ${fix}`
}

/** One step down a pointer (RFC 6901 §3). */
export function below(pointer: string, step: string | number): string {
  return `${pointer}/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** A value from outside, as it stands in a sentence. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : nameOf(value)
  return visible(text, MAX_VALUE)
}

const MAX_FILE = 1024
const MAX_POINTER = 300
const MAX_VALUE = 120

function nameOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
