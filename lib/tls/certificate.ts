/**
 * Puts a certificate together (RFC 5280): node-forge encodes what is signed, the caller signs it.
 *
 * The only home of node-forge. It is here for its ASN.1 encoder alone: it knows no elliptic curves, so
 * public keys are spliced in as `node:crypto` wrote them; it signs slowly, so it does not sign; it has had
 * holes in verifying, so it verifies nothing. A DER writer of some eighty lines could replace it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import type forge from 'node-forge'
import { certificatePem } from './pem.ts'

// Its encoder alone: 25 ms less at start.
const asn1 = createRequire(import.meta.url)('node-forge/lib/asn1.js') as typeof forge.asn1
const { Class, Type } = asn1

/** A piece of a certificate, ready to be put into another. */
export type Piece = forge.asn1.Asn1

/** Signs bytes with ECDSA on P-256 and SHA-256; the signature is DER. The key behind it cannot be had. */
export type Sign = (bytes: Uint8Array) => Uint8Array

export interface CertificateFields {
  readonly issuer: Piece
  readonly subject: Piece
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Piece
  /** Milliseconds since 1970, cut to the second, as are all times of certificates. */
  readonly notBefore: number
  readonly notAfter: number
  readonly extensions: readonly Piece[]
}

/** A certificate in PEM, with a random serial number. */
export function buildCertificate(fields: CertificateFields, sign: Sign): string {
  const toBeSigned = sequence(
    VERSION_3,
    randomSerial(),
    ECDSA_WITH_SHA256,
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    fields.publicKey,
    asn1.create(Class.CONTEXT_SPECIFIC, 3, true, [sequence(...fields.extensions)]),
  )
  const signature = sign(bytesOf(toBeSigned))
  return certificatePem(bytesOf(sequence(toBeSigned, ECDSA_WITH_SHA256, bitString(0, signature))).toString('base64'))
}

/** A distinguished name of nothing but a common name. @param commonName letters, digits and spaces */
export const nameOf = (commonName: string): Piece => sequence(asn1.create(Class.UNIVERSAL, Type.SET, true, [
  sequence(oid(OID.commonName), universal(Type.PRINTABLESTRING, commonName)),
]))

/** The name of a subject whose names are all in its extensions. */
export const NO_NAME: Piece = asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [])

/** DER that `node:crypto` wrote, as a piece. */
export const pieceOf = (der: Uint8Array): Piece => asn1.fromDer(binary(der))

/** The subject and the subject key identifier of a certificate; the identifier is null where it has none. @throws Error for what only others can read */
export function identityOf(certificate: Uint8Array): { readonly name: Piece, readonly keyIdentifier: Uint8Array | null } {
  const fields = children(children(pieceOf(certificate))[0])
  const extensions = children(children(fields.find(field => field.tagClass === Class.CONTEXT_SPECIFIC && (field.type as number) === 3))[0])
  const found = extensions.find(extension => children(extension)[0]?.value === oid(OID.subjectKeyIdentifier).value)
  const wrapped = children(found).at(-1)?.value
  return {
    name: fields[5] ?? NO_NAME,
    keyIdentifier: typeof wrapped === 'string' ? Buffer.from(asn1.fromDer(wrapped).value as string, 'latin1') : null,
  }
}

/**
 * Names a P-256 key: the first 160 bits of the SHA-256 of its point (RFC 7093 §2, method 1).
 *
 * @param spki SubjectPublicKeyInfo. Taken as bytes, because node-forge reads a BIT STRING as ASN.1 wherever
 *   it can be read so, which is true of one P-256 key in 256.
 */
export const keyIdentifierOf = (spki: Uint8Array): Uint8Array => createHash('sha256').update(spki.subarray(-POINT)).digest().subarray(0, 20)

/** Octets of an uncompressed point on P-256, which end its SubjectPublicKeyInfo. */
const POINT = 65

