/**
 * What this machine has of what the firewall and its sandbox need: one finding a line, each with the fix. Looks and
 * tries, changes nothing, sends nothing to anybody outside.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '../model/clock.ts'
import { isOperatorError } from '../model/errors.ts'
import { findGpus } from './gpu.ts'
import { TOOLS, explainRefusal, toolPath } from './preflight.ts'
import { seccompFilter } from './seccomp.ts'
import { programsNamed } from './survey.ts'

type Env = Readonly<Record<string, string | undefined>>

export interface Finding {
  readonly name: string
  /** `no`: something that is needed is missing. `warning`: it works, and could be better. */
  readonly kind: 'ok' | 'warning' | 'no'
  readonly says: string
  /** What to do; null where nothing is to be done. */
  readonly fix: string | null
}

export interface Authority {
  readonly dir: string
  /** RFC 3339. */
  readonly expires: string
}

export interface Examined {
  readonly env: Env
  readonly clock: Clock
  /** The CA, which was opened or made; else why it could not be. */
  readonly ca: Authority | { readonly problem: string, readonly fix: string }
}

/** The oldest Node whose fixes we rely on, and the one that we advise. */
const NODE_NEEDED = [20, 19] as const
const NODE_ADVISED = 22
/** A clock before this build of ours is wrong: certificates would not be valid yet. */
const BUILT = Date.UTC(2025, 0, 1)
const RENEW_MS = 30 * 24 * 3_600_000

/** @returns in the order in which things are needed */
export async function examine({ env, clock, ca }: Examined): Promise<readonly Finding[]> {
  return [
    node(process.versions.node),
    platform(process.platform, process.arch),
    ...Object.entries(TOOLS).map(([tool, packageName]) => program(tool, packageName, env)),
    await namespaces(env),
    await koffi(),
    devices(),
    await ports(),
    time(clock.now()),
    ...'problem' in ca ? [no('ca', ca.problem, ca.fix)] : [authority(ca, clock.now()), key(join(ca.dir, 'ca.key'))],
    resolver(),
    gpu(),
  ]
}

export function node(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < NODE_NEEDED[0] || (major === NODE_NEEDED[0] && minor < NODE_NEEDED[1])) return no('node', `Node.js ${version}`, `Install Node.js ${NODE_NEEDED.join('.')} or later.`)
  return major < NODE_ADVISED ? warning('node', `Node.js ${version}`, `Node.js ${NODE_ADVISED} or later is faster and is maintained longer.`) : ok('node', `Node.js ${version}`)
}

export function platform(system: string, arch: string): Finding {
  if (system !== 'linux') return no('system', `${system}: a sandbox needs Linux`, 'Use `sallyport serve` here, or run it in a Linux machine.')
  return seccompFilter(arch) === null ? no('system', `no filter of system calls is known for ${arch}`, 'Run it on x64 or arm64.') : ok('system', `Linux on ${arch}`)
}

function program(tool: string, packageName: string, env: Env): Finding {
  const [path] = programsNamed(tool, { PATH: toolPath(env) }, '/')
  return path === undefined ? no(tool, 'not installed', `Install the package ${packageName}.`) : ok(tool, path)
}

async function namespaces(env: Env): Promise<Finding> {
  const [unshare] = programsNamed('unshare', { PATH: toolPath(env) }, '/')
  if (unshare === undefined) return no('namespaces', 'not tried without unshare', 'Install the package util-linux.')
  const tried = await run(unshare, ['--user', '--map-root-user', '--net', 'true'])
  if (tried.code === 0) return ok('namespaces', 'may be made by this user')
  const { problem, fix } = explainRefusal(tried.says)
  return no('namespaces', problem, fix)
}

/** It reads where a redirected connection was going to. */
async function koffi(): Promise<Finding> {
  try {
    await import('koffi')
    return ok('koffi', 'loads')
  } catch (error) {
    return no('koffi', `does not load (${error instanceof Error ? error.message.split('\n')[0] : 'unknown error'})`, 'Install again with optional dependencies: npm install --include=optional.')
  }
}

