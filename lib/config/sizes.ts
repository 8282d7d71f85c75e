/** `100M` → bytes. K, M and G are of 1024; a bare number is bytes. */

const BYTES = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const

/** @returns bytes; null for what is no whole number with or without a unit, or too large to count */
export function parseSize(text: string): number | null {
  const parts = /^(\d{1,16})([KMG]?)$/.exec(text)
  if (parts === null) return null
  const bytes = Number(parts[1]) * BYTES[parts[2] as keyof typeof BYTES]
  return Number.isSafeInteger(bytes) ? bytes : null
}
