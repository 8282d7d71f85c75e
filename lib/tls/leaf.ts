/**
 * Leaves: the identity under which we answer for one host.
 *
 * Short-lived, for exactly one name or address, signed by the CA of the store. Minting is cheap because all
 * leaves of a process share one key and everything but the name, the serial and the dates is put together once.
 */
import { generateKeyPairSync } from 'node:crypto'
import { OperatorError } from '../model/errors.ts'
import type { CanonicalHost, HostKind } from '../model/request.ts'
import { addressOf, isName } from './host.ts'
import { buildCertificate, keyIdentifierOf, NO_NAME, pieceOf, serverExtensions, subjectAltName } from './certificate.ts'
import { authorityOf } from './store.ts'
import type { Store } from './store.ts'

export interface Leaf {
  readonly certificatePem: string
  /** Of the key that all leaves of this process share. It is never written anywhere. */
  readonly keyPem: string
  /** Milliseconds since 1970, both. */
  readonly notBefore: number
  readonly notAfter: number
}

/** @throws OperatorError when the CA has expired; Error for a host that is no canonical host of that kind */
export type Mint = (host: CanonicalHost, hostKind: HostKind, now: number) => Leaf

const HOUR_MS = 3_600_000
const LIFE_MS = 7 * 24 * HOUR_MS
/** For clients whose clock is late. */
const BACKDATE_MS = HOUR_MS

export function createMint(store: Store): Mint {
  const authority = authorityOf(store)
  const key = sharedKey()
  const extensions = serverExtensions(key.identifier, authority.keyIdentifier)
  return (host, hostKind, now) => {
    if (now >= authority.notAfter) throw new OperatorError('E_CA_UNREADABLE', { file: store.dir, problem: `ca.crt expired on ${store.notAfter.toUTCString()}` })
    const notBefore = now - BACKDATE_MS
    const notAfter = Math.min(now + LIFE_MS, authority.notAfter)
    const certificatePem = buildCertificate({
      issuer: authority.name,
      subject: NO_NAME,
      publicKey: key.publicKey,
      notBefore,
      notAfter,
      extensions: [...extensions, subjectAltName(nameIn(host, hostKind))],
    }, authority.sign)
    return { certificatePem, keyPem: key.pem, notBefore, notAfter }
  }
}

/** Only `normalize/` makes canonical hosts; what is signed is looked at once more all the same. */
function nameIn(host: CanonicalHost, hostKind: HostKind): { dns: string } | { ip: Uint8Array } {
  if (hostKind === 'name') {
    if (isName(host)) return { dns: host }
  } else {
    const ip = addressOf(host, hostKind)
    if (ip !== null) return { ip }
  }
  throw new Error(`no certificate is signed for ${JSON.stringify(host)} as ${hostKind}`)
}

interface LeafKey {
  readonly pem: string
  readonly publicKey: ReturnType<typeof pieceOf>
  readonly identifier: Uint8Array
}

let made: LeafKey | null = null

function sharedKey(): LeafKey {
  if (made === null) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const spki = publicKey.export({ type: 'spki', format: 'der' })
    made = { pem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, publicKey: pieceOf(spki), identifier: keyIdentifierOf(spki) }
  }
  return made
}
