/**
 * Taking a path in the file system for a control socket that its owner alone can open.
 *
 * A socket that a dead firewall left behind is replaced; one that answers, or anything that is
 * no socket, is left alone and refused.
 */
import { lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname, resolve } from 'node:path'
import { OperatorError } from '../model/errors.ts'
import { errorCode, makePrivateDirectory } from './directory.ts'

/** Bytes of `sun_path` without its closing NUL: 108 on Linux (unix(7)), 104 on macOS and the BSDs. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103

/**
 * Binds `server` to the path, mode 0600.
 *
 * @returns the absolute path
 * @throws OperatorError E_CONTROL_FAILED with the reason
 */
export async function listenPrivately(server: Server, path: string): Promise<string> {
  const taken = await claimPath(path)
  return new Promise((done, fail) => {
    const onError = (error: Error) => fail(failed(taken, errorCode(error), error))
    server.once('error', onError)
    server.once('listening', () => {
      server.off('error', onError)
      done(taken)
    })
    let mask
    try {
      // The mask makes the socket 0600 from its first moment, where chmod would come after it. bind(2) happens within listen().
      mask = process.umask(0o177)
      server.listen({ path: taken, exclusive: true })
    } catch (error) {
      fail(failed(taken, errorCode(error), error))
    } finally {
      if (mask !== undefined) process.umask(mask)
    }
  })
}

/** What keeps this path from naming a socket, or null. Node cuts a path that is too long and takes what is left for the name. */
export function pathProblem(path: string): string | null {
  // A leading NUL names Linux's abstract sockets, which have no mode: any user could connect.
  if (path === '' || path.includes('\0')) return 'it is not a path'
  const bytes = Buffer.byteLength(path)
  return bytes > MAX_PATH_BYTES ? `the path has ${bytes} bytes, and the system takes at most ${MAX_PATH_BYTES} for a socket` : null
}

/** Whether a process accepts connections at this path. `unsure`: we may not ask, or it is too busy to say. */
export function probe(path: string): Promise<'answers' | 'dead' | 'absent' | 'unsure'> {
  return new Promise(done => {
    if (pathProblem(path) !== null) return done('absent')
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      done('answers')
    })
    socket.once('error', error => done(PROBED[errorCode(error)] ?? 'unsure'))
  })
}

const PROBED: Readonly<Record<string, 'dead' | 'absent'>> = { ENOENT: 'absent', ECONNREFUSED: 'dead' }

async function claimPath(path: string): Promise<string> {
  const absolute = path === '' ? '' : resolve(path)
  const problem = pathProblem(absolute)
  if (problem !== null) throw failed(absolute.replaceAll('\0', '\\0'), problem)
  const folder = makePrivateDirectory(dirname(absolute))
  if (folder.kind !== 'private') throw failed(absolute, folder.kind === 'unsafe' ? folder.problem : 'its folder is gone')
  await clear(absolute)
  return absolute
}

/** Removes what a dead firewall left. Two that start on one path in the same millisecond are not kept apart. */
async function clear(path: string): Promise<void> {
  let found
  try {
    found = lstatSync(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    throw failed(path, errorCode(error), error)
  }
  if (!found.isSocket()) throw failed(path, 'something that is no socket is there')
  const state = await probe(path)
  if (state === 'answers') throw failed(path, 'a running firewall uses it')
  if (state === 'unsure') throw failed(path, 'a socket is there, and it cannot be told whether somebody uses it')
  if (state === 'absent') return
  try {
    unlinkSync(path)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw failed(path, errorCode(error), error)
  }
}

const failed = (path: string, problem: string, cause?: unknown): OperatorError =>
  new OperatorError('E_CONTROL_FAILED', { path, problem }, cause)
