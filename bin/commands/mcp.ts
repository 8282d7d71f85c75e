/** `sallyport mcp`: the agent's side as tools, for an agent that runs inside. */
import type { Command } from 'commander'
import { serveMcp } from '../../lib/index.ts'

export function addMcp(program: Command): void {
  program.command('mcp')
    .description('inside: the firewall as tools of the Model Context Protocol, on standard input and output (docs/agent.md)')
    .addHelpText('after', `
Three tools: what_is_allowed, why_was_i_refused, ask_for_access (asks the operator, and waits). It talks to
http://sallyport.internal/ through the proxy that http_proxy names, else directly.`)
    .action(async () => {
      await serveMcp({ env: process.env, input: process.stdin, output: process.stdout })
    })
}
