/**
 * Looks through the files of a log, the newest record first, a part at a time.
 *
 * A place is a file, by its inode, which a rotation leaves as it is, and where a line begins in it: neither changes by
 * what is written meanwhile. A part ends with enough records, or after so many bytes: no search holds up a request.
 */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { AuditRecord } from '../model/audit.ts'
import type { FlowQuery, LogPart } from '../model/desk.ts'
import { logFiles } from './files.ts'
import { matcher } from './matching.ts'
import { parseRecord } from './parse.ts'

/** Longer than the longest line. */
const BLOCK = 256 * 1024
const MAX_BYTES = 16 * 1024 ** 2
const LF = 0x0a

/**
 * @param log  path of the file that is written; its rotated ones are looked through after it
 * @param older  where an earlier part ended; null: at the end of the log
 * @throws OperatorError E_AUDIT_UNREADABLE
 */
export async function searchLog(log: string, query: FlowQuery, older: string | null, maxBytes = MAX_BYTES): Promise<LogPart> {
  const isWanted = matcher(query)
  const flows: AuditRecord[] = []
  /** A flow that lasts has an earlier record, which says less. */
  const told = new Set<string>()
  const inodes = new Set<number>()
  let from = older === null ? null : placeOf(older)
  let left = maxBytes

  /** @returns whether it fills the part */
  function take(line: Buffer): boolean {
    const record = parseRecord(line.toString())
    if (record === null) return false
    if (record.flow !== null && told.has(record.flow)) return false
    if (record.flow !== null) told.add(record.flow)
    if (isWanted(record)) flows.push(record)
    return flows.length >= query.limit
  }

  for (const name of logFiles(log).reverse()) {
    const file = await open(name).catch(() => null)
    if (file === null) continue
    try {
      const { ino, size } = await file.stat()
      // Read already, under the name that it had before a rotation; or newer than where we go on.
      if (inodes.has(ino) || (from !== null && from.inode !== ino)) continue
      inodes.add(ino)
      let end = from === null ? size : Math.min(from.end, size)
      from = null
      while (end > 0) {
        if (left <= 0) return { flows, older: `${ino}:${end}` }
        const start = Math.max(0, end - BLOCK)
        const bytes = await read(file, start, end)
        left -= bytes.length
        // What stands before the first line end began in an earlier block.
        const first = start === 0 ? 0 : bytes.indexOf(LF, 0) + 1
        for (let until = bytes.at(-1) === LF ? bytes.length - 1 : bytes.length; until > first;) {
          const begin = Math.max(first, bytes.lastIndexOf(LF, until - 1) + 1)
          if (take(bytes.subarray(begin, until))) return { flows, older: start + begin === 0 ? nextOf(ino) : `${ino}:${start + begin}` }
          until = begin - 1
        }
        // Longer than any line of ours: passed over.
        end = first < bytes.length ? start + first : start
      }
    } finally {
      await file.close()
    }
  }
  return { flows, older: null }
}

/** The beginning of a file, behind which the one before it is looked through. */
const nextOf = (inode: number): string => `${inode}:0`

function placeOf(older: string): { readonly inode: number, readonly end: number } {
  const [inode = '', end = ''] = older.split(':')
  return { inode: Number(inode), end: Number(end) }
}

async function read(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(end - start)
  let filled = 0
  for (let n = 1; n > 0 && filled < bytes.length; filled += n) n = (await file.read(bytes, filled, bytes.length - filled, start + filled)).bytesRead
  return bytes.subarray(0, filled)
}
