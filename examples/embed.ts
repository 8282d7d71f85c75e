/**
 * A firewall inside an agent runtime: start it, decide in a function, start the agent with its variables.
 *
 *   npx tsx examples/embed.ts examples/policies/research-agent.json curl https://example.com/
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createFirewall } from 'sallyport'
import type { Answer, Pending } from 'sallyport'

const [policy, command, ...args] = process.argv.slice(2)
if (policy === undefined || command === undefined) {
  console.error('usage: embed.ts POLICY COMMAND [ARGUMENT…]')
  process.exit(2)
}

await using firewall = await createFirewall({
  policy,
  approve: decide,
  audit: record => { if (record.event === 'closed') console.error(`${record.action}: ${record.method} ${record.host}${record.path}`) },
})
await firewall.listen({ port: 0 })

const agent = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...firewall.env() } })
const [status] = await once(agent, 'exit')
process.exitCode = status ?? 1

/** Reading from a host is fine here, whatever it is. Anything else is not, and the agent reads why. */
function decide(held: Pending): Answer {
  // `display` is safe to show; the other fields are what the agent wrote.
  console.error(`held: ${held.display.line}`)
  // What the agent asks for beforehand is decided by whoever starts this.
  if (held.kind === 'task') return { verdict: 'pass' }
  return held.method === 'GET'
    ? { verdict: 'approve', grant: 'once', by: 'embed.ts' }
    : { verdict: 'deny', reason: 'this agent only reads', by: 'embed.ts' }
}
