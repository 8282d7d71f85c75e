/** Times, sizes and records in as few characters as a column has. Pure. */
import type { AuditRecord } from '../model/audit.ts'

/** `12 s`, `3:48`, `2 h`. */
export function length(ms: number): string {
  const seconds = Math.max(Math.round(ms / 1_000), 0)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 6_000) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

/** `12 B`, `1.2 KB`, `34 MB`. */
export function size(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : Math.round(value * 10) / 10} ${units[unit] ?? ''}`
}

/** `12:04:10` of an RFC 3339 time, as it stands there: UTC. */
export const hour = (time: string): string => time.slice(11, 19)

/** Milliseconds from one to the other; `at` is RFC 3339. 0 for what is no time. */
export const until = (at: string, now: number): number => {
  const time = Date.parse(at)
  return Number.isNaN(time) ? 0 : time - now
}

export const count = (n: number, one: string, more = `${one}s`): string => `${n} ${n === 1 ? one : more}`

/** Whatever a record says, as one text to search in. */
export const recordText = ({ client, scheme, host, port, method, path, action, rule, reason, code, held }: AuditRecord): string =>
  [action, method, scheme, `${host}:${port}`, path, client, rule, reason, code, held?.by, held?.question].join(' ')
