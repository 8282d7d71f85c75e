/**
 * Which process is at the other end of a connection, from /proc: for a person who is asked, never for a ruling.
 *
 * It says what the process says of itself, and it may lie: name and command line are its own. Nothing that it does
 * can keep us: we look for 150 ms at most, a few milliseconds at a time, for many connections at once, and its memory
 * is read by a program of its own, because the kernel lets a process make such a read wait.
 */
import { spawn } from 'node:child_process'
import { opendirSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import type { Dir } from 'node:fs'
import type { Readable } from 'node:stream'
import { readFile } from 'node:fs/promises'
import type { Clock } from '../model/clock.ts'
import { visible } from '../model/display.ts'
import type { Asker } from '../model/hold.ts'
import { socketKeys, socketsIn } from './socket-table.ts'
import type { Ends } from './socket-table.ts'

/** A connection, seen from the client's end. */
export interface Line extends Ends {
  /** A process in the client's network. */
  readonly network: number
}

export type Ask = (line: Line) => Promise<Asker | null>

const MAX_MS = 150
/** After that something else is served. */
const SLICE_MS = 4
/** Connections that are looked for at once: in a flood nobody reads who asked. */
const MAX_LOOKED_FOR = 64
/** For each millisecond of looking, so many without: a flood leaves tables of tens of thousands of connections behind. */
const REST = 4
/** A process may become another program, but not while somebody reads what it was. */
const DESCRIBED_MS = 1_000
/** Processes that are read in that time. */
const MAX_DESCRIBED = 8
/** Processes that asked last, and are likely to ask again. */
const MAX_RECENT = 8
const MAX_PARENTS = 6
const MAX_TEXT = 200
const MAX_NAME = 40

interface Wanted extends Line {
  found(pid: number | null): void
  isOver: boolean
}

/** @returns never rejects; null where nobody is found in time */
export function createAskers(clock: Clock): Ask {
  const queue: Wanted[] = []
  const recent: number[] = []
  const descriptions = new Map<string, { readonly at: number, readonly asker: Promise<Asker> }>()
  let isLooking = false

  function ask(line: Line): Promise<Asker | null> {
    if (queue.length >= MAX_LOOKED_FOR) return Promise.resolve(null)
    return new Promise(resolve => {
      const wanted: Wanted = {
        ...line, isOver: false,
        found(pid) {
          wanted.isOver = true
          if (pid === null) return end(null)
          described(pid, line.network).then(end, () => end(null))
        },
      }
      const end = (asker: Asker | null): void => { timer.cancel(); resolve(asker) }
      const timer = clock.after(MAX_MS, () => { wanted.isOver = true; resolve(null) })
      queue.push(wanted)
      if (!isLooking) void look()
    })
  }

  async function look(): Promise<void> {
    isLooking = true
    while (queue.length > 0) {
      const batch = queue.splice(0).filter(({ isOver }) => !isOver)
      const from = clock.elapsed()
      await find(batch).catch(() => {})
      for (const wanted of batch) if (!wanted.isOver) wanted.found(null)
      const rest = (clock.elapsed() - from) * REST
      if (rest > 0) await new Promise<void>(resolve => { clock.after(rest, resolve) })
    }
    isLooking = false
  }

  async function find(batch: readonly Wanted[]): Promise<void> {
    const byInode = new Map<string, Wanted>()
    let sliceEnds = clock.elapsed() + SLICE_MS
    const breathe = async (): Promise<void> => {
      await new Promise(setImmediate)
      sliceEnds = clock.elapsed() + SLICE_MS
    }
    for (const network of new Set(batch.map(wanted => wanted.network))) {
      const byKey = new Map(batch.filter(wanted => wanted.network === network).flatMap(wanted => socketKeys(wanted).map(key => [key, wanted])))
      for (const name of ['tcp', 'tcp6']) {
        const table = await readFile(`/proc/${network}/net/${name}`, 'latin1').catch(() => '')
        for (const { key, inode } of socketsIn(table)) {
          // By the client's own socket; ours has the same two ends, the other way around.
          const wanted = byKey.get(key)
          if (wanted !== undefined) byInode.set(inode(), wanted)
          if (clock.elapsed() >= sliceEnds) await breathe()
        }
      }
    }
    const known = new Set(byInode.values())
    for (const wanted of batch) if (!known.has(wanted)) wanted.found(null)
    for (const pid of [...recent, ...processes()]) {
      const sockets = openSockets(pid)
      if (sockets === null) continue
      try {
        for (let inode = sockets.next(); inode !== null; inode = sockets.next()) {
          const wanted = byInode.get(inode)
          if (wanted !== undefined) {
            byInode.delete(inode)
            remember(pid)
            if (!wanted.isOver) wanted.found(pid)
          }
          if (clock.elapsed() >= sliceEnds) await breathe()
          if ([...byInode.values()].every(wanted => wanted.isOver)) return
        }
      } finally {
        sockets.close()
      }
    }
  }

  function remember(pid: number): void {
    const at = recent.indexOf(pid)
    if (at >= 0) recent.splice(at, 1)
    recent.unshift(pid)
    recent.length = Math.min(recent.length, MAX_RECENT)
  }

  /** One process that asks a hundred times is read once: each reading starts a program. */
  function described(pid: number, network: number): Promise<Asker | null> {
    const key = `${network} ${pid}`
    const known = descriptions.get(key)
    if (known !== undefined && clock.elapsed() - known.at < DESCRIBED_MS) return known.asker
    for (const [old, { at }] of descriptions) if (clock.elapsed() - at >= DESCRIBED_MS) descriptions.delete(old)
    if (descriptions.size >= MAX_DESCRIBED) return Promise.resolve(null)
    const asker = describe(pid, network)
    descriptions.set(key, { at: clock.elapsed(), asker })
    return asker
  }

  return ask

  async function describe(pid: number, network: number): Promise<Asker> {
    const commandLine = await commandLineOf(pid, clock)
    return { pid, executable: linkOf(`/proc/${pid}/exe`), commandLine, parents: parentsOf(pid, network) }
  }
}

/** The youngest first: who asks has usually just been started. */
const processes = (): readonly number[] => readdirSync('/proc').map(Number).filter(pid => pid > 0).sort((a, b) => b - a)

/** One descriptor at a time, and '' for one that is no socket: a process may have a million of them. */
function openSockets(pid: number): { next(): string | null, close(): void } | null {
  let folder: Dir
  try {
    folder = opendirSync(`/proc/${pid}/fd`)
  } catch {
    return null
  }
  return {
    next() {
      try {
        const entry = folder.readSync()
        if (entry === null) return null
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${entry.name}`))?.[1] ?? ''
      } catch {
        // It has just been closed, or the process has ended.
        return ''
      }
    },
    close() { folder.closeSync() },
  }
}

/** Up to us, or to what started it all. */
function parentsOf(pid: number, network: number): Asker['parents'] {
  const parents: { pid: number, name: string }[] = []
  for (let at = parentOf(pid); at > 1 && at !== process.pid && at !== network && parents.length < MAX_PARENTS; at = parentOf(at)) {
    parents.push({ pid: at, name: visible(read(`/proc/${at}/comm`).trimEnd(), MAX_NAME) })
  }
  return parents
}

const parentOf = (pid: number): number => Number(/^PPid:\s*(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function linkOf(path: string): string | null {
  try {
    return visible(readlinkSync(path), MAX_TEXT)
  } catch {
    return null
  }
}

function commandLineOf(pid: number, clock: Clock): Promise<string | null> {
  return new Promise(resolve => {
    const reader = spawn('/bin/cat', [`/proc/${pid}/cmdline`], { env: {}, stdio: ['ignore', 'pipe', 'ignore'] })
    // Without a descriptor left there is no pipe, and the error comes later: unheard it would end the firewall.
    const output = reader.stdout as Readable | undefined
    let text = ''
    const end = (): void => {
      timer.cancel()
      resolve(text === '' ? null : visible(text.replace(/\0$/, '').replaceAll('\0', ' '), MAX_TEXT))
    }
    const stop = (): void => { reader.kill('SIGKILL'); output?.destroy(); reader.unref(); end() }
    const timer = clock.after(MAX_MS, stop)
    output?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.length > MAX_TEXT * 8) stop()
    })
    reader.once('error', end)
    reader.once('close', end)
  })
}
