/**
 * Keeps a second writer out of a log: two would tear the chain apart.
 *
 * The lock is a listening unix socket, `<log>.lock`. Whoever holds it lives as long as somebody answers
 * there, and the kernel knows that better than any number in a file: it sees through namespaces, is never
 * fooled by a process id used again, and a killed writer's socket refuses from the moment of its death.
 *
 *   bind a name of our own --link--> <log>.lock          exactly one process can make that link
 *   it exists: connect     --answers--> locked           --refuses--> a dead one: move it away, try again
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, linkSync, lstatSync, openSync, renameSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { OperatorError } from '../model/errors.ts'
import { describe } from './sinks.ts'

export interface Lock {
  release(): void
}

/**
 * @param file the log, its directory already resolved
 * @throws OperatorError E_AUDIT_LOCKED when another writer lives, E_AUDIT_UNWRITABLE when there can be no lock
 */
export async function acquireLock(file: string): Promise<Lock> {
  const lock = `${file}.lock`
  const own = join(dirname(file), `.${randomBytes(6).toString('hex')}.lock`)
  const names = shortNames(dirname(file))
  let server: Server | null = null
  try {
    const address = names.of(lock)
    server = await listen(names.of(own))
    chmodSync(own, 0o600)
    await takeName(own, lock, address)
    return holding(server, lock)
  } catch (error) {
    server?.close()
    if (error instanceof OperatorError) throw error
    throw new OperatorError('E_AUDIT_UNWRITABLE', { file, problem: `its lock ${lock}: ${describe(error)}` }, error)
  } finally {
    rmSync(own, { force: true })
    names.close()
  }

  async function takeName(own: string, lock: string, address: string): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (linked(own, lock)) return
      const found = lstatSync(lock, { throwIfNoEntry: false })
      if (found === undefined) continue
      if (!found.isSocket()) throw new OperatorError('E_AUDIT_LOCKED', { file, problem: `${lock} is no lock of ours; remove it if nothing uses the log` })
      if (await isAnswered(address)) break
      if (!setAside(lock, own, found.ino)) break
    }
    throw new OperatorError('E_AUDIT_LOCKED', { file, problem: `it holds ${lock}` })
  }
}

/** Each failed one means that somebody died, let go or came in this very moment. */
const ATTEMPTS = 5

/** A path of a unix socket longer than this is cut by the system (Node 20 does not say so), and would be another's. */
const MAX_SOCKET_PATH = 100

function shortNames(directory: string): { of(path: string): string, close(): void } {
  let fd: number | null = null
  return {
    of(path) {
      if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return path
      fd ??= openSync(directory, 'r')
      const short = `/proc/self/fd/${fd}/${basename(path)}`
      if (Buffer.byteLength(short) > MAX_SOCKET_PATH) throw new Error('the name is too long for a unix socket')
      return short
    },
    close() {
      if (fd !== null) closeSync(fd)
    },
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy())
    server.unref()
    server.once('error', reject)
    server.listen(path, () => {
      server.removeListener('error', reject)
      // A connection that could not be accepted changes nothing about who holds the lock.
      server.on('error', () => {})
      resolve(server)
    })
  })
}

function holding(server: Server, lock: string): Lock {
  const { ino } = lstatSync(lock)
  return {
    release() {
      if (lstatSync(lock, { throwIfNoEntry: false })?.ino === ino) rmSync(lock, { force: true })
      server.close()
    },
  }
}

function linked(own: string, lock: string): boolean {
  try {
    linkSync(own, lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Only a refusal says that nobody listens; whatever else happens, somebody may. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'))
    socket.once('close', () => resolve(true))
    socket.on('connect', () => socket.destroy())
  })
}

/**
 * Moves a dead lock away; by renaming, so that of two who found it dead one gets it. If what was moved is
 * a newcomer's instead, it is put back.
 */
function setAside(lock: string, own: string, ino: number): boolean {
  const aside = `${own}.dead`
  try {
    renameSync(lock, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw error
  }
  const isTheDeadOne = lstatSync(aside).ino === ino
  if (!isTheDeadOne) linked(aside, lock)
  rmSync(aside, { force: true })
  return isTheDeadOne
}
