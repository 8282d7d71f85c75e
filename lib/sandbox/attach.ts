/**
 * Puts a network that already runs, and leads nowhere, behind a firewall: a container that was started with no
 * network, without a restart and with nothing configured in it. Takes root.
 *
 * The network is closed before, while and after: detaching takes the way to the firewall away and opens none. So
 * does the end of this process, killed or not: what stays of the rules leads to nobody.
 */
import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Clock, Timer } from '../model/clock.ts'
import { systemClock } from '../model/clock.ts'
import { OperatorError } from '../model/errors.ts'
import { connect } from './link.ts'
import type { Failures } from './link.ts'
import { ATTACH_TOOLS, findTools, toolPath } from './preflight.ts'
import type { Gate } from './sandbox.ts'

/** A process in the network, as this machine numbers it; or a file that stands for it (`/run/netns/x`, `/proc/PID/ns/net`). */
export type Place =
  | { readonly kind: 'process', readonly pid: number }
  | { readonly kind: 'file', readonly path: string }

export interface AttachOptions {
  readonly firewall: Gate
  readonly place: Place
  /** What the client is called in questions and in the log. Default: `sandbox`. */
  readonly label?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly clock?: Clock
}

export interface Attached {
  /** Of the process that was named, or by `detach`. Rejects when what holds the doors ended by itself: the network is closed then. */
  readonly ended: Promise<void>
  /** Takes back what was done to the network. It is left closed. */
  detach(): Promise<void>
}

/** How often a process that was named is looked for. */
const LOOK_MS = 500

/** @throws OperatorError E_OPTION_INVALID for a network that is not there, E_ATTACH_REFUSED for one that leads elsewhere or may not be entered, E_SANDBOX_TOOL */
export async function attach({ firewall, place, label, env = process.env, clock = systemClock }: AttachOptions): Promise<Attached> {
  const tools = findTools(env, ATTACH_TOOLS)
  const network = openNetwork(place)
  try {
    // Descriptor 4 holds the network: a number of a process may be another's by the time it is read.
    const helper = spawn(tools.nsenter, [`--net=/proc/self/fd/${HELD}`, '--', tools.setpriv, '--pdeathsig', 'KILL', '--', process.execPath, ...HELPER], {
      env: { PATH: toolPath(env) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', network.fd],
    })
    const link = connect(helper, FAILURES)
    await link.ready
    const gate = firewall.transparent(await link.doors, label === undefined ? {} : { label })
    let watch: Timer | null = null
    const ended = link.exited.finally(() => {
      watch?.cancel()
      return gate.close()
    }).then(() => {})
    ended.catch(() => {})
    const detach = async (): Promise<void> => {
      link.send({ kind: 'detach' })
      await ended
    }
    const look = (): void => {
      if (place.kind === 'process' && inodeOf(place.pid) !== network.inode) return void detach().catch(() => {})
      watch = clock.after(LOOK_MS, look)
    }
    if (place.kind === 'process') look()
    return { ended, detach }
  } finally {
    closeSync(network.fd)
  }
}

const HELD = 4

/** @throws OperatorError where there is none, or it is this process's own */
function openNetwork(place: Place): { readonly fd: number, readonly inode: bigint } {
  const [option, path] = place.kind === 'process' ? ['PID', `/proc/${place.pid}/ns/net`] : ['--netns', place.path]
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM') throw refused(`${path} may not be opened`, 'Run it as root.', error)
    throw new OperatorError('E_OPTION_INVALID', { option, problem: `there is no network at ${path}`, fix: 'Name a process that runs, or a file of /run/netns.' }, error)
  }
  const inode = fstatSync(fd, { bigint: true }).ino
  if (inode !== statSync('/proc/self/ns/net', { bigint: true }).ino) return { fd, inode }
  closeSync(fd)
  throw new OperatorError('E_OPTION_INVALID', { option, problem: 'it is the network that the firewall itself is in', fix: 'Start what is to be guarded in a network of its own: docker run --network none, unshare --net.' })
}

function inodeOf(pid: number): bigint | null {
  try {
    return statSync(`/proc/${pid}/ns/net`, { bigint: true }).ino
  } catch {
    return null
  }
}

const refused = (problem: string, fix: string, cause?: unknown): OperatorError => new OperatorError('E_ATTACH_REFUSED', { problem, fix }, cause)

const FAILURES: Failures = {
  refused: says => refused(says.trim().split('\n')[0]?.slice(0, 300) || 'it cannot be entered, and no reason was given', 'Run it as root.'),
  failed: problem => refused(problem, problem.includes('way out') ? 'Start what is to be guarded with no network (docker run --network none), or share its network with the firewall (docs/transparent.md).' : 'Run it as root; `sallyport doctor` says what this machine lacks.'),
}

const HELPER = ((own: string) => [
  ...own.endsWith('.ts') ? process.execArgv : [],
  own.replace(/attach(\.[jt]s)$/, 'attach-helper$1'),
])(fileURLToPath(import.meta.url))
