/**
 * Files that appear whole or not at all, and files that are read with suspicion.
 *
 * A new file is written beside its place and flushed before it gets its name, so neither a crash nor another
 * process ever sees half of one.
 */
import { closeSync, constants, fchmodSync, fstatSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export type FileRead =
  | { readonly kind: 'read', readonly text: string }
  /** There is no such file; the only error that means so is ENOENT. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable', readonly problem: string, readonly cause?: unknown }

/** More than any bundle of roots has, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024

export interface ReadOptions {
  /** Refuse a symbolic link: whoever owns it may point it elsewhere after this look. */
  readonly isOurs: boolean
  /** Refuse it, too, if anybody but this user may read it or owns it. */
  readonly isSecret: boolean
}

/** Reads a regular file; never waits for a pipe, and never throws. */
export function readText(path: string, { isOurs, isSecret }: ReadOptions): FileRead {
  let file: number | null = null
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | (isOurs ? constants.O_NOFOLLOW : 0))
    // Of the opened file, not of the path: what is judged is what is read.
    const { mode, uid, size } = fstatSync(file)
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) return unreadable('it is not a file')
    if (size > MAX_BYTES) return unreadable(`it is larger than ${MAX_BYTES} bytes`)
    if (isSecret && (mode & 0o077) !== 0) return unreadable(`others may use it, mode ${(mode & 0o777).toString(8)}`)
    if (isSecret && uid !== process.getuid?.()) return unreadable(`it belongs to another user, uid ${uid}`)
    return { kind: 'read', text: readFileSync(file, 'utf8') }
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT') return { kind: 'absent' }
    return unreadable(code === 'ELOOP' ? 'it is a symbolic link' : code, error)
  } finally {
    if (file !== null) closeSync(file)
  }
}

/** Writes a file that must not exist yet, flushed to the disk, with exactly this mode. */
export function writeNew(path: string, text: string | Uint8Array, mode: number): void {
  // `wx` follows no link, and mode 0600 until the text is in keeps what it will be private.
  const file = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(file, text)
    fchmodSync(file, mode)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Gives a finished file its name. @returns false when the name is taken; what has it stays as it is */
export function publish(from: string, to: string): boolean {
  try {
    // A link, because a rename would overwrite.
    linkSync(from, to)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Puts a new file in the place of an old one. @param draft a free name in the same folder */
export function replace(path: string, draft: string, text: string | Uint8Array, mode: number): void {
  try {
    writeNew(draft, text, mode)
    renameSync(draft, path)
    syncFolder(dirname(path))
  } finally {
    rmSync(draft, { force: true })
  }
}

/** A name is on the disk once its folder is. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** `ENOENT` and the like; for an error without a code, its message. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  return (error as NodeJS.ErrnoException).code ?? error.message
}

const unreadable = (problem: string, cause?: unknown): FileRead => ({ kind: 'unreadable', problem, cause })
