/**
 * The shapes of policies and answers, as `schemas/*.json` lay them down. What the validator finds leaves as
 * sentences of ours. Nothing is known here of what properties mean together: that is `rules.ts`.
 */
import { error, listed, shown } from './problems.ts'
import type { Problem } from './problems.ts'
import { toProblems } from './shape-problems.ts'
import type { Schema } from './shape-problems.ts'
import { schemaFile, validatorOf } from './validators.ts'

/** @param value plain data, as `JSON.parse` makes it */
export function checkPolicyShape(value: unknown): Problem[] {
  return check('policy.schema.json', value)
}

/** @param value plain data, as `JSON.parse` makes it */
export function checkAnswerShape(value: unknown): Problem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [error('', `An answer is an object, not ${shown(value)}.`, 'Answer {"verdict":"approve","grant":"once"}, {"verdict":"deny"} or {"verdict":"pass"}.')]
  }
  const verdict = Object.hasOwn(value, 'verdict') ? (value as { verdict: unknown }).verdict : undefined
  const known = VERDICTS.find(name => name === verdict)
  // One branch is checked, so that what is told is about the answer that was meant.
  if (known !== undefined) return check(`approval.schema.json#/$defs/${known === 'approve' && isForTask(value) ? 'approveTask' : known}`, value)
  const problem = verdict === undefined ? '"verdict" is missing.' : `${shown(verdict)} is no verdict.`
  return [error(verdict === undefined ? '' : '/verdict', problem, `Write "verdict": ${listed(VERDICTS)}.`)]
}

function isForTask({ grant }: { readonly grant?: unknown }): boolean {
  return typeof grant === 'object' && grant !== null && 'rules' in grant
}

/** @param value plain data, as `JSON.parse` makes it */
export function checkSettingsShape(value: unknown): Problem[] {
  return check('config.schema.json', value)
}

/** A rule as an approval may give it. */
export function checkGrantShape(value: unknown): Problem[] {
  return check('approval.schema.json#/$defs/rule', value)
}

const VERDICTS = ['approve', 'deny', 'pass'] as const

function check(name: string, value: unknown): Problem[] {
  const validate = validatorOf(name)
  return validate(value) ? [] : toProblems(validate.errors ?? [], { name, value, resolve })
}

/** @param ref a file and a pointer within it, or a pointer within `base` */
function resolve(ref: string, base = ''): { readonly schema: Schema, readonly file: string } {
  const [file = '', pointer = ''] = ref.split('#')
  const name = file === '' ? base : file
  const steps = pointer.split('/').slice(1)
  return { schema: steps.reduce<Schema>((schema, step) => (schema as Record<string, Schema>)[step] ?? {}, schemaFile(name)), file: name }
}
