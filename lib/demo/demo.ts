/**
 * The main job in ten seconds: a small agent behind the firewall asks for three things. One is allowed,
 * one is denied, and one waits, its connection open, until the question is answered.
 *
 * Everything runs on this machine: the origin listens on loopback, names are mapped to it, and what was
 * written is removed at the end.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { terminalDoor } from '../approve/terminal.ts'
import { formatRecord, readLog } from '../audit/show.ts'
import { verifyLog } from '../audit/chain.ts'
import { createFirewall } from '../firewall.ts'
import { systemClock } from '../model/clock.ts'
import type { Door } from '../model/hold.ts'
import type { PolicyDocument } from '../model/policy.ts'
import { canonicalHost } from '../normalize/host.ts'
import { createContexts } from '../tls/contexts.ts'
import { openStore } from '../tls/store.ts'
import { fetchThrough } from './agent.ts'
import type { AgentOptions, Reply } from './agent.ts'
import { startOrigin } from './origins.ts'
import type { DemoOrigin } from './origins.ts'

export interface DemoOptions {
  /** Answers the question by itself. */
  readonly answersItself: boolean
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
}

/** @returns whether every step did what it said */
export async function runDemo(options: DemoOptions): Promise<{ readonly isSound: boolean }> {
  const dir = await mkdtemp(join(tmpdir(), 'sallyport-demo-'))
  const store = await openStore(join(dir, 'origin'), { clock: systemClock })
  const contexts = createContexts(store, { clock: systemClock, max: 10 })
  const origin = await startOrigin(name => {
    const host = canonicalHost(name)
    if (host.kind === 'refused') throw new Error(`the demo's origin was asked for ${name}`)
    return contexts.contextFor(host.host, host.hostKind)
  })
  try {
    return { isSound: await tour({ ...options, dir, origin, originCa: store.certificatePath }) }
  } finally {
    await origin.close()
    await rm(dir, { recursive: true, force: true })
  }
}

interface Stage extends DemoOptions {
  readonly dir: string
  readonly origin: DemoOrigin
  readonly originCa: string
}

const HOSTS = ['news.example', 'chat.example', 'models.example'] as const

/**
 * `news` may be read, `chat` is denied, `models` asks. A policy without the last rule would ask just the same about a
 * public address; here all are on loopback, which only a rule can open.
 */
function demoPolicy(port: number): PolicyDocument {
  return {
    version: 1,
    name: 'demo',
    rules: [
      { id: 'read-news', host: 'news.example', port, access: 'read-only', private: true },
      { id: 'no-chat', action: 'deny', host: 'chat.example', note: 'nothing leaves by chat' },
      { id: 'ask-first', action: 'hold', host: 'models.example', private: true, note: 'somebody decides' },
    ],
  }
}

async function tour(stage: Stage): Promise<boolean> {
  const { dir, origin, output } = stage
  const say = (text: string): void => { output.write(`${text}\n`) }
  const audit = join(dir, 'audit.jsonl')
  const door = questionDoor(stage)
  const firewall = await createFirewall({
    policy: demoPolicy(origin.port),
    approve: door,
    certs: join(dir, 'ca'),
    audit,
    resolve: HOSTS.map(host => `${host}:${origin.port}:127.0.0.1`),
    upstreamCa: [stage.originCa],
  })
  try {
    const { url, host, port } = await firewall.listen()
    say(`firewall on ${url}, a policy of three rules, an agent behind it\n`)
    const agent: AgentOptions = { proxy: { host, port }, ca: await readFile(firewall.ca.path, 'utf8') }
    const ask = (method: string, name: string, path: string): Promise<Reply> => fetchThrough(agent, method, name, origin.port, path)
    const checks: boolean[] = []
    const check = (says: string, isSo: boolean): void => {
      checks.push(isSo)
      say(`${isSo ? '   ok' : '   FAILED'}  ${says}\n`)
    }

    say('1. agent: GET https://news.example/today          rule "read-news" allows it')
    const allowed = await ask('GET', 'news.example', '/today')
    check(`${allowed.status} from the origin: ${allowed.body.trim()}`, allowed.status === 200 && origin.reached.includes('GET news.example/today') && !door.wasAsked())

    say('2. agent: POST https://chat.example/messages      rule "no-chat" denies it')
    const denied = await ask('POST', 'chat.example', '/messages')
    check(`${denied.status}, and the origin saw nothing: ${codeIn(denied)}`, denied.status === 403 && codeIn(denied) === 'policy_denied' && !origin.reached.some(line => line.includes('chat')))

    say('3. agent: GET https://models.example/v1/weights  rule "ask-first" asks: it waits, its connection open')
    const started = systemClock.elapsed()
    const held = await ask('GET', 'models.example', '/v1/weights')
    const waited = ((systemClock.elapsed() - started) / 1000).toFixed(1)
    const verdict = door.verdict()
    const reached = origin.reached.includes('GET models.example/v1/weights')
    if (verdict === 'approve') check(`approved after ${waited} s; the same request went on: ${held.status}`, held.status === 200 && reached)
    else check(`not approved, so nothing left: ${held.status} ${codeIn(held)}`, held.status !== 200 && !reached)

    await firewall.close()
    say('what the audit log says:')
    for await (const record of readLog(audit, {})) if (record.event === 'closed') say(`   ${formatRecord(record, { color: false })}`)
    const verified = await verifyLog(audit)
    check(verified.kind === 'sound' ? `${verified.lines} records, one unbroken chain` : verified.problem, verified.kind === 'sound')
    return checks.every(Boolean)
  } finally {
    await firewall.close()
  }
}

/** The terminal, or an answer of our own after a moment in which one can see that the request waits. */
function questionDoor({ answersItself, input, output }: DemoOptions): Door & { verdict(): string | null, wasAsked(): boolean } {
  let verdict: string | null = null
  let wasAsked = false
  const terminal = answersItself || !input.isTTY ? null : terminalDoor({ input, output, clock: systemClock })
  return {
    name: terminal === null ? 'demo --yes' : 'terminal',
    verdict: () => verdict,
    wasAsked: () => wasAsked,
    async ask(held, context) {
      wasAsked = true
      if (terminal === null) {
        output.write(`   the question: ${held.display.line}\n`)
        if (!answersItself) output.write('   there is no terminal to answer it on; run `sallyport demo --yes`\n')
        await new Promise<void>(resolve => systemClock.after(SUSPENSE_MS, resolve))
        verdict = answersItself ? 'approve' : 'deny'
        return answersItself ? { verdict: 'approve', grant: 'once', by: 'demo' } : { verdict: 'deny', by: 'demo', reason: 'nobody could be asked' }
      }
      const answer = await terminal.ask(held, context)
      ;({ verdict } = answer)
      terminal.close()
      return answer
    },
  }
}

const SUSPENSE_MS = 1_500

function codeIn(reply: Reply): string {
  try {
    const body = JSON.parse(reply.body) as { error?: { code?: string } }
    return body.error?.code ?? 'no code'
  } catch {
    return 'no JSON'
  }
}
