/** `sallyport env`: the variables that make clients use the proxy and trust its CA. */
import type { Command } from 'commander'
import { connectControl, describeEnvironment, findControl } from '../../lib/index.ts'
import { printJson, printLine } from '../output.ts'

interface EnvOptions {
  readonly proxy?: string
  readonly certs?: string
  readonly control?: string
  readonly shell?: boolean
  readonly json?: boolean
}

export function addEnv(program: Command): void {
  program.command('env')
    .description('print the variables that make clients use the proxy and trust its CA')
    .option('--proxy <url>', 'the proxy (default: that of the single running firewall)')
    .option('--certs <dir>', 'folder of the CA (default: that of the running firewall)')
    .option('--control <path>', 'control socket of the running firewall')
    .option('--shell', 'as lines for a shell: eval "$(sallyport env --shell)"')
    .option('--json', 'print JSON')
    .action(async (options: EnvOptions) => {
      const env = await describeEnvironment(await where(options), process.env)
      if (options.json) return printJson(env)
      for (const [name, value] of Object.entries(env)) printLine(options.shell ? `export ${name}='${value.replaceAll('\'', '\'\\\'\'')}'` : `${name}=${value}`)
    })
}

/** What is not given is asked of the firewall that runs. */
async function where({ proxy, certs, control }: EnvOptions): Promise<{ proxyUrl: string, caPath?: string, certs?: string }> {
  if (proxy !== undefined) return { proxyUrl: proxy, ...certs === undefined ? {} : { certs } }
  const status = await connectControl(control ?? await findControl(process.env)).status()
  return { proxyUrl: status.listeners[0] ?? '', ...certs === undefined ? { caPath: status.ca.path } : { certs } }
}
