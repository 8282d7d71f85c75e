/** `240s` → milliseconds. A bare number is refused: nobody could tell seconds from milliseconds. */

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** @returns milliseconds; null for what is no whole number with a unit (`ms`, `s`, `m`, `h`, `d`), or too long to count */
export function parseDuration(text: string): number | null {
  const parts = /^(\d{1,15})(ms|s|m|h|d)$/.exec(text)
  if (parts === null) return null
  const ms = Number(parts[1]) * MS[parts[2] as keyof typeof MS]
  return Number.isSafeInteger(ms) ? ms : null
}
