/** `sallyport serve`: the proxy beside a container. */
import { PassThrough } from 'node:stream'
import { Option } from 'commander'
import type { Command } from 'commander'
import { createFirewall, LIMITS, OperatorError, systemClock, terminalDoor } from '../../lib/index.ts'
import type { Firewall, LimitRow, Limits, Shared } from '../../lib/index.ts'
import { address, collect, count, duration, size } from '../arguments.ts'
import { addDoorOptions, openDoors, settingsOf } from '../doors.ts'
import type { DoorOptions } from '../doors.ts'
import { makeRoomForStreams } from '../heap.ts'
import { OBSERVING, given, note, tell } from '../notices.ts'
import { printJson, printLine } from '../output.ts'

type Address = ReturnType<typeof address>

interface ServeOptions extends Partial<Limits>, DoorOptions {
  readonly policy: string
  readonly listen: Address
  readonly transparent?: Address
  readonly dns?: readonly Address[]
  readonly dnsStrict?: boolean
  readonly certs?: string
  readonly audit?: string
  readonly auditOptional?: boolean
  readonly auditRotate?: number
  readonly auditKeep?: number
  readonly auditQueries?: boolean
  readonly control?: string
  readonly console?: Address
  readonly consoleHost?: readonly string[]
  readonly resolve?: readonly string[]
  readonly upstreamCa?: readonly string[]
  readonly allowFrom?: readonly string[]
  readonly clientTokenFile?: string
  readonly strict?: boolean
  readonly agentApi: 'on' | 'off'
  readonly json?: boolean
}

export function addServe(program: Command): void {
  const command = addDoorOptions(program.command('serve'))
    .description('run the proxy beside a container')
    .requiredOption('--policy <file>', 'the policy (JSON; see docs/policy.md)')
    .option('--listen <address>', 'address and port of the proxy; port 0 takes a free one', address, { host: '127.0.0.1', port: 8080 })
    .option('--transparent <address>', 'listen for connections that `sallyport redirect` leads here; 127.0.0.1:15001, or [::]:15001 for IPv6 too', address)
    .option('--dns <address>', 'answer their questions for names, 127.0.0.1:15053; repeatable', (text: string, before: readonly Address[] = []) => [...before, address(text)])
    .option('--dns-strict', 'names that no rule could ever allow do not exist')
    .option('--certs <dir>', 'folder of the CA, made at the first start (default: $XDG_STATE_HOME/sallyport/ca)')
    .option('--audit <file>', 'audit log, one JSON line per flow; "-" for standard output')
    .option('--audit-rotate <size>', 'begin a new audit file at this size', size)
    .option('--audit-keep <n>', 'rotated audit files to keep', count, 10)
    .option('--audit-optional', 'let traffic pass although the audit log cannot be written')
    .option('--audit-queries', 'write the values of query parameters into the audit log')
    .option('--control <path>', 'control socket (default: $XDG_RUNTIME_DIR/sallyport/<pid>.sock)')
    .option('--console <address>', 'the operator\'s desk as a web page, 127.0.0.1:8900; a link that signs in once is printed', address)
    .option('--console-host <name>', 'further name that the page is reached by; repeatable, and needed where it does not listen on loopback', collect)
    .option('--resolve <host:port:address>', 'address of a name, as curl has it; repeatable', collect)
    .option('--upstream-ca <file>', 'roots that upstreams are verified against; repeatable', collect)
    .option('--allow-from <cidr>', 'network whose clients need no token; repeatable', collect)
    .option('--client-token-file <file>', 'lines "name:token" of clients that may use the proxy')
    .option('--strict', 'refuse clients that could answer their own questions')
    .addOption(new Option('--agent-api <on|off>', 'http://sallyport.internal/ tells those inside what is allowed, and lets them ask for more (docs/agent.md)').choices(['on', 'off']).default('on'))
    .option('--json', 'print JSON lines: {"event":"ready",…} first')
  for (const [name, row] of Object.entries(LIMITS) as [string, LimitRow][]) {
    const placeholder = { milliseconds: '<time>', bytes: '<size>', count: '<n>' }[row.unit]
    const option = new Option(`${row.flag} ${placeholder}`, row.says)
      .argParser({ milliseconds: duration, bytes: size, count }[row.unit])
      .default(undefined, spelled(row))
    option.attributeName = () => name
    command.addOption(option)
  }
  command.addHelpText('after', '\nSIGHUP and a change of the file reload the policy; SIGTERM ends it gently.').action(serve)
}

