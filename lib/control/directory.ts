/**
 * The folder a control socket lives in: ours, and nobody else's to write in.
 *
 * Whoever can write in it could put a socket of their own in the place of the firewall's, and
 * answer or overhear what the operator decides. So it is checked each time, not trusted.
 */
import { lstatSync, mkdirSync } from 'node:fs'

/** `absent` only when it was not to be made. */
export type DirectoryVerdict =
  | { readonly kind: 'private' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unsafe', readonly problem: string }

/** Makes the folder (0700, parents too) where it is missing, and checks what is there then. */
export function makePrivateDirectory(path: string): DirectoryVerdict {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    return unsafe(`its folder ${path} cannot be made: ${errorCode(error)}`)
  }
  return checkPrivateDirectory(path)
}

export function checkPrivateDirectory(path: string): DirectoryVerdict {
  let found
  try {
    // lstat, because whoever owns a symbolic link may point it elsewhere after this look.
    found = lstatSync(path)
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? { kind: 'absent' } : unsafe(`its folder ${path} cannot be read: ${errorCode(error)}`)
  }
  if (found.isSymbolicLink()) return unsafe(`its folder ${path} is a symbolic link`)
  if (!found.isDirectory()) return unsafe(`${path} is not a folder`)
  if (found.uid !== process.getuid?.()) return unsafe(`its folder ${path} belongs to another user, uid ${found.uid}`)
  if ((found.mode & 0o022) !== 0) return unsafe(`others may write in its folder ${path}, mode ${(found.mode & 0o777).toString(8)}`)
  return { kind: 'private' }
}

/** `ENOENT` and the like; for an error without a code, its message. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  return (error as NodeJS.ErrnoException).code ?? error.message
}

const unsafe = (problem: string): DirectoryVerdict => ({ kind: 'unsafe', problem })
