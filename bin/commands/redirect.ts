/** `sallyport redirect`: leads a network that is shared with the firewall through it. */
import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import { applyRedirect, redirectRules } from '../../lib/index.ts'
import { given, note } from '../notices.ts'

interface RedirectOptions {
  readonly uid: number
  readonly port?: number
  readonly dnsPort?: number
  readonly apply?: boolean
}

export function addRedirect(program: Command): void {
  program.command('redirect')
    .description('print the packet filter that leads a shared network through `serve --transparent`')
    .requiredOption('--uid <n>', 'user that the firewall runs as; whoever else is there must not be able to become it', uid)
    .option('--port <n>', 'port of --transparent (default: 15001)', port)
    .option('--dns-port <n>', 'port of --dns (default: 15053)', port)
    .option('--apply', 'put it into force in the network of this process, which takes NET_ADMIN')
    .addHelpText('after', `
An init step runs it with --apply; the firewall then needs no capability. It is lifted with: nft delete table inet sallyport
See docs/transparent.md.`)
    .action((options: RedirectOptions) => {
      const rules = redirectRules({ uid: options.uid, ...given('port', options.port), ...given('dnsPort', options.dnsPort) })
      if (options.apply !== true) return void process.stdout.write(rules)
      applyRedirect(rules, process.env)
      note(`in force: all that is sent here goes through the firewall, but for what user ${options.uid} sends`)
    })
}

function uid(text: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > 4_294_967_294) throw new InvalidArgumentError('Write the number of a user, for example 1337.')
  return Number(text)
}

function port(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError('Write a port, 1 to 65535.')
  return Number(text)
}
