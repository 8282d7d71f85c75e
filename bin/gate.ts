/** The firewall inside of a command that guards something by itself (`run`, `attach`): its options, and how it is opened. */
import { Option } from 'commander'
import type { Command } from 'commander'
import { createFirewall, loadPolicy } from '../lib/index.ts'
import type { ClosingDoor, Firewall, PolicyDocument } from '../lib/index.ts'
import { collect, duration } from './arguments.ts'
import { addDoorOptions } from './doors.ts'
import { makeRoomForStreams } from './heap.ts'
import type { DoorOptions } from './doors.ts'
import { OBSERVING, OPERATOR_HINT, given, note, tell } from './notices.ts'

export interface GateOptions extends DoorOptions {
  readonly policy?: string
  readonly dnsStrict?: boolean
  readonly hold?: number
  readonly audit?: string
  readonly certs?: string
  readonly control?: string
  readonly resolve?: readonly string[]
  readonly upstreamCa?: readonly string[]
  readonly agentApi: 'on' | 'off'
}

/** Without a policy there is nothing that is allowed without a question. */
export const ASK_ABOUT_ALL: PolicyDocument = { version: 1, name: 'ask about everything', unmatched: 'hold' }
/** How long connections may take to be told that it is over. */
const DRAIN_MS = 500

export function addGateOptions(command: Command): Command {
  return addDoorOptions(command)
    .option('--dns-strict', 'names that no rule could ever allow do not exist')
    .option('--hold <time>', 'how long a request may wait for a decision', duration)
    .option('--audit <file>', 'audit log, one JSON line per flow')
    .option('--certs <dir>', 'folder of the CA, made at the first start (default: $XDG_STATE_HOME/sallyport/ca)')
    .option('--control <path>', 'control socket (default: $XDG_RUNTIME_DIR/sallyport/<pid>.sock)')
    .option('--resolve <host:port:address>', 'address of a name, as curl has it; repeatable', collect)
    .option('--upstream-ca <file>', 'roots that upstreams are verified against; repeatable', collect)
    .addOption(new Option('--agent-api <on|off>', 'http://sallyport.internal/ tells the command what is allowed, and lets it ask for more (docs/agent.md)').choices(['on', 'off']).default('on'))
}

/**
 * For a first run that is trusted: what no rule of it matches passes unasked, and is recorded. Another policy than its file,
 * so that is read once.
 *
 * @param policy  a file; undefined: no rules
 */
export async function observing(policy: string | undefined): Promise<string | PolicyDocument> {
  if (policy === undefined) return { version: 1, name: 'observe', unmatched: 'observe' }
  const loaded = await loadPolicy(policy)
  // The firewall says what is wrong with a file.
  return loaded.kind === 'invalid' ? policy : { ...loaded.source, unmatched: 'observe' }
}

/** @param log  a file that the audit log is written to beside the one of the options */
export async function openGate(options: GateOptions, policy: string | PolicyDocument, doors: readonly ClosingDoor[], log?: string): Promise<Firewall> {
  makeRoomForStreams()
  const firewall = await createFirewall({
    policy,
    approve: doors,
    control: options.control ?? true,
    watch: true,
    agentApi: options.agentApi === 'on',
    limits: { drainMs: DRAIN_MS, ...given('holdMs', options.hold) },
    audit: [options.audit, log].flatMap(file => file ?? []),
    ...given('strictDns', options.dnsStrict),
    ...given('certs', options.certs),
    ...given('resolve', options.resolve),
    ...given('upstreamCa', options.upstreamCa),
  })
  // A terminal door shows the question itself.
  firewall.subscribe(event => { if (event.event !== 'asked' || !doors.some(isTerminal)) tell(event) })
  const { warnings, policy: inForce } = firewall.status()
  for (const warning of warnings) note(warning)
  if (inForce.unmatched === 'observe') note(OBSERVING)
  note(`policy ${inForce.name ?? options.policy}: ${inForce.rules} rules, unmatched requests: ${inForce.unmatched}; questions: ${doors.length > 0 ? 'asked here' : `${OPERATOR_HINT}, in another terminal`}`)
  return firewall
}

const isTerminal = ({ name }: ClosingDoor): boolean => name === 'terminal'
