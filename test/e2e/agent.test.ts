/** The agent's side as built: curl asks for a whole task, an operator answers once, and the tools of `sallyport mcp`, driven by the SDK's own client. */
import t from 'tap'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { connectControl } from '../../lib/index.ts'
import type { ControlClient, HeldTask, PolicyDocument } from '../../lib/index.ts'
import { bareEnvironment, needing, openFolder, run, runWell } from '../helpers/clients.ts'
import type { Env } from '../helpers/clients.ts'
import { startOrigin } from '../helpers/origin.ts'
import { hasNamespaces } from '../helpers/public-origin.ts'
import { PROGRAM, serve } from '../helpers/serve.ts'

const ROOT = join(dirname(PROGRAM), '../..')
const OWN = 'http://sallyport.internal/v1'

const policy = (port: number): PolicyDocument => ({
  version: 1, rules: [{ id: 'ask', action: 'hold', host: '*.test', anyHost: true, scheme: 'http', port, private: true }],
})

/** Waits until somebody asks for a task. */
async function asked(control: ControlClient): Promise<HeldTask> {
  for await (const event of control.events(AbortSignal.timeout(30_000))) if (event.event === 'asked' && event.held.kind === 'task') return event.held
  throw new Error('nobody asked')
}

async function withTools<T>(command: readonly string[], env: Env, use: (call: (name: string, given?: object) => Promise<{ readonly text: string, readonly isError: boolean }>, client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [PROGRAM, ...command], env: { ...env }, stderr: 'ignore' }))
  try {
    return await use(async (name, given = {}) => {
      const { content, isError } = await client.callTool({ name, arguments: { ...given } }) as { content: { text: string }[], isError?: boolean }
      return { text: content.map(({ text }) => text).join('\n'), isError: isError === true }
    }, client)
  } finally {
    await client.close()
  }
}

