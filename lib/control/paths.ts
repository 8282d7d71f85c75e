/**
 * Where a firewall's control socket and state live, and how the socket of a running one is found.
 */
import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { OperatorError } from '../model/errors.ts'
import { checkPrivateDirectory, errorCode } from './directory.ts'
import { probe } from './socket.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Sockets that are tried before the search gives up. More is litter, not firewalls. */
const MAX_PROBED = 256

/**
 * `$XDG_RUNTIME_DIR/sallyport/<pid or name>.sock`; without that variable `/tmp/sallyport-<uid>/…`.
 * Only a name: whoever binds or dials it checks whose folder that is (anybody may make one in `/tmp`).
 *
 * @throws OperatorError E_CONTROL_FAILED when the name is more than a plain file name
 */
export function defaultControlPath(env: Environment, pid: number | string): string {
  const path = join(runtimeDirectory(env), `${pid}.sock`)
  if (!/^\w[\w.-]{0,63}$/.test(String(pid))) throw new OperatorError('E_CONTROL_FAILED', { path, problem: 'a name has letters, digits, ".", "_" and "-"' })
  return path
}

/** Folder of the CA and the like: `$XDG_STATE_HOME/sallyport`, else `~/.local/state/sallyport`. */
export function defaultStateDir(env: Environment): string {
  const home = absoluteOrNull(env['HOME']) ?? homedir()
  return join(absoluteOrNull(env['XDG_STATE_HOME']) ?? join(home, '.local', 'state'), 'sallyport')
}

/**
 * The socket of the one firewall of this user that runs.
 *
 * @throws OperatorError E_CONTROL_UNREACHABLE when none does, or their folder cannot be trusted;
 *   E_OPTION_INVALID with the list when there are several
 */
export async function findControl(env: Environment): Promise<string> {
  const folder = runtimeDirectory(env)
  const running = await runningIn(folder)
  const [first, ...others] = running
  if (first === undefined) throw unreachable(join(folder, '*.sock'), 'no firewall is running')
  if (others.length > 0) {
    throw new OperatorError('E_OPTION_INVALID', {
      option: '--control',
      problem: `${running.length} firewalls are running: ${running.join(', ')}`,
      fix: 'Say which one you mean: --control PATH.',
    })
  }
  return first
}

/**
 * The sockets of all firewalls of this user that run, in the order of their names; none is no error.
 *
 * @throws OperatorError E_CONTROL_UNREACHABLE when their folder cannot be trusted or read
 */
export const findControls = (env: Environment): Promise<readonly string[]> => runningIn(runtimeDirectory(env))

async function runningIn(folder: string): Promise<readonly string[]> {
  const verdict = checkPrivateDirectory(folder)
  if (verdict.kind === 'absent') return []
  if (verdict.kind === 'unsafe') throw unreachable(join(folder, '*.sock'), verdict.problem)
  let names
  try {
    names = readdirSync(folder).filter(name => name.endsWith('.sock')).sort()
  } catch (error) {
    throw unreachable(folder, errorCode(error))
  }
  const paths = names.slice(0, MAX_PROBED).map(name => join(folder, name))
  const states = await Promise.all(paths.map(probe))
  return paths.filter((_, index) => states[index] === 'answers')
}

function runtimeDirectory(env: Environment): string {
  const given = absoluteOrNull(env['XDG_RUNTIME_DIR'])
  return given === null ? `/tmp/sallyport-${process.getuid?.() ?? 'user'}` : join(given, 'sallyport')
}

/** The XDG Base Directory specification has relative values ignored. */
const absoluteOrNull = (path: string | undefined): string | null => path !== undefined && isAbsolute(path) ? path : null

const unreachable = (path: string, problem: string): OperatorError => new OperatorError('E_CONTROL_UNREACHABLE', { path, problem })
