/**
 * The CA: how it is made, and how it signs.
 *
 * The promise: whoever holds an `Authority` can have a certificate signed and cannot have the key.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject, X509Certificate } from 'node:crypto'
import { buildCertificate, caExtensions, identityOf, keyIdentifierOf, nameOf, pieceOf } from './certificate.ts'
import type { Piece, Sign } from './certificate.ts'
import { certificatesIn, readCertificate } from './pem.ts'

/** What signs leaves. The key lives in the closure of `sign`. */
export interface Authority {
  readonly name: Piece
  readonly keyIdentifier: Uint8Array
  /** Milliseconds since 1970; nothing it signs lives longer. */
  readonly notAfter: number
  readonly sign: Sign
}

/** A CA as it is kept in files. Only `store.ts` sees one. */
export interface CaPem {
  readonly certificate: string
  readonly key: string
}

/** `pair` names the two, so that a process that finds the key can find the certificate. */
export interface NewCa extends CaPem {
  readonly pair: string
}

export type Opened =
  | { readonly kind: 'opened', readonly certificate: X509Certificate, readonly authority: Authority }
  | { readonly kind: 'unfit', readonly problem: string }

const YEARS = 10
const HOUR_MS = 3_600_000

/** A new CA. @param now milliseconds since 1970; it begins an hour earlier, for clients whose clock is late */
export function makeCa(now: number): NewCa {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  // A name of its own, so that a client that knows two of our CAs tries the right one.
  const name = nameOf(`Sallyport CA ${randomBytes(4).toString('hex')}`)
  return {
    pair: pairName(spki),
    certificate: buildCertificate({
      issuer: name,
      subject: name,
      publicKey: pieceOf(spki),
      notBefore: now - HOUR_MS,
      notAfter: yearsAfter(now, YEARS),
      extensions: caExtensions(keyIdentifierOf(spki)),
    }, signerOf(privateKey)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

/** Checks that both belong together and may sign now. `problem` names what is wrong and quotes neither. */
export function openCa(pem: CaPem, now: number): Opened {
  const key = readKey(pem.key)
  if (key === null) return unfit('ca.key is not an unencrypted private key on P-256')
  const [only, ...others] = certificatesIn(pem.certificate)
  const certificate = only === undefined || others.length > 0 ? null : readCertificate(only)
  if (certificate === null) return unfit('ca.crt is not exactly one certificate')
  if (!certificate.checkPrivateKey(key)) return unfit('ca.key is not the key of ca.crt')
  if (!certificate.ca) return unfit('ca.crt is not the certificate of a CA')
  const { name, keyIdentifier } = readIdentity(certificate)
  if (name === null || keyIdentifier === null) return unfit('ca.crt has no subject key identifier that can be read')
  const notAfter = Date.parse(certificate.validTo)
  // Written so that a date that cannot be read is a refusal.
  if (!(Date.parse(certificate.validFrom) <= now)) return unfit(`ca.crt is not valid before ${certificate.validFrom}`)
  if (!(now < notAfter)) return unfit(`ca.crt expired on ${certificate.validTo}`)
  return { kind: 'opened', certificate, authority: { name, keyIdentifier, notAfter, sign: signerOf(key) } }
}

/** The name of the pair that a key belongs to; null where it is no key of a CA. */
export function pairNameOf(keyPem: string): string | null {
  const key = readKey(keyPem)
  return key === null ? null : pairName(createPublicKey(key).export({ type: 'spki', format: 'der' }))
}

/** Tells nothing of the private key. */
const pairName = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('hex').slice(0, 16)

function readKey(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem)
    return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : null
  } catch {
    // Whatever OpenSSL says of it: it is not a key we can use.
    return null
  }
}

function readIdentity(certificate: X509Certificate): { readonly name: Piece | null, readonly keyIdentifier: Uint8Array | null } {
  try {
    return identityOf(certificate.raw)
  } catch {
    // OpenSSL reads more than DER; what we cannot read we cannot put into a leaf.
    return { name: null, keyIdentifier: null }
  }
}

const signerOf = (key: KeyObject): Sign => bytes => sign('sha256', bytes, key)

function yearsAfter(ms: number, years: number): number {
  const date = new Date(ms)
  return date.setUTCFullYear(date.getUTCFullYear() + years)
}

const unfit = (problem: string): Opened => ({ kind: 'unfit', problem })
