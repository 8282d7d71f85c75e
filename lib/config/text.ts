/** The text of a policy file. */
import { createReadStream } from 'node:fs'
import { OperatorError } from '../model/errors.ts'
import { error } from './problems.ts'
import type { Problem } from './problems.ts'

export type FileText =
  | { readonly kind: 'text', readonly text: string }
  | { readonly kind: 'invalid', readonly problem: Problem }

/** A hundred thousand rules are a fifth of it. A device or a pipe has no end. */
export const MAX_POLICY_BYTES = 64 * 1024 ** 2

/**
 * @returns `invalid` for what is too large, and for bytes that are not UTF-8: repaired, a name would be another name
 * @throws OperatorError E_POLICY_UNREADABLE
 */
export async function readText(file: string): Promise<FileText> {
  const bytes = await readBytes(file)
  if (bytes.length > MAX_POLICY_BYTES) return { kind: 'invalid', problem: error('', 'The file is larger than 64 MiB.', 'Make it smaller.') }
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    // `fatal`: a TypeError, and nothing else.
    return { kind: 'invalid', problem: error('', 'The file is not UTF-8.', 'Save it as UTF-8.') }
  }
}

async function readBytes(file: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    // One byte more than may be: `end` is the last one read.
    for await (const chunk of createReadStream(file, { end: MAX_POLICY_BYTES })) chunks.push(chunk as Buffer)
  } catch (fault) {
    throw new OperatorError('E_POLICY_UNREADABLE', { file, problem: (fault as NodeJS.ErrnoException).code ?? 'unknown' }, fault)
  }
  return Buffer.concat(chunks)
}