async function serve(options: ServeOptions): Promise<void> {
  if ((options.transparent === undefined) !== (options.dns === undefined)) {
    throw new OperatorError('E_OPTION_INVALID', { option: '--transparent', problem: 'it is of no use without --dns, nor --dns without it', fix: 'Give both, as `sallyport redirect` leads to both.' })
  }
  const doors = await openDoors(options, await settingsOf(options))
  if (process.stdin.isTTY && process.stderr.isTTY) doors.push(terminalDoor({ input: process.stdin, output: process.stderr, clock: systemClock }))
  // Its first records come before the port is open; the first line of standard output says that it is.
  const records = new PassThrough()
  makeRoomForStreams()
  const firewall = await createFirewall({
    policy: options.policy,
    approve: doors,
    control: options.control ?? true,
    watch: true,
    limits: limitsIn(options),
    ...given('certs', options.certs),
    ...given('audit', options.audit === '-' ? records : options.audit),
    ...given('auditRotateBytes', options.auditRotate),
    ...given('auditKeep', options.auditKeep),
    ...given('auditOptional', options.auditOptional),
    ...given('auditQueries', options.auditQueries),
    ...given('console', options.console === undefined ? undefined : { ...options.console, hosts: options.consoleHost ?? [] }),
    ...given('resolve', options.resolve),
    ...given('upstreamCa', options.upstreamCa),
    ...given('allowFrom', options.allowFrom),
    ...given('clientTokens', options.clientTokenFile),
    ...given('strict', options.strict),
    ...given('strictDns', options.dnsStrict),
    agentApi: options.agentApi === 'on',
  })
  firewall.subscribe(event => tell(event))
  for (const warning of firewall.status().warnings) note(warning)
  if (firewall.status().policy.unmatched === 'observe') note(OBSERVING)
  let url: string
  let shared: Shared | null = null
  try {
    ({ url } = await firewall.listen(options.listen))
    if (options.transparent !== undefined) shared = await firewall.listenTransparent({ transparent: options.transparent, dns: options.dns ?? [] })
  } catch (error) {
    await firewall.close()
    throw error
  }
  announce(firewall, url, shared, options)
  records.pipe(process.stdout)
  onSignals(firewall, doors)
}

function announce(firewall: Firewall, url: string, shared: Shared | null, options: ServeOptions): void {
  const { dir, path } = firewall.ca
  if (options.json) return printJson({ event: 'ready', proxy: url, certs: dir, ca: path, control: firewall.control, ...firewall.console === null ? {} : { console: firewall.console.link }, ...shared === null ? {} : { transparent: shared.transparent, dns: shared.dns } })
  const { policy, roots } = firewall.status()
  // Standard output may carry the audit log; people read the rest on standard error.
  printLine(`ready: proxy ${url}  ca ${path}  control ${firewall.control}`)
  note(`policy ${policy.name ?? options.policy}: ${policy.rules} rules, unmatched requests: ${policy.unmatched}; upstreams are verified against ${roots}`)
  if (shared !== null) note(`redirected connections at ${spell(shared.transparent)}, names at ${shared.dns.map(spell).join(', ')}; ${filterHint(process.getuid?.() ?? 0)}`)
  if (firewall.console !== null) note(`the desk: open ${firewall.console.link}  (it signs in whoever opens it first)`)
  note('agent\'s shell: eval "$(sallyport env --shell)"   questions: sallyport term (or pending --watch)   stop: Ctrl-C')
}

function filterHint(uid: number): string {
  return uid === 0 ? 'root cannot be told apart from what is guarded: run this as a user of its own' : `the packet filter: sallyport redirect --uid ${uid}`
}

function onSignals(firewall: Firewall, doors: readonly { close?(): void }[]): void {
  let isClosing = false
  const stop = (): void => {
    if (isClosing) process.exit(1)
    isClosing = true
    note('closing: what is held is answered, what flows may end (again to stop at once)')
    for (const door of doors) door.close?.()
    firewall.close().then(() => process.exit(0), (error: unknown) => {
      note(String(error))
      process.exit(2)
    })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', () => { firewall.reload().catch(() => {}) })
}

function limitsIn(options: ServeOptions): Partial<Limits> {
  return Object.fromEntries(Object.keys(LIMITS).flatMap(name => {
    const value = options[name as keyof Limits]
    return value === undefined ? [] : [[name, value]]
  }))
}

const spell = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

function spelled({ unit, value }: LimitRow): string {
  if (unit === 'milliseconds') return value % 3_600_000 === 0 ? `${value / 3_600_000}h` : `${value / 1_000}s`
  if (unit === 'bytes') return `${value / 1_024}K`
  return String(value)
}
