/**
 * A trust store for Chromium, which has no variable and no file of roots: an NSS database in the home that trusts the
 * CA, made by certutil. All that it says is public. Chromium takes it only where it may write to it, so each command
 * gets a copy.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Where Chromium looks, below the home. */
export const NSS_FOLDER = '.pki/nssdb'
const MAX_MS = 10_000

export type NssStore = readonly { readonly name: string, readonly data: Uint8Array }[]

/**
 * Makes `nssdb` beside the CA's certificate, unless it is there and not older.
 *
 * @param certutil  path of the program
 * @returns its files; none where certutil failed: what does not need it goes on without
 */
export function openNssStore(certutil: string, caPath: string): NssStore {
  const folder = join(dirname(caPath), 'nssdb')
  try {
    const made = statSync(join(folder, 'cert9.db'), { throwIfNoEntry: false })?.mtimeMs ?? -Infinity
    if (made < statSync(caPath).mtimeMs) make(certutil, caPath, folder)
    return readdirSync(folder).map(name => ({ name, data: readFileSync(join(folder, name)) }))
  } catch {
    return []
  }
}

function make(certutil: string, caPath: string, folder: string): void {
  const making = mkdtempSync(join(dirname(caPath), '.nssdb-'))
  try {
    for (const args of [['-N', '--empty-password'], ['-A', '-t', 'C,,', '-n', 'sallyport', '-i', caPath]]) {
      const { status } = spawnSync(certutil, ['-d', `sql:${making}`, ...args], { stdio: 'ignore', timeout: MAX_MS, env: { HOME: making } })
      if (status !== 0) throw new Error(`certutil ended with ${status}`)
    }
    rmSync(folder, { recursive: true, force: true })
    renameSync(making, folder)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}
