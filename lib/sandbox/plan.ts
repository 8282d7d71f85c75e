/**
 * From what the operator named to what a command sees: paths are made real, places laid out, and what could go
 * wrong inside is said before anything starts.
 */
import { hostname } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { OperatorError } from '../model/errors.ts'
import { BRIDGED_PROXY, bridged, shownFor } from './bridged.ts'
import type { CommandLine } from './command.ts'
import { isVisible, isWritable, layOut } from './mounts.ts'
import type { Hidden, Mount } from './mounts.ts'
import { SANDBOX_DNS } from './nft.ts'
import { NSS_FOLDER } from './nss-store.ts'
import { endOfLinks, isFolder, isSocket, programsNamed, realPath, socketsIn, surveyBundles, surveySecrets, surveySockets, surveySystem } from './survey.ts'
import { TRUST, surround } from './surroundings.ts'

type Env = Readonly<Record<string, string | undefined>>

export interface Wish {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Env
  readonly home: string
  readonly uid: number
  readonly gid: number
  readonly ro: readonly string[]
  readonly rw: readonly string[]
  readonly hide: readonly string[]
  /** Files of ours that the command may see and never change. */
  readonly guarded: readonly string[]
  /** Folder of the CA, which holds its key. */
  readonly certs: string
  readonly ca: string
  readonly bundle: string
  readonly javaStore: string | null
  /** Files of an NSS database, by name; none: there is no store. */
  readonly nssStore: readonly { readonly name: string, readonly data: Uint8Array }[]
  readonly devices: readonly Mount[]
  readonly hasTerminal: boolean
  /** The firewall's socket, where that is the only way out; null: the network of the helper is. */
  readonly bridge: string | null
}

export interface Plan extends CommandLine {
  readonly env: Readonly<Record<string, string>>
  readonly warnings: readonly string[]
}

/** @throws OperatorError E_OPTION_INVALID for a place that is not there, E_SANDBOX_COMMAND for a command that would not be */
export function plan(wish: Wish): Plan {
  const ro = wish.ro.map(path => named('--ro', path, wish.cwd))
  const rw = wish.rw.map(path => named('--rw', path, wish.cwd))
  const cwd = realPath(wish.cwd) ?? '/'
  const home = realPath(wish.home) ?? wish.home
  const mounts = layOut({
    system: [...surveySystem(), ...wish.devices, ...home === wish.home ? [] : [{ kind: 'link', path: wish.home, target: home } as const]],
    home, cwd, ro, rw,
    hide: [...wish.hide.map(path => hidden(named('--hide', path, wish.cwd))), ...surveySecrets(), { path: realPath(wish.certs) ?? wish.certs, isFolder: true }],
    sockets: [...surveySockets(), ...socketsIn([...isHome(cwd, home) ? [] : [cwd], ...ro, ...rw])],
    guarded: wish.guarded.flatMap(path => realPath(path) ?? []),
  })
  const hasPlace = isVisible(mounts, cwd)
  checkCommand(wish, mounts)
  const { env, files } = surround(wish.env, {
    resolvers: [SANDBOX_DNS.v4], resolverFile: endOfLinks('/etc/resolv.conf'), hostsFile: endOfLinks('/etc/hosts'), hostname: hostname(), hasJavaStore: wish.javaStore !== null, proxyUrl: wish.bridge === null ? null : BRIDGED_PROXY,
    kept: Object.keys(wish.env).filter(name => [...ro, ...rw].some(path => wish.env[name]?.endsWith(path))),
  })
  return {
    uid: wish.uid, gid: wish.gid, mounts, env,
    // One of the operator's own, where that was named, stays.
    files: [...files, ...isVisible(mounts, join(home, NSS_FOLDER)) ? [] : wish.nssStore.map(({ name, data }) => ({ path: join(home, NSS_FOLDER, name), data, isWritable: true }))],
    shown: [
      { path: TRUST.ca, source: wish.ca },
      ...[TRUST.bundle, ...surveyBundles().filter(path => isVisible(mounts, path))].map(path => ({ path, source: wish.bundle })),
      ...wish.javaStore === null ? [] : [{ path: TRUST.javaStore, source: wish.javaStore }],
      ...wish.bridge === null ? [] : shownFor(wish.bridge),
    ],
    cwd: hasPlace ? cwd : home,
    hasTerminal: wish.hasTerminal,
    hasOwnNetwork: wish.bridge !== null,
    command: wish.bridge === null ? [wish.command, ...wish.args] : bridged([wish.command, ...wish.args], wish.hasTerminal),
    warnings: [
      ...[...ro, ...rw].filter(isSocket).map(path => `${path} is a unix socket: whoever answers there can be asked for what the policy forbids`),
      ...[...wish.ro, ...wish.rw].flatMap(path => leadsElsewhere(path, wish.cwd)),
      ...hasPlace ? [] : [`the working directory ${cwd} is not a project's folder, so the command starts in an empty home; --rw names what it needs`],
      ...hasPlace && !isWritable(mounts, cwd) ? [`the working directory ${cwd} is read-only inside`] : [],
    ],
  }
}

/** Whether a command could change, or put another one in the place of, what is at a path. Rather yes than no: it is asked before places are laid out. */
export function isExposed(path: string, { cwd, rw }: { readonly cwd: string, readonly rw: readonly string[] }): boolean {
  const real = endOfLinks(resolve(cwd, path))
  return [cwd, ...rw.map(folder => resolve(cwd, folder))].some(folder => `${real}/`.startsWith(`${realPath(folder) ?? folder}/`))
}

/** The first that can be seen is the one that is run; a shell inside would find it too. */
function checkCommand({ command, env, cwd }: Wish, mounts: readonly Mount[]): void {
  const found = programsNamed(command, env, cwd)
  if (found.some(path => isVisible(mounts, path) && isVisible(mounts, realPath(path) ?? path))) return
  const [first] = found
  if (first === undefined) throw new OperatorError('E_SANDBOX_COMMAND', { command, problem: 'there is no such program', fix: 'Check its name and PATH.' })
  throw new OperatorError('E_SANDBOX_COMMAND', {
    command,
    problem: `${realPath(first) ?? first} is in a place that is hidden inside`,
    fix: `Name the folder that holds it and what it needs, for example --ro ${installationOf(realPath(first) ?? first)}.`,
  })
}

/** What is installed with a program is usually beside its `bin`. */
function installationOf(path: string): string {
  const folder = dirname(path)
  return basename(folder) === 'bin' ? dirname(folder) : folder
}

/** A link may have been put there by a command before: what it opens is said. */
function leadsElsewhere(path: string, cwd: string): readonly string[] {
  const real = realPath(resolve(cwd, path))
  return real === null || real === resolve(cwd, path) ? [] : [`${path} leads to ${real}, which is what the command sees`]
}

function named(option: string, path: string, cwd: string): string {
  const real = realPath(resolve(cwd, path))
  if (real === null) throw new OperatorError('E_OPTION_INVALID', { option, problem: `there is nothing at ${path}`, fix: 'Name a file or folder that exists.' })
  if (real === '/') throw new OperatorError('E_OPTION_INVALID', { option, problem: 'the whole file system is no place to name', fix: 'Name the folders that the command needs.' })
  return real
}

/** Such a working directory is not opened, and may be the whole disk. */
const isHome = (cwd: string, home: string): boolean => `${home}/`.startsWith(cwd === '/' ? '/' : `${cwd}/`)
const hidden = (path: string): Hidden => ({ path, isFolder: isFolder(path) })
