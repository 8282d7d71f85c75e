/**
 * What of the file system a sandboxed command sees: a list of places, pure.
 *
 * It is a list of what is there, not of what is taken away: a place that nobody thought of is not there. The
 * order in which places are named is the order of authority, and the strictest comes last:
 *
 *   the system, read-only < the working directory < --rw < --ro < --hide < what is ours to guard
 */
import { dirname, resolve } from 'node:path'

export type Mount =
  | { readonly kind: 'read-only' | 'writable' | 'device', readonly path: string, readonly source: string }
  /** A folder in memory, gone with the command. */
  | { readonly kind: 'empty', readonly path: string, readonly mode: number }
  /** In the place of a file or socket: nothing can be read there, and nobody answers. */
  | { readonly kind: 'nothing', readonly path: string }
  | { readonly kind: 'link', readonly path: string, readonly target: string }

export interface Wanted {
  /** Folders and links of the system, as the machine has them. */
  readonly system: readonly Mount[]
  /** Real path of the home; it is there and empty. */
  readonly home: string
  /** Real path of the working directory. */
  readonly cwd: string
  /** Real paths, as are all that follow. */
  readonly rw: readonly string[]
  readonly ro: readonly string[]
  readonly hide: readonly Hidden[]
  /** Unix sockets of the host that somebody answers. */
  readonly sockets: readonly string[]
  /** Ours: may be seen and never changed (a policy, an audit log). */
  readonly guarded: readonly string[]
}

export interface Hidden {
  readonly path: string
  readonly isFolder: boolean
}

/** In memory and private, whatever the host has there. */
const PRIVATE: readonly Mount[] = [
  { kind: 'empty', path: '/tmp', mode: 0o1777 },
  { kind: 'empty', path: '/var/tmp', mode: 0o1777 },
  { kind: 'empty', path: '/run', mode: 0o755 },
  { kind: 'link', path: '/var/run', target: '/run' },
]

/** @returns the places, parents before what is in them */
export function layOut({ system, home, cwd, rw, ro, hide, sockets, guarded }: Wanted): readonly Mount[] {
  const places = new Map<string, Mount>()
  const put = (mount: Mount): void => { places.set(mount.path, mount) }
  const within = (path: string): Mount | null => coveringOf(places, path)

  for (const mount of [...system, ...PRIVATE]) put(mount)
  put({ kind: 'empty', path: home, mode: 0o700 })
  if (mayWorkIn(cwd, home, places)) put({ kind: 'writable', path: cwd, source: cwd })
  for (const path of rw) put({ kind: 'writable', path, source: path })
  for (const path of ro) put({ kind: 'read-only', path, source: path })
  const named = new Set([...rw, ...ro])
  for (const path of sockets) if (!named.has(path) && isShown(within(path))) put({ kind: 'nothing', path })
  for (const { path, isFolder } of hide) if (isShown(within(path))) put(isFolder ? { kind: 'empty', path, mode: 0o700 } : { kind: 'nothing', path })
  for (const path of guarded) if (within(path)?.kind === 'writable') put({ kind: 'read-only', path, source: path })
  for (const path of [...hide.map(({ path }) => path), ...guarded]) pin(path)
  return [...places.values()].sort((a, b) => depth(a.path) - depth(b.path))

  /**
   * Makes every folder between a writable place and what it must not change a place of its own: the kernel renames
   * no mount point, so nobody can move the parent aside and put another one there for the next start to find.
   */
  function pin(path: string): void {
    for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
      const found = within(folder)
      if (found?.kind !== 'writable' || found.path === folder) return
      put({ kind: 'writable', path: folder, source: folder })
    }
  }
}

/** Whether a path can be seen through these places. */
export function isVisible(mounts: readonly Mount[], path: string): boolean {
  return isShown(coveringOf(new Map(mounts.map(mount => [mount.path, mount])), path))
}

/** Whether what is at a path can be changed through these places. */
export function isWritable(mounts: readonly Mount[], path: string): boolean {
  return coveringOf(new Map(mounts.map(mount => [mount.path, mount])), path)?.kind === 'writable'
}

/** Neither the home as a whole, nor what lies above it, nor the system or a folder for all: those are never meant by "here". */
function mayWorkIn(cwd: string, home: string, places: ReadonlyMap<string, Mount>): boolean {
  return cwd !== '/' && !places.has(cwd) && !`${home}/`.startsWith(`${cwd}/`) && ![...places.keys()].some(place => place.startsWith(`${cwd}/`))
}

/** The innermost place that a path lies in. */
function coveringOf(places: ReadonlyMap<string, Mount>, path: string): Mount | null {
  for (let at = path; at !== '/'; at = dirname(at)) {
    const found = places.get(at)
    if (found?.kind === 'link') return coveringOf(places, resolve(dirname(at), found.target) + path.slice(at.length))
    if (found !== undefined) return found
  }
  return null
}

const isShown = (mount: Mount | null): boolean => mount !== null && (mount.kind === 'read-only' || mount.kind === 'writable')
const depth = (path: string): number => path.split('/').length