/** Of a CA that may sign leaves and no further CA (path length 0). */
export const caExtensions = (keyIdentifier: Uint8Array): readonly Piece[] => [
  extension(OID.basicConstraints, 'critical', sequence(TRUE, integer(0))),
  // keyCertSign and cRLSign, bits 5 and 6.
  extension(OID.keyUsage, 'critical', bitString(1, Uint8Array.of(0x06))),
  extension(OID.subjectKeyIdentifier, 'plain', octetString(binary(keyIdentifier))),
]

/** Of a TLS server, all but its names. */
export const serverExtensions = (keyIdentifier: Uint8Array, issuerKeyIdentifier: Uint8Array): readonly Piece[] => [
  // digitalSignature, bit 0.
  extension(OID.keyUsage, 'critical', bitString(7, Uint8Array.of(0x80))),
  extension(OID.extKeyUsage, 'plain', sequence(oid(OID.serverAuth))),
  extension(OID.subjectKeyIdentifier, 'plain', octetString(binary(keyIdentifier))),
  extension(OID.authorityKeyIdentifier, 'plain', sequence(tagged(0, binary(issuerKeyIdentifier)))),
]

/** Critical, because the subject is empty (RFC 5280 §4.2.1.6). */
export const subjectAltName = (name: { readonly dns: string } | { readonly ip: Uint8Array }): Piece => extension(
  OID.subjectAltName,
  'critical',
  sequence('dns' in name ? tagged(2, name.dns) : tagged(7, binary(name.ip))),
)

const OID = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const

function extension(id: string, weight: 'critical' | 'plain', value: Piece): Piece {
  const octets = octetString(asn1.toDer(value).getBytes())
  return weight === 'critical' ? sequence(oid(id), TRUE, octets) : sequence(oid(id), octets)
}

/** 16 octets that begin with a bit pattern of 01: positive, never shortened, 126 random bits (RFC 5280 §4.1.2.2 allows 20 octets). */
function randomSerial(): Piece {
  const serial = randomBytes(16)
  serial[0] = (serial[0]! & 0x3f) | 0x40
  return universal(Type.INTEGER, binary(serial))
}

/** UTCTime up to 2049, GeneralizedTime from then on (RFC 5280 §4.1.2.5). */
function time(ms: number): Piece {
  const date = new Date(ms)
  return date.getUTCFullYear() < 2050
    ? universal(Type.UTCTIME, asn1.dateToUtcTime(date))
    : universal(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date))
}

const universal = (type: forge.asn1.Type, value: string): Piece => asn1.create(Class.UNIVERSAL, type, false, value)
const sequence = (...pieces: Piece[]): Piece => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, pieces)
const octetString = (bytes: string): Piece => universal(Type.OCTETSTRING, bytes)
const tagged = (tag: number, bytes: string): Piece => asn1.create(Class.CONTEXT_SPECIFIC, tag, false, bytes)
const integer = (value: number): Piece => universal(Type.INTEGER, asn1.integerToDer(value).getBytes())
const oid = (id: string): Piece => universal(Type.OID, asn1.oidToDer(id).getBytes())
const bitString = (unused: number, bits: Uint8Array): Piece => universal(Type.BITSTRING, String.fromCharCode(unused) + binary(bits))
const children = (piece: Piece | undefined): Piece[] => piece !== undefined && Array.isArray(piece.value) ? piece.value : []
/** node-forge keeps bytes in strings of one byte per character. */
const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const bytesOf = (piece: Piece): Buffer => Buffer.from(asn1.toDer(piece).getBytes(), 'latin1')

const TRUE = universal(Type.BOOLEAN, '\xff')
const VERSION_3 = asn1.create(Class.CONTEXT_SPECIFIC, 0, true, [integer(2)])
/** Without parameters, not even NULL (RFC 5758 §3.2). */
const ECDSA_WITH_SHA256 = sequence(oid(OID.ecdsaWithSha256))