/** Inside they are the host's own: what is wrong with them here is wrong there. */
function devices(): Finding {
  for (const device of ['/dev/null', '/dev/zero', '/dev/urandom', '/dev/tty']) {
    try {
      const { mode } = statSync(device)
      if ((mode & 0o006) !== 0o006) return warning('devices', `${device} has mode ${(mode & 0o777).toString(8)}`, `As root: chmod 666 ${device}; most programs expect it.`)
    } catch {
      return warning('devices', `${device} is missing`, 'Most programs expect it.')
    }
  }
  return ok('devices', '/dev/null and the like are for everybody')
}

function ports(): Promise<Finding> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', error => resolve(no('ports', `nothing can listen on 127.0.0.1 (${error.message})`, 'Bring the loopback interface up: ip link set lo up.')))
    server.listen(0, '127.0.0.1', () => server.close(() => resolve(ok('ports', 'loopback listens'))))
  })
}

export function time(now: number): Finding {
  return now < BUILT ? no('clock', `it is ${new Date(now).toISOString()} here`, 'Set the clock: no certificate would be valid.') : ok('clock', new Date(now).toISOString())
}

export function authority({ dir, expires }: Authority, now: number): Finding {
  const left = Date.parse(expires) - now
  if (left <= 0) return no('ca', `the CA in ${dir} expired at ${expires}`, 'Remove ca.crt and ca.key there; the next start makes new ones, which clients have to trust.')
  return left < RENEW_MS ? warning('ca', `the CA in ${dir} expires at ${expires}`, 'Plan for a new one: clients have to trust it.') : ok('ca', `${dir}, until ${expires.slice(0, 10)}`)
}

export function key(path: string): Finding {
  try {
    const { mode, uid } = statSync(path)
    if ((mode & 0o077) !== 0) return no('ca key', `${path} may be read by others, mode ${(mode & 0o777).toString(8)}`, `chmod 600 ${path}; if others were on this machine, make a new CA.`)
    return uid === process.getuid?.() ? ok('ca key', 'is ours alone') : no('ca key', `${path} belongs to user ${uid}`, 'Name another folder with --certs.')
  } catch {
    return no('ca key', `${path} cannot be read`, 'Check the folder, or name another with --certs.')
  }
}

/** Names are resolved outside of the sandbox, by the system, once they are allowed. */
function resolver(): Finding {
  try {
    accessSync('/etc/resolv.conf', constants.R_OK)
    return /^\s*nameserver\s+\S/m.test(readFileSync('/etc/resolv.conf', 'utf8')) ? ok('dns', 'this machine has a resolver') : warning('dns', '/etc/resolv.conf names no resolver', 'Names will only be found in /etc/hosts.')
  } catch {
    return warning('dns', '/etc/resolv.conf cannot be read', 'Names will only be found in /etc/hosts.')
  }
}

function gpu(): Finding {
  try {
    return ok('gpu', findGpus().says)
  } catch (error) {
    return ok('gpu', isOperatorError(error) ? `none (${error.details['problem']})` : 'none')
  }
}

function run(file: string, args: readonly string[]): Promise<{ readonly code: number | null, readonly says: string }> {
  return new Promise(resolve => {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let says = ''
    child.stderr.on('data', (chunk: Buffer) => { says += chunk.toString() })
    child.once('error', error => resolve({ code: null, says: error.message }))
    child.once('close', code => resolve({ code, says }))
  })
}

const ok = (name: string, says: string): Finding => ({ name, kind: 'ok', says, fix: null })
const warning = (name: string, says: string, fix: string): Finding => ({ name, kind: 'warning', says, fix })
const no = (name: string, says: string, fix: string): Finding => ({ name, kind: 'no', says, fix })
