/** The text of a policy file. */
import { readFile } from 'node:fs/promises'
import { OperatorError } from '../model/errors.ts'

/**
 * @returns null for bytes that are not UTF-8: repaired, a name would be another name
 * @throws OperatorError E_POLICY_UNREADABLE
 */
export async function readText(file: string): Promise<string | null> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new OperatorError('E_POLICY_UNREADABLE', { file, problem: error.code ?? 'unknown' }, error)
  })
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // `fatal`: a TypeError, and nothing else.
    return null
  }
}