t.test('through the proxy: asked once, answered once, and then nothing is asked', { ...needing('curl', ['curl', '--version']), timeout: 60_000 }, async t => {
  const origin = await startOrigin(t)
  const home = openFolder(t)
  const control = connectControl(join(home, 'desk.sock'))
  const resolve = ['news', 'chat', 'wiki'].flatMap(name => ['--resolve', `${name}.test:${origin.port}:127.0.0.1`])
  const { proxy } = await serve(t, home, policy(origin.port), ['--control', control.path, '--audit', 'audit.jsonl', ...resolve])
  const env: Env = { ...bareEnvironment(home), http_proxy: proxy }
  const curl = async (...args: readonly string[]): Promise<any> => JSON.parse((await runWell(['curl', '-sS', '-m', '30', ...args], { env })).stdout)

  t.match(await curl(`${OWN}/policy`), { unmatched: 'asked', allowed: [], text: /Nothing is allowed in general yet/ })
  const rules = [
    { host: 'news.test', scheme: 'http', port: origin.port, method: 'GET', path: '/item/*' },
    { host: 'chat.test', scheme: 'http', port: origin.port, method: 'POST', path: '/hook' },
  ]
  const { id } = await curl(`${OWN}/requests`, '-H', 'Content-Type: application/json', '-d', JSON.stringify({ reason: 'The hourly digest.', rules }))
  const waiting = curl(`${OWN}/requests/${id}?wait=60`)

  const operator = { env: { ...bareEnvironment(home), SALLYPORT_CONTROL: control.path } }
  const shown = await runWell([process.execPath, PROGRAM, 'pending', '--control', control.path], operator)
  t.match(shown.stdout, /asks beforehand for 2 rules about news\.test, chat\.test: "The hourly digest\."/)
  t.match(shown.stdout, /POST http chat\.test:\d+ "\/hook"/)
  const said = await runWell([process.execPath, PROGRAM, 'approve', id, '--ttl', '1h', '--by', 'ann', '--control', control.path], operator)
  t.match(said.stdout, /approved .* \(for 60 min\): 1 waiting request released\n  all that was asked for/)
  t.match(await waiting, { status: 'approved', granted: rules })

  const urls = [1, 2, 3].map(n => `http://news.test:${origin.port}/item/${n}`)
  const task = await run(['curl', '-sS', '-m', '20', '-w', '%{http_code} ', ...urls, '--next', '-sS', '-m', '20', '-w', '%{http_code}', '-d', 'digest', `http://chat.test:${origin.port}/hook`], { env })
  t.equal(task.stdout.replaceAll(/ok\s*/g, ''), '200 200 200 200')
  t.strictSame(await control.pending(), [], 'no question was asked on the way')
  t.equal((await control.grants()).length, 4, 'what was granted can be taken back, the hold rule\'s answer and the other of each')

  for (const block of readFileSync(join(ROOT, 'examples/agent-skill/SKILL.md'), 'utf8').matchAll(/```sh\n(.*?)```/gs)) {
    const taught = await runWell(['sh', '-c', block[1]!.replace('/ID?wait=60', `/${id}?wait=60`)], { env })
    t.notOk('error' in JSON.parse(taught.stdout), `as the skill teaches it: ${block[1]!.split('\n')[0]}`)
  }
  for (const { id } of await control.pending()) await control.answer(id, { verdict: 'deny' })

  await withTools(['mcp'], env, async (call, client) => {
    t.strictSame((await client.listTools()).tools.map(({ name }) => name), ['what_is_allowed', 'why_was_i_refused', 'ask_for_access'])
    t.match(await call('what_is_allowed'), { isError: false, text: /GET http news\.test:\d+ "\/item\/\*"/ })
    t.match(await call('why_was_i_refused'), { text: 'Nothing was refused so far.' })
    const asking = call('ask_for_access', { reason: 'To look things up.', rules: [{ host: 'wiki.test', scheme: 'http', port: origin.port, access: 'read-only' }] })
    const held = await asked(control)
    t.match(await control.answer(held.id, { verdict: 'deny', reason: 'use the mirror' }), { kind: 'accepted' })
    t.match(await asking, { isError: true, text: /denied[^]*The operator says: use the mirror/ })
    t.match(await call('ask_for_access', { reason: 'r', rules: [{ host: '*.com' }] }), { isError: true, text: /com[^]*Correct what/ })
    t.match(await call('ask_for_access', { reason: 'r' }), { isError: true, text: /Give reason and rules/ })
  })
  t.match(await runWell([process.execPath, PROGRAM, 'log', 'verify', 'audit.jsonl'], { env, cwd: home }), { status: 0 })
})

t.test('in a sandbox: the tools ask by name, with no variable of a proxy', { timeout: 60_000, ...hasNamespaces() ? {} : { skip: 'no namespaces here' } }, async t => {
  const home = openFolder(t)
  writeFileSync(join(home, 'policy.json'), JSON.stringify({ version: 1, rules: [] }))
  const control = connectControl(join(home, 'desk.sock'))
  const env = { ...bareEnvironment(home), XDG_STATE_HOME: join(home, 'state') }
  const sandbox = ['run', '--policy', join(home, 'policy.json'), '--control', control.path, '--dns-strict', '--ro', ROOT, '--ro', dirname(process.execPath), '--', process.execPath, PROGRAM, 'mcp']
  await withTools(sandbox, env, async call => {
    t.match(await call('what_is_allowed'), { text: /Nothing is allowed in general yet/ })
    const asking = call('ask_for_access', { reason: 'To read.', rules: [{ host: 'api.example.com', access: 'read-only' }] })
    const held = await asked(control)
    t.equal(held.client, 'sandbox')
    await control.answer(held.id, { verdict: 'approve', grant: { rules: 'asked' } })
    t.match(await asking, { isError: false, text: /approved[^]*api\.example\.com/ })
  })
})
