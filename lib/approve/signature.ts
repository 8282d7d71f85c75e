/**
 * The signature of a message between us and a webhook: HMAC-SHA-256 (RFC 2104) over its time and its bytes.
 *
 *   Sallyport-Timestamp: 1893456000
 *   Sallyport-Signature: v1=<hex of HMAC(secret, "1893456000." + body)>
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export const TIMESTAMP = 'Sallyport-Timestamp'
export const SIGNATURE = 'Sallyport-Signature'

/** How far the clock of the other side may be off, and how long a message can be sent again. */
const TOLERANCE_S = 300

/** @param now milliseconds since 1970 */
export function sign(secret: string, body: string | Uint8Array, now: number): Readonly<Record<typeof TIMESTAMP | typeof SIGNATURE, string>> {
  const time = String(Math.floor(now / 1_000))
  return { [TIMESTAMP]: time, [SIGNATURE]: `v1=${digest(secret, time, body).toString('hex')}` }
}

/** @param time and `signature` as the fields have them. @returns false for whatever is odd */
export function isSigned(secret: string, body: Uint8Array, { time, signature }: { readonly time: string | undefined, readonly signature: string | undefined }, now: number): boolean {
  const hex = /^v1=([\da-f]{64})$/.exec(signature ?? '')?.[1]
  if (hex === undefined || !/^\d{1,12}$/.test(time ?? '')) return false
  if (Math.abs(now / 1_000 - Number(time)) > TOLERANCE_S) return false
  return timingSafeEqual(Buffer.from(hex, 'hex'), digest(secret, time!, body))
}

function digest(secret: string, time: string, body: string | Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`${time}.`).update(body).digest()
}
