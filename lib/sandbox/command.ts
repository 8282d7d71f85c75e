/**
 * The command line of bwrap: pure, everything that it says was decided before.
 *
 * No capability, namespaces of its own for processes, IPC, host name and cgroups; the network is that of the
 * helper that starts it. It dies with the helper. Without a terminal it gets a session of its own; with one it
 * stays in the operator's, so that job control works, and the filter keeps it from typing there.
 */
import type { Mount } from './mounts.ts'

export interface OwnFile {
  readonly path: string
  readonly data: string | Uint8Array
  /** The command may change it, for itself. Default: false. */
  readonly isWritable?: boolean
}

export interface CommandLine {
  readonly uid: number
  readonly gid: number
  readonly mounts: readonly Mount[]
  /** Files that exist for the command alone, by where it sees them. */
  readonly files: readonly OwnFile[]
  /** Files of the host seen in another place, read-only. */
  readonly shown: readonly { readonly path: string, readonly source: string }[]
  readonly cwd: string
  readonly hasTerminal: boolean
  /** In a new network, of nothing but its own loopback, rather than in that of the helper. */
  readonly hasOwnNetwork: boolean
  /** Absolute path of the program, then its arguments. */
  readonly command: readonly string[]
}

/** Descriptors that the helper opens for bwrap, beside the command's own three. */
export const DESCRIPTORS = { args: 3, seccomp: 4, status: 5, files: 6 } as const

const ENV = '/usr/bin/env'
/** What comes to the command's process group, from its terminal or itself, is for the command: bwrap is in it, would end at once and take it along. */
const FOR_THE_COMMAND = 'HUP,INT,QUIT,TERM,USR1,USR2'

/** What is executed: bwrap, told to read the rest from a descriptor so that no process list shows it. */
export function program({ hasTerminal, command }: CommandLine, bwrap: string): readonly string[] {
  const [before, inside] = hasTerminal && canReset(command)
    ? [[ENV, `--ignore-signal=${FOR_THE_COMMAND}`], [ENV, `--default-signal=${FOR_THE_COMMAND}`]]
    : [[], []]
  return [...before, bwrap, '--args', String(DESCRIPTORS.args), '--', ...inside, ...command]
}

/** What bwrap reads there. */
export function bwrapArguments({ uid, gid, mounts, files, shown, cwd, hasTerminal, hasOwnNetwork }: CommandLine): readonly string[] {
  return [
    '--unshare-user', '--uid', String(uid), '--gid', String(gid),
    '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try',
    ...hasOwnNetwork ? ['--unshare-net'] : [],
    '--cap-drop', 'ALL',
    '--die-with-parent',
    ...hasTerminal ? [] : ['--new-session'],
    '--seccomp', String(DESCRIPTORS.seccomp),
    '--json-status-fd', String(DESCRIPTORS.status),
    '--dev', '/dev',
    '--proc', '/proc',
    ...mounts.flatMap(spell),
    ...shown.flatMap(({ path, source }) => ['--ro-bind', source, path]),
    ...files.flatMap(({ path, isWritable = false }, index) => ['--perms', '0644', isWritable ? '--bind-data' : '--ro-bind-data', String(DESCRIPTORS.files + index), path]),
    // The root itself is a folder in memory, made for these places.
    '--remount-ro', '/',
    '--chdir', cwd,
  ]
}

function spell(mount: Mount): readonly string[] {
  switch (mount.kind) {
    case 'read-only': return ['--ro-bind', mount.source, mount.path]
    case 'writable': return ['--bind', mount.source, mount.path]
    case 'device': return ['--dev-bind', mount.source, mount.path]
    case 'empty': return ['--perms', mount.mode.toString(8).padStart(4, '0'), '--tmpfs', mount.path]
    case 'nothing': return ['--ro-bind', '/dev/null', mount.path]
    case 'link': return ['--symlink', mount.target, mount.path]
    default: return mount satisfies never
  }
}

/** `env` would take a program with an equals sign in its path for a variable. */
const canReset = ([file = '']: readonly string[]): boolean => !file.includes('=')
