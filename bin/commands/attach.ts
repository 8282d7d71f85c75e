/** `sallyport attach`: a network that already runs, behind the gate. */
import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import { OperatorError, attach, systemClock, terminalDoor } from '../../lib/index.ts'
import type { Place } from '../../lib/index.ts'
import { openDoors, settingsOf } from '../doors.ts'
import { ASK_ABOUT_ALL, addGateOptions, observing, openGate } from '../gate.ts'
import type { GateOptions } from '../gate.ts'
import { given, note } from '../notices.ts'
import { printJson, printLine } from '../output.ts'

interface AttachOptions extends GateOptions {
  readonly netns?: string
  readonly label?: string
  readonly observe?: boolean
  readonly json?: boolean
}

export function addAttach(program: Command): void {
  const command = program.command('attach')
    .description('judge every connection of a container that already runs and was started with no network; as root')
    .argument('[pid]', 'a process in that network, as this machine numbers it', pid)
    .option('--netns <path>', 'the network instead, by its file: /run/netns/x')
    .option('--policy <file>', 'the policy (JSON; see docs/policy.md); without one everything is asked about')
    .option('--observe', 'for a first run that you trust: what no rule matches passes unasked, and is recorded')
    .option('--label <name>', 'what it is called in questions and in the log (default: sandbox)', label)
  addGateOptions(command)
    .option('--json', 'print JSON lines: {"event":"ready",…} first')
    .addHelpText('after', `
Prints a line when it is ready; ends with the process, or by SIGTERM or Ctrl-C. The network is left closed.
See docs/transparent.md.`)
    .action(run)
}

async function run(pid: number | undefined, options: AttachOptions): Promise<void> {
  const place = placeOf(pid, options.netns)
  const doors = await openDoors(options, await settingsOf(options))
  if (process.stdin.isTTY && process.stderr.isTTY) doors.push(terminalDoor({ input: process.stdin, output: process.stderr, clock: systemClock }))
  const firewall = await openGate(options, options.observe === true ? await observing(options.policy) : options.policy ?? ASK_ABOUT_ALL, doors)
  try {
    const attached = await attach({ firewall, place, ...given('label', options.label) })
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => { attached.detach().catch(() => {}) })
    process.on('SIGHUP', () => { firewall.reload().catch(() => {}) })
    const { path, bundle } = firewall.ca
    if (options.json) printJson({ event: 'ready', ca: path, bundle, control: firewall.control })
    else printLine(`ready: attached  ca ${path}  bundle ${bundle}  control ${firewall.control}`)
    await attached.ended
    note('detached: the network is closed')
  } finally {
    for (const door of doors) door.close?.()
    await firewall.close()
  }
  process.exit(0)
}

function placeOf(pid: number | undefined, netns: string | undefined): Place {
  if (pid !== undefined && netns === undefined) return { kind: 'process', pid }
  if (netns !== undefined && pid === undefined) return { kind: 'file', path: netns }
  throw new OperatorError('E_OPTION_INVALID', { option: 'PID or --netns', problem: 'one of the two has to be given', fix: 'For a container: sallyport attach "$(docker inspect -f {{.State.Pid}} NAME)".' })
}

function pid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('Write the number of a process.')
  return Number(text)
}

function label(text: string): string {
  if (!/^[\w.:-]{1,64}$/.test(text)) throw new InvalidArgumentError('Write up to 64 letters, digits and any of _ . : -')
  return text
}
