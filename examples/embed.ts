/**
 * A firewall inside an agent runtime: start it, start the agent with its variables, decide in a function.
 *
 *   npx tsx examples/embed.ts curl https://api.example.com/
 */
import { spawn } from 'node:child_process'
import { createFirewall } from 'sallyport'

await using firewall = await createFirewall({
  policy: new URL('policies/research-agent.json', import.meta.url).pathname,
  approve: held => {
    process.stderr.write(`held: ${held.display.line}\n`)
    // Reading from a host is fine here, whatever it is; anything else is not.
    return held.method === 'GET'
      ? { verdict: 'approve', grant: 'once', by: 'embed.ts' }
      : { verdict: 'deny', reason: 'this agent only reads', by: 'embed.ts' }
  },
  audit: record => { if (record.event === 'closed') process.stderr.write(`${record.action} ${record.method} ${record.host}${record.path}\n`) },
})
await firewall.listen({ port: 0 })

const [command = 'true', ...args] = process.argv.slice(2)
const agent = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...firewall.env() } })
process.exitCode = await new Promise<number>(resolve => agent.on('exit', code => resolve(code ?? 1)))
