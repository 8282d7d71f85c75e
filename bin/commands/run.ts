/** `sallyport run`: a command with one way out. */
import { openSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { Option } from 'commander'
import type { Command } from 'commander'
import { createSandbox, decidingFiles, isExposed, loadPolicy, secretPlaces, systemClock, terminalDoor } from '../../lib/index.ts'
import type { ClosingDoor, Firewall, PolicyDocument, Sandbox, Settings } from '../../lib/index.ts'
import { collect } from '../arguments.ts'
import { openDoors, settingsOf } from '../doors.ts'
import { ASK_ABOUT_ALL, addGateOptions, observing, openGate } from '../gate.ts'
import type { GateOptions } from '../gate.ts'
import { openLearning } from '../learning.ts'
import { given, note } from '../notices.ts'

interface RunOptions extends GateOptions {
  readonly ro?: readonly string[]
  readonly rw?: readonly string[]
  readonly hide?: readonly string[]
  readonly gpu?: boolean
  readonly fallback: 'proxy' | 'stop'
  readonly ask?: boolean
  readonly observe?: boolean
  readonly suggest?: string
}

/** As a shell has it for a command that it cannot start. */
const NOT_STARTED = 127
/** As a shell has it for SIGINT. */
const INTERRUPTED = 130
/** As a shell has it for SIGKILL, the only signal that ends a sandbox as a whole. */
const KILLED = 137

export function addRun(program: Command): void {
  // What follows the command's name is the command's: `sallyport run git --version` has no dashes to spare.
  const command = program.enablePositionalOptions().command('run')
    .description('run a command whose every connection is judged, with nothing to configure in it')
    .argument('<command...>', 'the command and its arguments, after --')
    .option('--policy <file>', 'the policy (JSON; see docs/policy.md); without one everything is asked about')
    .option('--ro <path>', 'a file or folder that the command sees, read-only; repeatable', collect)
    .option('--rw <path>', 'a file or folder that the command may change; repeatable (the working directory is one)', collect)
    .option('--hide <path>', 'a file or folder that it does not see although what is around it is; repeatable', collect)
    .option('--gpu', 'pass the GPUs and say which')
    .addOption(new Option('--fallback <proxy|stop>', 'where this machine lets nobody set up a network: a proxy and no other way out (HTTP and HTTPS only), or stop').choices(['proxy', 'stop']).default('stop'))
    .option('--observe', 'for a first run that you trust: what no rule matches passes unasked, and is recorded')
    .option('--suggest <file>', 'at the end, write what was let through as a policy into this new file')
    .option('--ask', 'ask questions in this terminal; the command gets no standard input')
  addGateOptions(command)
    .passThroughOptions()
    .addHelpText('after', `
The command sees the system read-only, an empty home and /tmp, and its working directory. Its exit status is passed on;
${NOT_STARTED}: it could not be started. See docs/sandbox.md.

  $ sallyport run --observe --suggest policy.json -- npm test     a first run that you trust, and a policy of what it did
  $ sallyport run --policy policy.json -- npm test                from then on`)
    .action(run)
}

async function run([command = '', ...args]: readonly string[], options: RunOptions): Promise<void> {
  const settings = await settingsOf(options)
  const shown = withSettings(options, settings)
  const doors = [...await openDoors(options, settings), ...terminalDoors(options)]
  const learning = options.suggest === undefined ? null : await openLearning(options.suggest, options.policy)
  let opening: Promise<Firewall> | null = null
  const hasTerminal = process.stdin.isTTY && options.ask !== true
  const follow = passSignalsOn(hasTerminal)
  try {
    const sandbox = await createSandbox({
      firewall: () => opening = policyOf({ ...options, rw: shown.rw }).then(policy => openGate(options, policy, doors, learning?.log)),
      command, args, hasTerminal, fallback: options.fallback,
      ro: shown.ro, rw: shown.rw, hide: shown.hide, env: shown.env,
      guarded: [...decidingFiles([...settings?.approve ?? [], given('command', options.onHold)]), options.policy, options.config, options.suggest, options.audit, options.audit === undefined ? undefined : `${options.audit}.lock`].flatMap(path => path ?? []),
      stdio: [options.ask === true ? 'ignore' : 'inherit', 'inherit', 'inherit'],
      onWarning: note,
      ...given('gpu', shown.gpu ? true : undefined),
    })
    const end = await follow(sandbox).exited
    await close(opening, doors)
    await learning?.finish()
    process.exit(end.code ?? KILLED)
  } catch (error) {
    await close(opening, doors)
    await learning?.abandon()
    throw error
  }
}

/** What the command sees: what the file names, and the options. Never a secret of a hook. */
function withSettings({ ro = [], rw = [], hide = [], gpu, webhookSecretFile }: RunOptions, settings: Settings | null) {
  const { files, variables } = secretPlaces(settings?.approve ?? [])
  const named = settings?.sandbox
  return {
    ro: [...named?.ro ?? [], ...ro],
    rw: [...named?.rw ?? [], ...rw],
    hide: [...named?.hide ?? [], ...hide, ...files, ...webhookSecretFile === undefined ? [] : [webhookSecretFile]],
    gpu: gpu ?? named?.gpu ?? false,
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !variables.includes(name))),
  }
}

