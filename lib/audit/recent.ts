/**
 * The last records of the log, in memory: what an operator looks at while it happens.
 *
 * They are kept as the lines they were written as and read again only when somebody asks, so that a
 * request pays for a store and nothing else. What the log leaves out (values of queries) is not here either.
 */
import type { AuditRecord } from '../model/audit.ts'
import type { RecentFlows } from '../model/desk.ts'
import { matcher } from './matching.ts'
import { parseRecord } from './parse.ts'

export interface Recent extends RecentFlows {
  /** @param body a record as `line.ts` laid it out, still open */
  note(body: string): void
}

/** @param max records that are remembered; each is about 700 bytes, and at most MAX_LINE */
export function createRecent(max: number): Recent {
  const ring: string[] = []
  let latest = 0

  const at = (number: number): AuditRecord | null => parseRecord(`${ring[(number - 1) % max]}}`)

  return {
    get latest() { return latest },
    note(body) {
      ring[latest++ % max] = body
    },
    find(query) {
      const found: AuditRecord[] = []
      const seen = new Set<string>()
      const isWanted = matcher(query)
      for (let number = latest; number > Math.max(0, latest - max) && found.length < query.limit; number--) {
        const record = at(number)
        if (record === null) continue
        if (record.flow !== null) {
          // A flow that lasts has an earlier record, which says less.
          if (seen.has(record.flow)) continue
          seen.add(record.flow)
        }
        if (isWanted(record)) found.push(record)
      }
      return found
    },
    since(after, limit) {
      const from = Math.max(after, latest - Math.min(limit, max))
      const records: AuditRecord[] = []
      for (let number = from + 1; number <= latest; number++) {
        const record = at(number)
        if (record !== null) records.push(record)
      }
      return { records, skipped: Math.max(0, from - after) }
    },
  }
}
