/**
 * The CA of a firewall and what its clients need of it, also while none runs.
 */
import { dirname, join } from 'node:path'
import { defaultStateDir } from './control/paths.ts'
import { systemClock } from './model/clock.ts'
import { writeBundle } from './tls/bundle.ts'
import { clientEnvironment } from './tls/environment.ts'
import { openStore } from './tls/store.ts'

type Env = Readonly<Record<string, string | undefined>>

export interface CaFiles {
  readonly path: string
  readonly fingerprint: string
  /** RFC 3339. */
  readonly expires: string
  /** System roots and this CA in one file. */
  readonly bundle: string
}

export function defaultCertsDir(env: Env): string {
  return join(defaultStateDir(env), 'ca')
}

/** Opens the CA, or makes it. @throws OperatorError E_CA_UNREADABLE or E_CA_WRITE */
export async function openCa(certs: string | undefined, env: Env): Promise<CaFiles> {
  const store = await openStore(certs ?? defaultCertsDir(env), { clock: systemClock })
  const bundle = writeBundle(store.dir, store, env)
  return { path: store.certificatePath, fingerprint: store.fingerprint, expires: store.notAfter.toISOString(), bundle }
}

/** The variables of `sallyport env`. */
export async function describeEnvironment(where: { readonly proxyUrl: string, readonly caPath?: string, readonly certs?: string }, env: Env): Promise<Record<string, string>> {
  const { path, bundle } = await openCa(where.caPath === undefined ? where.certs : dirname(where.caPath), env)
  return clientEnvironment({ proxyUrl: where.proxyUrl === '' ? null : where.proxyUrl, caPath: path, bundlePath: bundle })
}
