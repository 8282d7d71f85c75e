/**
 * `sallyport mcp`: the agent's side as tools of the Model Context Protocol, on standard input and output.
 *
 * The official SDK and zod are at home here and nowhere else, and loaded by nothing but this command. What the tools do is in
 * tools.ts; a JSON-RPC loop of our own would replace the SDK.
 */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import type { Readable, Writable } from 'node:stream'
import { z } from 'zod'
import { connectAgent } from './client.ts'
import { createTools } from './tools.ts'
import type { Told } from './tools.ts'

export interface McpOptions {
  readonly version: string
  /** Where the variables of a proxy are looked for. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly input: Readable
  readonly output: Writable
}

const MAX_WAIT_S = 600
/** Clients of the protocol give up after a minute, unless they are told of progress. */
const DEFAULT_WAIT_S = 50

const INSTRUCTIONS = 'All network traffic goes through a firewall; a person decides what may pass. Call what_is_allowed before a task that needs the network, and ask_for_access once for all that is missing. Do not retry what was denied, and do not look for a way around it.'

const patterns = z.union([z.string(), z.array(z.string())])

/** As docs/policy.md has it; the firewall checks it, and says more of what is wrong than this does. */
const RULE = z.object({
  host: patterns.optional().describe('Host names; * is one label, ** one or more'),
  cidr: patterns.optional().describe('Single public addresses, instead of host'),
  port: z.union([z.number().int(), z.string(), z.array(z.union([z.number().int(), z.string()]))]).optional().describe('443 for https unless given'),
  scheme: patterns.optional().describe('https (default), http, wss, ws or tcp'),
  method: patterns.optional().describe('GET, POST …; all unless given'),
  access: z.enum(['read-only', 'read-write', 'full']).optional().describe('Instead of method'),
  path: patterns.optional().describe('* is one segment, ** any number'),
  query: z.record(z.string(), patterns).optional(),
  onlyQuery: z.boolean().optional(),
  expires: z.string().optional(),
  maxUses: z.number().int().optional(),
  maxBytes: z.number().int().optional(),
  maxRequestsPerMinute: z.number().int().optional(),
}).strict()

/** Serves until the input ends. @throws OperatorError E_OPTION_INVALID for a proxy that cannot be used */
export async function serveMcp({ version, env, input, output }: McpOptions): Promise<void> {
  const tools = createTools(connectAgent(env))
  const server = new McpServer({ name: 'sallyport', version }, { instructions: INSTRUCTIONS })

  server.registerTool('what_is_allowed', {
    title: 'What is allowed',
    description: 'Says which network requests the firewall allows now, and what becomes of all others. Call it before a task that needs the network.',
    annotations: { readOnlyHint: true, openWorldHint: false },
  }, async () => resultOf(await tools.whatIsAllowed()))

  server.registerTool('why_was_i_refused', {
    title: 'Why was I refused',
    description: 'Lists your last requests that the firewall refused, with the reason and what to do next. Call it when a request failed with 403, 503 or without a reason.',
    annotations: { readOnlyHint: true, openWorldHint: false },
  }, async () => resultOf(await tools.whyRefused()))

  server.registerTool('ask_for_access', {
    title: 'Ask for access, and wait',
    description: 'Asks the operator, a person, for all the network access that a whole task needs, and waits for the answer. Ask once for everything, as narrowly as the task allows. If nobody has answered in time, call it again with the id.',
    inputSchema: {
      reason: z.string().max(2_000).optional().describe('What the task is and why it needs this, for somebody who does not know it. Never a secret.'),
      rules: z.array(RULE).min(1).max(32).optional().describe('What to ask for, e.g. [{"host":"api.example.com","method":"GET","path":"/v1/**"}]'),
      id: z.string().max(128).optional().describe('Of a request that is open still: goes on waiting for it. Leave reason and rules out then.'),
      waitSeconds: z.number().int().min(0).max(MAX_WAIT_S).default(DEFAULT_WAIT_S).describe('How long to wait for the answer'),
    },
    annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
  }, async (asking, { signal, _meta, sendNotification }) => {
    if (asking.id === undefined && (asking.reason === undefined || asking.rules === undefined)) return resultOf({ text: 'Give reason and rules, or the id of a request that is open.', isError: true })
    let progress = 0
    const onWait = (message: string): void => {
      if (_meta?.progressToken === undefined) return
      sendNotification({ method: 'notifications/progress', params: { progressToken: _meta.progressToken, progress: ++progress, message } }).catch(() => {})
    }
    return resultOf(await tools.ask(asking, signal, onWait))
  })

  const ended = new Promise<void>(resolve => { input.once('end', resolve).once('close', resolve) })
  await server.connect(new StdioServerTransport(input, output))
  await ended
  await server.close()
}

function resultOf({ text, isError }: Told): { content: [{ type: 'text', text: string }], isError: boolean } {
  return { content: [{ type: 'text', text }], isError }
}
