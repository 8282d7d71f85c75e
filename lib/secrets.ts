/** The files of hooks: secrets, which nobody inside may see, and those that say how hooks decide, which nobody inside may change. */
import { readFileSync, statSync } from 'node:fs'
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

/**
 * What decides the next time too: an envelope, a model's instructions, and whatever a command names as a word of its own.
 * A command is for a shell, and what its files read in turn is not known here.
 */
export function decidingFiles(hooks: readonly HookDocument[]): readonly string[] {
  const files: string[] = []
  JSON.stringify(hooks, (key, value: unknown) => {
    if (typeof value === 'string' && (key === 'envelope' || key === 'instructions')) files.push(value)
    if (typeof value === 'string' && key === 'command') files.push(...value.split(/[\s'"=;|&<>()]+/).filter(isFile))
    return value
  })
  return files
}

/** A folder is no program: to keep the working directory from being changed would be too much. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    // Most words of a command are no file.
    return false
  }
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