/** A file that the command could change is read once: nothing that it does may change its own policy. */
async function policyOf({ policy, observe, rw = [] }: RunOptions): Promise<string | PolicyDocument> {
  if (observe === true) return observing(policy)
  if (policy === undefined) return ASK_ABOUT_ALL
  if (!isExposed(policy, { cwd: process.cwd(), rw })) return policy
  const loaded = await loadPolicy(policy)
  // The firewall says what is wrong with a file.
  if (loaded.kind === 'invalid') return policy
  note(`${policy} lies where the command works, so it is read once; one elsewhere can be changed while the command runs, and take --always`)
  return loaded.source
}

function terminalDoors({ ask }: RunOptions): readonly ClosingDoor[] {
  const input = ask === true ? process.stdin : process.stdin.isTTY ? null : openTerminal()
  return input?.isTTY === true && process.stderr.isTTY ? [terminalDoor({ input: input as ReadStream, output: process.stderr, clock: systemClock })] : []
}

/** The terminal that we were started from, where standard input is something else. */
function openTerminal(): ReadStream | null {
  try {
    return new ReadStream(openSync('/dev/tty', 'r'))
  } catch {
    // There is none: a service, a job of CI.
    return null
  }
}

/**
 * Signals are passed on, from the first moment on: the command may run, and be interrupted, before we are told that it does. Those of
 * the keyboard come to the command by themselves where it has the terminal. The second that comes before there is a command ends us.
 *
 * @returns what is told of the sandbox once it is there
 */
function passSignalsOn(hasTerminal: boolean): (sandbox: Sandbox) => Sandbox {
  let sandbox: Sandbox | null = null
  let early: NodeJS.Signals | null = null
  let isAsked = false
  const pass = (signal: NodeJS.Signals): void => {
    if (sandbox !== null) return sandbox.kill(signal)
    if (early !== null) process.exit(INTERRUPTED)
    early = signal
  }
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => { if (!hasTerminal || sandbox === null) pass(signal) })
  process.on('SIGTERM', () => {
    pass(isAsked ? 'SIGKILL' : 'SIGTERM')
    isAsked = true
  })
  process.on('SIGHUP', () => pass('SIGHUP'))
  for (const signal of ['SIGUSR2', 'SIGWINCH'] as const) process.on(signal, () => { if (!hasTerminal) sandbox?.kill(signal) })
  return started => {
    sandbox = started
    if (early !== null && !(hasTerminal && KEYS.includes(early))) sandbox.kill(early)
    return sandbox
  }
}

const KEYS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']

async function close(opening: Promise<Firewall> | null, doors: readonly ClosingDoor[]): Promise<void> {
  for (const door of doors) door.close?.()
  await opening?.then(firewall => firewall.close(), () => {})
}
