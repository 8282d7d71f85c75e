/** `sallyport console`: another link that signs in at the console of a firewall that runs. */
import type { Command } from 'commander'
import { connectControl, findControl } from '../../lib/index.ts'
import { printJson, printLine } from '../output.ts'

export function addConsole(program: Command): void {
  program.command('console')
    .description('print a new link to the console of the running firewall; it signs in whoever opens it first')
    .option('--control <path>', 'control socket (default: that of the single running firewall)')
    .option('--json', 'print JSON')
    .addHelpText('after', `
The link before is void then; who is signed in stays so. The firewall has a console where it was started with --console.`)
    .action(async (options: { control?: string, json?: boolean }) => {
      const link = await connectControl(options.control ?? await findControl(process.env)).consoleLink()
      if (options.json) printJson({ link })
      else printLine(link)
    })
}
