/** `sallyport explain`: what a policy says of one request, and why. */
import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import { explainPolicy } from '../../lib/index.ts'
import { printJson, printLine, table } from '../output.ts'

const EXIT = { allow: 0, deny: 1, refused: 1, hold: 3 } as const

export function addExplain(program: Command): void {
  program.command('explain')
    .description('how a policy rules one request, and why; exit 0 allow, 3 hold, 1 deny or refused')
    .argument('<file>', 'the policy')
    .argument('<method>', 'GET, POST, …')
    .argument('<url>', 'https://, http://, wss://, ws:// or tcp://host:port')
    .option('-H, --header <field>', '"name: value"; repeatable', header, [])
    .option('--json', 'print JSON')
    .action(async (file: string, method: string, url: string, options: { header: readonly string[], json?: boolean }) => {
      const told = await explainPolicy(file, { method, url, headers: options.header })
      process.exitCode = EXIT[told.action]
      if (options.json) return printJson(told)
      printLine(`${told.action}${told.rule === null ? '' : ` by rule "${told.rule}"`}${told.reason === null ? '' : `: ${told.reason}`}`)
      if (told.considered.length > 0) {
        printLine('\nrules considered:')
        printLine(table(told.considered.map(({ rule, action, matches, why }) => [matches ? '  +' : '  -', rule, action, why])))
      }
      if (told.nearest !== null) printLine(`\nnearest rule: "${told.nearest.rule}": ${told.nearest.why}`)
      if (told.smallest !== null) printLine(`\nsmallest rule that would allow it:\n  ${JSON.stringify(told.smallest)}`)
    })
}

function header(field: string, before: readonly string[]): readonly string[] {
  const parts = /^([^:\s]+):\s*(.*)$/.exec(field)
  if (parts === null) throw new InvalidArgumentError('Write a field as "name: value".')
  return [...before, parts[1]!, parts[2]!]
}
