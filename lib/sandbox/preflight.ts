/**
 * Why this machine makes no sandbox, in one sentence with what to do. Asked before the start for programs that are
 * missing, and after a failure for the switch that refuses; a sandbox that cannot be closed is never started open.
 */
import { readFileSync } from 'node:fs'
import { OperatorError } from '../model/errors.ts'
import { programsNamed } from './survey.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Programs that we start, and what distributions call the package. */
export const TOOLS = {
  unshare: 'util-linux',
  setpriv: 'util-linux',
  bwrap: 'bubblewrap',
  ip: 'iproute2',
  nft: 'nftables',
} as const

/** What it takes where nobody may set up a network. */
export const BRIDGED_TOOLS = { setpriv: TOOLS.setpriv, bwrap: TOOLS.bwrap } as const

/** What it takes to enter a network that is there already. */
export const ATTACH_TOOLS = { nsenter: 'util-linux', setpriv: TOOLS.setpriv, ip: TOOLS.ip, nft: TOOLS.nft } as const

export type Tools<Name extends string = keyof typeof TOOLS> = Readonly<Record<Name, string>>

/** Where the tools of an administrator are, which an ordinary user's PATH leaves out. */
const TOOL_PATH = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin']

/** PATH of the helper: the system's own folders before whatever the user has. */
export const toolPath = (env: Env): string => [...TOOL_PATH, ...env['PATH'] === undefined ? [] : [env['PATH']]].join(':')

/** @throws OperatorError E_SANDBOX_TOOL for the first that is missing */
export function findTools<Name extends string>(env: Env, tools: Readonly<Record<Name, string>>, path = toolPath(env)): Tools<Name> {
  return Object.fromEntries(Object.entries<string>(tools).map(([tool, packageName]) => {
    const [found] = programsNamed(tool, { PATH: path }, '/')
    if (found === undefined) throw new OperatorError('E_SANDBOX_TOOL', { tool, package: packageName })
    return [tool, found]
  })) as Tools<Name>
}

export interface Refusal {
  readonly problem: string
  readonly fix: string
}

/** Reads a file of /proc; null where it is not there. */
export type Read = (path: string) => string | null

/**
 * Why namespaces were refused: the switch, where one is off, else what the tool said.
 *
 * @param says  what the tool that failed wrote
 */
export function explainRefusal(says: string, read: Read = readTrimmed, isRoot = process.getuid?.() === 0): Refusal {
  const closed = findClosedSwitch(read, isRoot)
  if (closed !== null) return closed
  if (/^Seccomp:\s*2$/m.test(read('/proc/self/status') ?? '')) {
    return {
      problem: `a seccomp filter is on this process, as container engines set one: ${firstLine(says)}`,
      fix: 'Start the container with a seccomp profile that allows unshare, clone and mount (docker run --security-opt seccomp=unconfined), or put the firewall outside of it.',
    }
  }
  return { problem: firstLine(says), fix: '`sallyport doctor` says what this machine lacks. Nothing was started.' }
}

/** The switches that distributions have, in the order in which they are asked; null where all are on. */
export function findClosedSwitch(read: Read = readTrimmed, isRoot = process.getuid?.() === 0): Refusal | null {
  return SWITCHES.find(({ path, off, sparesRoot }) => !(isRoot && sparesRoot) && read(path) === off) ?? null
}

const SWITCHES: readonly (Refusal & { readonly path: string, readonly off: string, readonly sparesRoot: boolean })[] = [
  {
    path: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns', off: '1', sparesRoot: true,
    problem: 'AppArmor: kernel.apparmor_restrict_unprivileged_userns is 1',
    fix: 'As root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give bwrap and unshare an AppArmor profile with "userns,"; or run sallyport as root.',
  },
  {
    path: '/proc/sys/kernel/unprivileged_userns_clone', off: '0', sparesRoot: true,
    problem: 'kernel.unprivileged_userns_clone is 0',
    fix: 'As root: sysctl -w kernel.unprivileged_userns_clone=1; or run sallyport as root.',
  },
  {
    path: '/proc/sys/user/max_user_namespaces', off: '0', sparesRoot: false,
    problem: 'user.max_user_namespaces is 0',
    fix: 'As root: sysctl -w user.max_user_namespaces=15000.',
  },
  {
    path: '/proc/sys/user/max_net_namespaces', off: '0', sparesRoot: false,
    problem: 'user.max_net_namespaces is 0',
    fix: 'As root: sysctl -w user.max_net_namespaces=15000.',
  },
]

const firstLine = (text: string): string => text.trim().split('\n')[0]?.slice(0, 300) || 'no reason was given'

function readTrimmed(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return null
  }
}
