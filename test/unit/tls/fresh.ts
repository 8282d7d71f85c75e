/** A CA of its own in a folder of its own, and what openssl says of certificates. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../lib/model/clock.ts'
import type { Clock } from '../../../lib/model/clock.ts'
import type { CanonicalHost } from '../../../lib/model/request.ts'
import { openStore } from '../../../lib/tls/store.ts'
import type { Store } from '../../../lib/tls/store.ts'

interface Teardown { teardown(call: () => unknown): void }

/** A folder for one test; as many as it asks for. */
export function freshDir(t: Teardown): string {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-test-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export const freshStore = (t: Teardown, clock: Clock = systemClock): Promise<Store> => openStore(join(freshDir(t), 'ca'), { clock })

/** What `normalize/` would have made. */
export const canonical = (host: string): CanonicalHost => host as CanonicalHost

/** @throws with what openssl says when it fails */
export function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** `x509 -text` of a PEM. */
export function described(dir: string, pem: string): string {
  const file = join(dir, 'described.pem')
  writeFileSync(file, pem)
  return openssl('x509', '-in', file, '-noout', '-text', '-nameopt', 'RFC2253')
}

/** Why a client is not there; false where it is. Where CI is set a missing client is a failure, not a skip. */
export function whyNot(program: string): string | false {
  if (process.env['CI'] !== undefined) return false
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return false
  } catch {
    return `${program} is not installed`
  }
}
