/**
 * A command with one way out: `createSandbox` starts it in namespaces of its own whose only doors are this
 * firewall's.
 *
 *   helper: namespaces, routes, rules, sockets ──ready──▶ ours to take ──▶ taken ──▶ the command runs
 *   firewall: policy, CA, audit ───────────────────────▶
 *
 * Nothing runs before the network is closed and the firewall has the doors. Whatever ends first ends the rest: with
 * the command its namespaces; with this process, killed or not, the helper, and with the helper the command.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { homedir } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { OperatorError, isOperatorError } from '../model/errors.ts'
import { writeJavaStore } from '../tls/java-store.ts'
import { openBridge } from './bridged.ts'
import { bwrapArguments, program } from './command.ts'
import { findGpus } from './gpu.ts'
import { connect } from './link.ts'
import type { Exit, SandboxDoors } from './link.ts'
import { openNssStore } from './nss-store.ts'
import { plan } from './plan.ts'
import { BRIDGED_TOOLS, TOOLS, findTools, toolPath } from './preflight.ts'
import { seccompFilter } from './seccomp.ts'
import { programsNamed } from './survey.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What a sandbox needs of a firewall. */
export interface Gate {
  transparent(doors: SandboxDoors, terms?: { readonly label?: string }): { close(): Promise<void> }
  /** Serves a connection as one to a proxy's port: of a sandbox that fell back to that. */
  handle(socket: Socket): void
  readonly ca: { readonly path: string, readonly bundle: string, readonly dir: string }
}

export interface SandboxOptions {
  /** May still be opening, or opens when it is called: the namespaces are made meanwhile. */
  readonly firewall: Gate | Promise<Gate> | (() => Promise<Gate>)
  readonly command: string
  readonly args?: readonly string[]
  /** Writable inside. Default: that of this process. */
  readonly cwd?: string
  /** The command's variables, before those that make it trust the CA. Default: those of this process. */
  readonly env?: Env
  /** Places of the host that are seen beside the system, read-only and writable. */
  readonly ro?: readonly string[]
  readonly rw?: readonly string[]
  /** Places that are not seen although a folder around them is. */
  readonly hide?: readonly string[]
  /** Files that are seen and never written, nor replaced: a policy, an audit log. */
  readonly guarded?: readonly string[]
  /** The command's standard input, output and error. Default: pipes. */
  readonly stdio?: 'pipe' | 'inherit' | readonly ('pipe' | 'inherit' | 'ignore' | number)[]
  /** The command stays in the session of this process's terminal. Default: false. */
  readonly hasTerminal?: boolean
  /** Pass the GPUs. Default: false. */
  readonly gpu?: boolean
  /**
   * Where this machine lets nobody set up a network: `proxy` gives the command one with nothing in it but a proxy, for HTTP and
   * HTTPS of clients that read its variables. Default: `stop`, nothing is started.
   */
  readonly fallback?: 'proxy' | 'stop'
  /** What the operator should know: of what was named, of what was found. */
  readonly onWarning?: (says: string) => void
}

/** A child process, as far as one that lives elsewhere can be one. */
export interface Sandbox {
  /** Of the sandbox's first process, as this process sees it. */
  readonly pid: number
  readonly exited: Promise<Exit>
  /** Null where it is not a pipe. */
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** To the command; SIGKILL ends the sandbox with everything in it. Default: SIGTERM. */
  kill(signal?: NodeJS.Signals): void
}

/** @throws OperatorError E_SANDBOX_*, E_OPTION_INVALID; nothing is left running then */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { firewall, fallback = 'stop', onWarning } = options
  let opening: Gate | Promise<Gate> | null = null
  const open = (): Gate | Promise<Gate> => opening ??= typeof firewall === 'function' ? firewall() : firewall
  try {
    return await start(options, open, 'redirected')
  } catch (error) {
    if (fallback !== 'proxy' || !isOperatorError(error) || !REFUSALS.includes(error.code)) throw error
    onWarning?.(`${error.message} Falling back to a proxy: HTTP and HTTPS of clients that read its variables, and nothing else gets out`)
    return start(options, open, 'bridged')
  }
}

/** Nothing has run then. */
const REFUSALS: readonly string[] = ['E_SANDBOX_TOOL', 'E_SANDBOX_REFUSED', 'E_SANDBOX_FAILED']

/** `redirected`: into a network that was made for it, each connection led to us. `bridged`: into one that has nothing but a proxy. */
type Way = 'redirected' | 'bridged'

