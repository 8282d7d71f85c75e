/** `sallyport conformance`: the attack corpus, against ourselves or another proxy. */
import type { Command } from 'commander'
import { OperatorError, runConformance, systemClock } from '../../lib/index.ts'
import type { CaseResult, ConformanceSetup } from '../../lib/index.ts'
import { collect } from '../arguments.ts'
import { note } from '../notices.ts'
import { printJson, printLine, table } from '../output.ts'

interface Options { readonly proxy?: string, readonly only?: readonly string[], readonly json?: boolean }

const COLUMNS = ['held', 'through', 'otherwise', 'crashed', 'hung'] as const
const TITLES = ['held the line', 'let it through', 'answered otherwise', 'crashed', 'hung']

export function addConformance(program: Command): void {
  program.command('conformance')
    .description('try the attack corpus on this firewall, or on another proxy')
    .option('--proxy <url>', 'a proxy that runs already; what it must allow is printed first')
    .option('--only <id>', 'this case alone; repeatable', collect)
    .option('--json', 'print a JSON line per case and a last one with the counts')
    .addHelpText('after', '\nNeeds ports 80 and 443 of 127.80.45.0/24 for its origins. Exit status: 0 every line was held, 1 one was not.')
    .action(conformance)
}

async function conformance({ proxy, only = [], json }: Options): Promise<void> {
  const results = await runConformance({
    subject: proxy === undefined ? { kind: 'ourselves', program: [process.execPath, process.argv[1]!] } : { kind: 'proxy', address: addressOf(proxy) },
    only,
    clock: systemClock,
    ...proxy === undefined ? {} : { onSetup: waitForSetup },
    ...process.stderr.isTTY ? { onProgress: (done: number, all: number) => void process.stderr.write(`\r${done} of ${all}${done === all ? '\n' : ''}`) } : {},
  })
  if (results.length === 0) throw new OperatorError('E_OPTION_INVALID', { option: '--only', problem: 'no case has that id', fix: 'The ids are in the last column of --json without --only.' })
  const counts = Object.fromEntries(COLUMNS.map(verdict => [verdict, results.filter(one => one.verdict === verdict).length]))
  if (json) {
    for (const one of results) printJson(one)
    printJson({ event: 'done', cases: results.length, ...counts })
  } else print(results)
  process.exitCode = counts['held'] === results.length ? 0 : 1
}

function print(results: readonly CaseResult[]): void {
  const failed = results.filter(one => one.verdict !== 'held')
  for (const { id, why, verdict, problem } of failed) printLine(`${id} (${why}): ${TITLES[COLUMNS.indexOf(verdict)]}: ${problem}`)
  const families = [...new Set(results.map(({ family }) => family))]
  printLine(table([['family', ...TITLES], ...families.map(family => [family, ...COLUMNS.map(verdict => String(results.filter(one => one.family === family && one.verdict === verdict).length))])]))
}

/** Time to set the proxy up: it goes on at the first line of standard input. */
async function waitForSetup({ originCa, lanes }: ConformanceSetup): Promise<void> {
  note(`Have the proxy trust ${originCa} for its upstreams, allow these names on ports 80 and 443 and nothing else, and resolve all of them so:`)
  for (const { address, allowed, denied, inside } of lanes) note(`${address} ${allowed} ${denied} ${inside}   # allow ${allowed}; ${inside} too, if private addresses stay shut for it`)
  note('Then press Enter.')
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
