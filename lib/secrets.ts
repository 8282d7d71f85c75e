/** Secrets of hooks: where they are named, and how one is read. */
import { readFileSync } from 'node:fs'
import { OperatorError } from './model/errors.ts'
import type { HookDocument } from './model/settings.ts'

/** Where the secrets of hooks are: what a command in a sandbox must not see. */
export function secretPlaces(hooks: readonly HookDocument[]): { readonly files: readonly string[], readonly variables: readonly string[] } {
  const files: string[] = []
  const variables: string[] = []
  JSON.stringify(hooks, (key, value: unknown) => {
    if (typeof value === 'string' && key.endsWith('File')) files.push(value)
    if (typeof value === 'string' && key.endsWith('Env')) variables.push(value)
    return value
  })
  return { files, variables }
}

/** The text of a file, without the line end that editors add. */
export function readSecret(option: string, file: string): string {
  let text
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new OperatorError('E_OPTION_INVALID', { option, problem: `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, fix: 'Name a file that you can read.' }, error)
  }
  if (text === '') throw new OperatorError('E_OPTION_INVALID', { option, problem: `${file} is empty`, fix: 'Write what belongs in it.' })
  return text
}