async function start(options: SandboxOptions, open: () => Gate | Promise<Gate>, way: Way): Promise<Sandbox> {
  const env = options.env ?? process.env
  const bwrap = findTools(env, way === 'bridged' ? BRIDGED_TOOLS : TOOLS).bwrap
  const gpus = options.gpu === true ? findGpus() : null
  if (gpus !== null) options.onWarning?.(`GPU: ${gpus.says}`)
  const filter = seccompFilter(process.arch)
  if (filter === null) throw new OperatorError('E_SANDBOX_REFUSED', { problem: `no filter of system calls is known for ${process.arch}`, fix: 'Run it on x64 or arm64.' })
  const helper = startHelper(options, env, way)
  const link = connect(helper)
  if (options.hasTerminal === true) {
    // The command shares our process group then, and a SIGUSR1 at it would have Node open its debugger.
    process.on('SIGUSR1', ignore)
    helper.once('exit', () => process.off('SIGUSR1', ignore))
  }
  let gate: { close(): Promise<void> } | null = null
  try {
    const firewall = await Promise.race([open(), link.failed])
    const bridge = way === 'bridged' ? await openBridge(socket => firewall.handle(socket)) : null
    gate = bridge
    const [certutil] = programsNamed('certutil', env, '/')
    const planned = plan({
      command: options.command, args: options.args ?? [], env,
      cwd: options.cwd ?? process.cwd(), home: env['HOME'] ?? homedir(), uid: process.getuid!(), gid: process.getgid!(),
      ro: options.ro ?? [], rw: options.rw ?? [], hide: options.hide ?? [], guarded: options.guarded ?? [],
      certs: firewall.ca.dir, ca: firewall.ca.path, bundle: firewall.ca.bundle, bridge: bridge?.path ?? null,
      javaStore: programsNamed('java', env, '/').length === 0 ? null : writeJavaStore(firewall.ca.bundle),
      nssStore: certutil === undefined ? [] : openNssStore(certutil, firewall.ca.path),
      devices: gpus?.mounts ?? [], hasTerminal: options.hasTerminal ?? false,
    })
    for (const warning of planned.warnings) options.onWarning?.(warning)
    await link.ready
    link.send({
      kind: 'start',
      program: program(planned, bwrap),
      env: planned.env,
      args: base64(bwrapArguments(planned).map(argument => `${argument}\0`).join('')),
      seccomp: filter.toString('base64'),
      files: planned.files.map(({ data }) => base64(data)),
    })
    gate ??= firewall.transparent(await link.doors)
    const exited = link.exited.finally(() => gate?.close())
    exited.catch(() => {})
    const pid = await Promise.race([link.running, exited.then(() => helper.pid ?? 0)])
    const [stdin, stdout, stderr] = helper.stdio.slice(4)
    return {
      pid, exited,
      stdin: (stdin ?? null) as Writable | null, stdout: (stdout ?? null) as Readable | null, stderr: (stderr ?? null) as Readable | null,
      kill: (signal = 'SIGTERM') => link.send({ kind: 'signal', signal }),
    }
  } catch (error) {
    helper.kill('SIGKILL')
    await gate?.close()
    throw error
  }
}

function startHelper({ stdio = 'pipe' }: SandboxOptions, env: Env, way: Way): ChildProcess {
  const { setpriv } = findTools(env, BRIDGED_TOOLS)
  const network = way === 'bridged' ? [] : [findTools(env, TOOLS).unshare, '--user', '--map-root-user', '--net', '--']
  const [file = '', ...args] = [...network, setpriv, '--pdeathsig', 'KILL', '--', process.execPath, ...HELPER, way]
  // Descriptors of our own are passed by number: "inherit" would mean those of the same number.
  const passed = (typeof stdio === 'string' ? Array<'pipe' | 'inherit'>(3).fill(stdio) : stdio).map((what, fd) => what === 'inherit' ? fd : what)
  return spawn(file, args, { env: { PATH: toolPath(env) }, stdio: ['ignore', 'ignore', 'pipe', 'ipc', ...passed] })
}

/** From sources, with the loaders that this process runs on. */
const HELPER = ((own: string) => [
  ...own.endsWith('.ts') ? process.execArgv : [],
  own.replace(/sandbox(\.[jt]s)$/, 'helper$1'),
])(fileURLToPath(import.meta.url))

const ignore = (): void => {}
const base64 = (data: string | Uint8Array): string => Buffer.from(data as string).toString('base64')
