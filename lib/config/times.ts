/** Points in time as a policy writes them: RFC 3339, and really on the calendar. */

const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/**
 * Stricter than `Date.parse`, which makes March 2nd of February 30th. Lower-case `t` and `z` and leap seconds,
 * which RFC 3339 permits, are not taken: `Date.parse` does not read them alike everywhere.
 *
 * @returns milliseconds since 1970; null where the text is no such time
 */
export function parseTime(text: string): number | null {
  const [isWhole, year, month, day] = RFC_3339.exec(text) ?? []
  if (isWhole === undefined) return null
  const midnight = new Date(0)
  midnight.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  if (midnight.getUTCMonth() !== Number(month) - 1 || midnight.getUTCDate() !== Number(day)) return null
  const time = Date.parse(text)
  return Number.isNaN(time) ? null : time
}
