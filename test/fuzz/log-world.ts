/**
 * An audit log in a folder, its writers one after the other, and what the disk took of each: the facts by which a test
 * judges what the log says. A writer dies by a disk that takes so many bytes more and no other, ever: what is there then
 * is what a killed process leaves, and the next writer finds a copy of it.
 */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { verifyLog } from '../../lib/audit/chain.ts'
import { logFiles } from '../../lib/audit/files.ts'
import type { Known } from '../../lib/audit/line.ts'
import { createAudit } from '../../lib/audit/record.ts'
import type { Audit, FlowRecorder } from '../../lib/audit/record.ts'
import type { SealedRecord } from '../../lib/audit/sinks.ts'
import { fakeClock } from '../helpers/fake-clock.ts'
import { POLICY, recordsIn, turn } from '../unit/audit/log.ts'

export interface LogWorld {
  begin(known: Known): void
  open(which: number): void
  close(which: number): void
  notice(says: string): void
  advance(ms: number): void
  /** The disk takes so many bytes more, in pieces of at most `piece`; null: as many as come. */
  limit(bytes: number | null, piece: number): void
  /** The end of a turn. @returns what is wrong, or null */
  settle(): Promise<string | null>
  restart(): Promise<string | null>
  /** @param renamed steps that a rotation got to before its process died; 0: it was in none */
  kill(bytes: number, renamed: number): Promise<string | null>
  /** Others want to write too. */
  intrude(): Promise<string | null>
  finish(): Promise<string | null>
}

export interface LogOptions { readonly rotateBytes: number | null, readonly keep: number }

