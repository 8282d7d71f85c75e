/**
 * Certificates in PEM (RFC 7468).
 */
import { X509Certificate } from 'node:crypto'

/**
 * One block. A label of the older tools (`X509 CERTIFICATE`) is not taken.
 * Linear: the body holds no `-`, so no two attempts read the same bytes.
 */
const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** The blocks of a text, as they stand. What is between them is left out. */
export const certificatesIn = (text: string): string[] => Array.from(text.matchAll(BLOCK), ([block]) => `${block}\n`)

/** The same text for the same certificate, however its lines are broken. */
export const spelled = (pem: string): string => pem.replace(/\s+/g, '')

/** @param base64 of the DER, in one line */
export function certificatePem(base64: string): string {
  const lines = base64.match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** Null where the block holds no certificate. */
export function readCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem)
  } catch {
    // OpenSSL cannot read it, and neither could a client.
    return null
  }
}
