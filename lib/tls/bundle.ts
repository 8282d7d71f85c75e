/**
 * The bundle for clients: the roots of the system and our CA in one file.
 *
 * Most variables that name a file of roots replace the system's own (`environment.ts`), so a client that
 * should trust us beside everybody else needs both in one.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { OperatorError } from '../model/errors.ts'
import { errorCode, readText, replace } from './files.ts'
import { loadUpstreamRoots } from './roots.ts'
import type { Store } from './store.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * The roots of this system as one PEM text. `SSL_CERT_FILE` counts, unless it holds our CA.
 *
 * @throws OperatorError E_ROOTS_UNREADABLE when `SSL_CERT_FILE` names a file that cannot be used
 */
export function systemRootsPem(env: Env, ownCaPem = ''): string {
  return loadUpstreamRoots({ files: [], env, ownCaPem }).pem.map(root => `${root.trimEnd()}\n`).join('')
}

/**
 * Writes `ca-bundle.crt` (0644) into a folder, unless it is there and as it should be.
 *
 * @param env  where `SSL_CERT_FILE` is looked up
 * @returns its path
 * @throws OperatorError E_CA_WRITE, and as `systemRootsPem`
 */
export function writeBundle(dir: string, store: Store, env: Env = process.env): string {
  const path = join(dir, 'ca-bundle.crt')
  const text = systemRootsPem(env, store.certificatePem) + store.certificatePem
  const present = readText(path, { isOurs: true, isSecret: false })
  if (present.kind === 'read' && present.text === text) return path
  try {
    replace(path, join(dir, `.ca-bundle-${randomBytes(8).toString('hex')}.crt`), text, 0o644)
  } catch (error) {
    throw new OperatorError('E_CA_WRITE', { file: path, problem: errorCode(error) }, error)
  }
  return path
}
