/**
 * Looks at the machine for what `mounts.ts` lays out: which folders of the system there are, where unix sockets
 * are, where its bundle of roots and its resolver's file are. Reads only; what cannot be read is not there.
 */
import { accessSync, constants, existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import type { Dirent } from 'node:fs'
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path'
import type { Hidden, Mount } from './mounts.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Programs, libraries, their settings. No /var, /srv, /mnt or /home: sockets and other people's data live there. */
const SYSTEM = [
  '/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/opt', '/nix/store', '/gnu/store', '/run/current-system',
  '/var/lib/dpkg', '/var/lib/rpm', '/var/lib/pacman', '/var/lib/ca-certificates', '/var/cache/fontconfig', '/sys/devices/system/cpu',
]

/**
 * Of the kernel's own files: whoever is root outside owns them inside too, capability or not, and could write to
 * them. The first are there to read, the others are not there; other container programs have the same lists.
 */
const KERNEL = ['/proc/sys', '/proc/sysrq-trigger', '/proc/bus', '/proc/fs', '/proc/irq']
const KERNEL_SECRETS = ['/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/kallsyms', '/proc/latency_stats', '/proc/sched_debug', '/proc/scsi', '/proc/timer_list']

/** What root may read there and a program of root's has no business with. */
const SECRETS = [
  '/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/sudoers', '/etc/sudoers.d', '/etc/ssl/private', '/etc/krb5.keytab',
  '/etc/ssh/ssh_host_rsa_key', '/etc/ssh/ssh_host_ecdsa_key', '/etc/ssh/ssh_host_ed25519_key', '/etc/wireguard', '/etc/docker', '/etc/rancher',
  '/etc/kubernetes', '/etc/NetworkManager/system-connections', '/etc/letsencrypt', '/etc/pki/tls/private',
]

/** Where clients look for the system's roots. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem', '/var/lib/ca-certificates/ca-bundle.pem', '/etc/ssl/cert.pem',
]

export function surveySystem(): readonly Mount[] {
  return [
    ...SYSTEM.flatMap((path): Mount[] => {
      const found = lstatSync(path, { throwIfNoEntry: false })
      if (found?.isSymbolicLink()) return [{ kind: 'link', path, target: readlinkSync(path) }]
      return found?.isDirectory() ? [{ kind: 'read-only', path, source: path }] : []
    }),
    ...KERNEL.filter(path => existsSync(path)).map((path): Mount => ({ kind: 'read-only', path, source: path })),
    ...KERNEL_SECRETS.filter(path => existsSync(path)).map((path): Mount => isFolder(path) ? { kind: 'empty', path, mode: 0o555 } : { kind: 'nothing', path }),
  ]
}

export function surveySecrets(): readonly Hidden[] {
  return SECRETS.flatMap(path => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    return found === undefined ? [] : [{ path, isFolder: found.isDirectory() }]
  })
}

/**
 * Paths at which somebody listens, from the kernel's list for this network namespace.
 *
 * Those of a container that shares a folder with us are in another namespace's list: `socketsIn` looks there.
 */
export function surveySockets(list = readOr('/proc/net/unix', '')): readonly string[] {
  const paths = list.split('\n').slice(1).map(line => line.trim().split(/\s+/).slice(7).join(' '))
  return [...new Set(paths)].filter(path => isAbsolute(path)).flatMap(path => realPathOr(path, path => lstatSync(path).isSocket() ? [path] : []))
}

/**
 * Sockets that lie in these folders, of whatever network namespace: those near the top, for a project may hold a
 * million files and its command should start now.
 */
export function socketsIn(folders: readonly string[], max = 5_000): readonly string[] {
  const found: string[] = []
  const queue = [...folders]
  let seen = 0
  // Breadth first: what somebody put there to be found lies near the top.
  for (let at = 0; at < queue.length && seen < max; at++) {
    for (const entry of entriesOf(queue[at] ?? '')) {
      if (++seen > max) break
      const path = join(queue[at] ?? '', entry.name)
      if (entry.isSocket()) found.push(path)
      else if (entry.isDirectory()) queue.push(path)
    }
  }
  return found
}

/** Real paths of the files that hold the system's roots. */
export function surveyBundles(): readonly string[] {
  return [...new Set(BUNDLES.flatMap(path => realPathOr(path, path => [path])))]
}

/**
 * Where a file has to be put so that it is read at this path: the end of its links, also where that does not
 * exist (`/etc/resolv.conf` often leads into `/run`, which is another one inside).
 */
export function endOfLinks(path: string): string {
  let at = path
  // As many as the kernel follows.
  for (let hops = 0; hops < 40 && lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink(); hops++) at = resolve(dirname(at), readlinkSync(at))
  try {
    return join(realpathSync(dirname(at)), at.slice(dirname(at).length))
  } catch {
    return at
  }
}

/** @returns absolute paths of the programs of that name, in the order in which a shell would look */
export function programsNamed(name: string, env: Env, cwd: string): readonly string[] {
  const places = name.includes('/') ? [resolve(cwd, name)] : (env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter).map(folder => resolve(cwd, folder, name))
  return places.filter(isProgram)
}

/** @returns null where nothing is there */
export function realPath(path: string): string | null {
  return existsSync(path) ? realpathSync(path) : null
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

export function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function realPathOr<T>(path: string, then: (path: string) => T[]): T[] {
  try {
    return then(realpathSync(path))
  } catch {
    // It is gone, or in a folder that we may not enter: then the command may not either.
    return []
  }
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    // A file that was named, or a folder that we may not enter.
    return []
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise
  }
}