/** @param home an empty folder */
export async function createLogWorld(home: string, options: LogOptions): Promise<LogWorld> {
  const clock = fakeClock()
  /** All that the disk took, but for half lines; then of this writer alone the flows. */
  let history = ''
  let runs = 0
  let folder = join(home, '0')
  let room: number | null = null
  let piece = Infinity
  let flows: FlowRecorder[] = []
  let begun = 0
  const halves: string[] = []
  mkdirSync(folder)

  const log = (): string => join(folder, 'audit.jsonl')
  const write = (fd: number, bytes: Uint8Array, offset: number, length: number): number => {
    const taken = Math.min(length, piece, room ?? Infinity)
    if (taken === 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    writeSync(fd, bytes, offset, taken)
    if (room !== null) room -= taken
    history += Buffer.from(bytes.buffer, bytes.byteOffset + offset, taken).toString('latin1')
    return taken
  }
  const start = (): Promise<Audit> => createAudit({ sinks: log(), clock, policy: () => POLICY, write, ...options })
  let audit = await start()

  /** What can be read is the end of all that was ever written, and the whole of it where no file is thrown away. */
  function compare(): string | null {
    const text = textOf(log())
    if (!history.endsWith(text)) return 'what is in the files was not written in this order'
    if (options.keep > 100 && text !== history) return `${history.length - text.length} bytes are gone`
    return text !== '' && text.length < history.length && history.at(-text.length - 1) !== '\n' ? 'the oldest file begins within a line' : null
  }

  async function verify(): Promise<string | null> {
    const wrong = compare()
    if (wrong !== null) return wrong
    const verdict = await verifyLog(log())
    const lines = textOf(log()).split('\n').length - 1
    return verdict.kind === 'sound' && verdict.lines === lines ? null : `${lines} lines verify as ${JSON.stringify(verdict)}`
  }

  /** A start after an end of any kind. */
  async function recover(isOrderly: boolean): Promise<string | null> {
    const before = textOf(log())
    const half = history.slice(history.lastIndexOf('\n') + 1)
    const left = isOrderly ? [] : openIn(before)
    history = history.slice(0, history.length - half.length)
    if (half !== '') halves.push(half)
    const from = history.length
    room = null
    piece = Infinity
    flows = []
    audit = await start()
    const written = recordsIn(history.slice(from))
    const told = written.filter(({ details }) => typeof details?.file === 'string' && readFileSync(details.file, 'latin1') === half)
    if (told.length !== (half === '' ? 0 : 1)) return `half a line of ${half.length} bytes was told ${told.length} times`
    const kept = readdirSync(folder).filter(name => name.includes('.torn-')).map(name => readFileSync(join(folder, name), 'latin1'))
    if (kept.sort().join('\0') !== [...halves].sort().join('\0')) return `${halves.length} half lines, and ${kept.length} are kept`
    const interrupted = written.filter(({ event }) => event === 'interrupted').map(({ flow }) => flow)
    if (interrupted.join() !== left.join()) return `open were ${left.join() || 'none'}, interrupted are ${interrupted.join() || 'none'}`
    return await verify()
  }

  /** The names of the files as they are `steps` renames into a rotation. */
  function beginRotation(steps: number): void {
    writeFileSync(`${log()}.new`, '')
    const numbers = logFiles(log()).filter(name => name !== log()).map(name => Number(name.slice(log().length + 1))).reverse()
    let free = 1
    while (numbers.includes(free)) free++
    for (const n of Array.from({ length: free }, (_, index) => free - index).slice(0, steps)) renameSync(n === 1 ? log() : `${log()}.${n - 1}`, `${log()}.${n}`)
  }

  return {
    begin(known) { flows.push(audit.begin(`f${begun++}`, known)) },
    open(which) { flows[which % flows.length]?.open() },
    close(which) { flows[which % flows.length]?.close({ status: 200, action: 'allow' }) },
    notice: says => audit.notice(says),
    advance: clock.advance,
    limit(bytes, most) {
      room = bytes
      piece = most
    },
    async settle() {
      await turn()
      return compare()
    },
    async restart() {
      // What the disk would not take is lost, and the next start does not find an orderly end.
      await audit.close()
      return await recover(recordsIn(textOf(log()).replace(/[^\n]*$/, '')).at(-1)?.details?.mark === 'stop' && textOf(log()).endsWith('\n'))
    },
    async kill(bytes, renamed) {
      room = bytes
      await turn()
      room = 0
      const dead = folder
      folder = join(home, String(++runs))
      mkdirSync(folder)
      for (const { name } of readdirSync(dead, { withFileTypes: true }).filter(entry => entry.isFile())) copyFileSync(join(dead, name), join(folder, name))
      await audit.close()
      rmSync(dead, { recursive: true })
      if (renamed > 0) beginRotation(renamed)
      return await recover(false)
    },
    async intrude() {
      const files = (): string => readdirSync(folder).sort().join()
      // A rotation that is due comes now.
      await turn()
      const before = files()
      const others = await Promise.allSettled([start(), start()])
      for (const other of others) {
        if (other.status === 'fulfilled') return 'another writer was let in'
        if ((other.reason as { code?: string }).code !== 'E_AUDIT_LOCKED') return `it was kept out by ${String(other.reason)}`
      }
      return files() === before ? compare() : 'it left something behind'
    },
    async finish() {
      room = null
      clock.advance(500)
      await audit.close()
      const wrong = await verify()
      if (wrong !== null) return wrong
      const records = recordsIn(textOf(log()))
      const ends = records.filter(({ event }) => event === 'closed' || event === 'interrupted').map(({ flow }) => flow)
      if (new Set(ends).size !== ends.length) return 'a flow ended twice'
      const opened = records.filter(({ event }) => event === 'open').map(({ flow }) => flow)
      if (opened.some(flow => !ends.includes(flow))) return 'a flow has no end'
      const strange = readdirSync(folder).filter(name => !/^audit\.jsonl(\.\d+)?(\.torn-.*)?$|\.new$/.test(name))
      return strange.length > 0 ? `left behind: ${strange.join(', ')}` : null
    },
  }
}

/** All files, oldest first. */
export const textOf = (log: string): string => logFiles(log).map(file => readFileSync(file, 'latin1')).join('')

/** Flows that the whole lines of a text open and do not end, in their order. */
function openIn(text: string): string[] {
  const open = new Set<string>()
  for (const { event, flow } of recordsIn(text.replace(/[^\n]*$/, '')) as readonly SealedRecord[]) {
    if (event === 'open') open.add(flow!)
    else if (flow !== null) open.delete(flow)
  }
  return [...open]
}
