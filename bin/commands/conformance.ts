/** `sallyport conformance`: the attack corpus, against ourselves or another proxy. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { OperatorError, describeSetup, runConformance, systemClock } from '../../lib/index.ts'
import type { CaseResult, ConformanceOptions, ConformanceSetup } from '../../lib/index.ts'
import { given, note } from '../notices.ts'
import { printJson, printLine, table } from '../output.ts'

interface Options {
  readonly proxy?: string
  readonly command?: string
  readonly ca?: string
  readonly setup?: string
  readonly describe?: boolean
  readonly only?: readonly string[]
  readonly json?: boolean
}

const COLUMNS = ['held', 'through', 'otherwise', 'crashed', 'hung', 'inapplicable'] as const
const TITLES = ['held the line', 'let it through', 'answered otherwise', 'crashed', 'hung', 'not applicable']

export function addConformance(program: Command): void {
  program.command('conformance')
    .description('try the attack corpus on this firewall, or on another proxy')
    .option('--proxy <url>', 'a proxy that runs already')
    .option('--command <command>', 'a proxy that is started for it, to listen on 127.0.0.1:$CONFORMANCE_PORT')
    .option('--ca <file>', 'the roots that the proxy signs with, to be verified (PEM)')
    .option('--describe', 'print what the proxy must allow, how names resolve and whom it must trust, and try nothing')
    .option('--setup <dir>', 'keep the roots of the origins, a hosts file and the names here: the same in the next run')
    .option('--only <id...>', 'these cases alone')
    .option('--json', 'print a JSON line per case and a last one with the counts')
    .addHelpText('after', `
Its origins listen on ports 80 and 443 of a net below 127.0.0.0/8 that is free; which one is said. A command finds these in its environment: CONFORMANCE_PORT,
CONFORMANCE_CA (roots to trust), CONFORMANCE_HOSTS (a hosts file, its /etc/hosts where this machine allows that) and
CONFORMANCE_DIR, in it setup.json. Exit status: 0 every line was held, 1 one was not.

  $ sallyport conformance --describe --setup /tmp/setup
  $ sallyport conformance --command 'exec tinyproxy -d -c tinyproxy.conf' --setup /tmp/setup`)
    .action(conformance)
}

async function conformance(options: Options): Promise<void> {
  const { setup, only = [], json } = options
  if (options.describe === true) return describe(setup ?? await mkdtemp(join(tmpdir(), 'sallyport-setup-')), json)
  const subject = subjectOf(options)
  const began = systemClock.elapsed()
  const results = await runConformance({
    subject,
    only,
    clock: systemClock,
    ...given('setupDir', setup === undefined ? undefined : resolve(setup)),
    onSetup: async given => {
      note(`the origins are on ports ${given.ports.join(' and ')} of ${given.net}`)
      // With a folder it could be set up before.
      if (subject.kind === 'proxy' && setup === undefined) await waitForSetup(given)
    },
    ...given('onProgress', process.stderr.isTTY ? (done: number, all: number) => void process.stderr.write(`\r${done} of ${all}${done === all ? '\n' : ''}`) : undefined),
  })
  if (results.length === 0) throw new OperatorError('E_OPTION_INVALID', { option: '--only', problem: 'no case has that id', fix: 'The ids are in the last column of --json without --only.' })
  const ms = Math.round(systemClock.elapsed() - began)
  const counts = Object.fromEntries(COLUMNS.map(verdict => [verdict, results.filter(one => one.verdict === verdict).length]))
  if (json) {
    for (const one of results) printJson(one)
    printJson({ event: 'done', cases: results.length, ms, ...counts })
  } else print(results, ms)
  process.exitCode = results.every(({ verdict }) => verdict === 'held' || verdict === 'inapplicable') ? 0 : 1
}

function subjectOf({ proxy, command, ca }: Options): ConformanceOptions['subject'] {
  if (proxy !== undefined && command !== undefined) throw new OperatorError('E_OPTION_INVALID', { option: '--command', problem: 'it is another proxy than that of --proxy', fix: 'Give one of them.' })
  const roots = given('ca', ca)
  if (proxy !== undefined) return { kind: 'proxy', address: addressOf(proxy), ...roots }
  if (command !== undefined) return { kind: 'command', command, ...roots }
  if (ca !== undefined) throw new OperatorError('E_OPTION_INVALID', { option: '--ca', problem: 'this firewall makes its own', fix: 'It goes with --proxy or --command.' })
  return { kind: 'ourselves', program: [process.execPath, process.argv[1]!] }
}

function print(results: readonly CaseResult[], ms: number): void {
  for (const { id, why, verdict, problem } of results) {
    if (verdict !== 'held' && verdict !== 'inapplicable') printLine(`${id} (${why}): ${TITLES[COLUMNS.indexOf(verdict)]}: ${problem}`)
  }
  const families = [...new Set(results.map(({ family }) => family))]
  printLine(table([['family', ...TITLES], ...families.map(family => [family, ...COLUMNS.map(verdict => String(results.filter(one => one.family === family && one.verdict === verdict).length))])]))
  printLine(`${results.length} ${results.length === 1 ? 'case' : 'cases'} in ${Math.ceil(ms / 1_000)} s`)
}

async function describe(dir: string, json = false): Promise<void> {
  const setup = await describeSetup(resolve(dir), systemClock)
  if (json) return printJson(setup)
  for (const line of linesOf(setup)) printLine(line)
}

const linesOf = ({ originCa, hostsFile, ports, lanes }: ConformanceSetup): readonly string[] => [
  `Roots to trust for upstreams:  ${originCa}`,
  `Names and their addresses:     ${hostsFile}`,
  `Allow, on ports ${ports.join(' and ')}:      ${lanes.map(({ allowed }) => allowed).join(' ')}`,
  `Allow too, if private addresses stay shut for a name that is allowed: ${lanes.map(({ inside }) => inside).join(' ')}`,
  `Allow nothing else; by name no case may reach: ${lanes.map(({ denied }) => denied).join(' ')}`,
]

/** Time to set the proxy up: it goes on at the first line of standard input. */
async function waitForSetup(setup: ConformanceSetup): Promise<void> {
  for (const line of linesOf(setup)) note(line)
  note('Set the proxy up so, then press Enter.')
  await new Promise(resolve => process.stdin.once('data', resolve).once('end', resolve))
  process.stdin.pause()
}

function addressOf(text: string): { host: string, port: number } {
  if (URL.canParse(text)) {
    const { protocol, hostname, port } = new URL(text)
    if (protocol === 'http:') return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) }
  }
  throw new OperatorError('E_OPTION_INVALID', { option: '--proxy', problem: 'it is no http address', fix: 'Give for example http://127.0.0.1:8080.' })
}
