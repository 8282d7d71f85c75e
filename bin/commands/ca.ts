/** `sallyport ca`: makes or shows the CA, and writes the bundle that clients trust. */
import type { Command } from 'commander'
import { openCa } from '../../lib/index.ts'
import { printJson, printLine, table } from '../output.ts'

interface CaOptions {
  readonly certs?: string
  readonly json?: boolean
}

export function addCa(program: Command): void {
  const ca = program.command('ca').description('make or show the CA that clients have to trust')
  const add = (name: string, description: string, act: (options: CaOptions) => Promise<void>): void => {
    ca.command(name).description(description)
      .option('--certs <dir>', 'folder of the CA (default: $XDG_STATE_HOME/sallyport/ca)')
      .option('--json', 'print JSON')
      .action(act)
  }
  add('init', 'make the CA unless it exists, and show it', show)
  add('show', 'show the CA', show)
  add('bundle', 'write the system\'s roots and the CA as one file, and print its path', async ({ certs, json }) => {
    const { bundle } = await openCa(certs, process.env)
    if (json) printJson({ bundle })
    else printLine(bundle)
  })
}

async function show({ certs, json }: CaOptions): Promise<void> {
  const { path, fingerprint, expires, bundle } = await openCa(certs, process.env)
  if (json) return printJson({ ca: path, fingerprint, expires, bundle })
  printLine(table([['certificate', path], ['SHA-256', fingerprint], ['expires', expires.slice(0, 10)], ['bundle', bundle]]))
}
