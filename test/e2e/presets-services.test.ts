/** Presets of services, as their clients use them: the real names, with an origin on loopback behind them. */
import t from 'tap'
import type { Test } from 'tap'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { ProxyAgent, WebSocket } from 'undici'
import { certificateFor } from '../helpers/certificates.ts'
import { approveOnce, clientEnvironment, needing, openFolder, run, runWell } from '../helpers/clients.ts'
import type { Ran } from '../helpers/clients.ts'
import { gitEnvironment, startGitServer } from '../helpers/git-server.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import type { Origin } from '../helpers/origin.ts'
import { openStandIn } from '../helpers/stand-in.ts'
import { greetAndEcho } from '../helpers/websocket.ts'

interface Service {
  readonly origin: Origin
  readonly house: House
  curl(...args: string[]): Promise<Ran>
}

/** @param answers by `METHOD /path` */
async function openService(t: Test, use: Parameters<typeof openStandIn>[1], hosts: readonly string[], answers: Readonly<Record<string, object>>): Promise<Service> {
  const origin = await startOrigin(t, {
    secure: true,
    certificate: certificateFor(...hosts),
    answer: (request, response) => {
      const found = answers[`${request.method} ${request.url}`]
      response.writeHead(found === undefined ? 404 : 200, { 'Content-Type': 'application/json' }).end(JSON.stringify(found ?? {}))
    },
  })
  origin.server.on('upgrade', (request: IncomingMessage, socket: Socket) => greetAndEcho(request, socket, `hello ${request.headers.host?.split(':')[0]}`))
  const house = await openStandIn(t, use, origin, hosts)
  const home = openFolder(t)
  return { origin, house, curl: (...args) => run(['curl', '-sS', '--fail-with-body', ...args], { env: clientEnvironment(house.firewall, home), cwd: home }) }
}

/** Opens it, says "hi", and closes it. @returns what it was told, or how it failed */
async function talk({ house }: Service, url: string): Promise<readonly string[]> {
  const dispatcher = new ProxyAgent({ uri: house.url, requestTls: { ca: house.ca } })
  const socket = new WebSocket(url, { dispatcher })
  const told: string[] = []
  const closed = new Promise<void>(resolve => {
    socket.addEventListener('message', ({ data }) => {
      told.push(String(data))
      if (told.length === 1) socket.send('hi')
      else socket.close()
    })
    socket.addEventListener('error', () => { told.push('failed'); resolve() })
    socket.addEventListener('close', () => resolve())
  })
  await closed
  await dispatcher.destroy()
  return told
}

t.test('github: a clone passes, a push asks twice, and another repository is refused', needing('git', ['git', '--version']), async t => {
  const hosts = ['github.com', 'gist.github.com']
  const server = await startGitServer(t, 'https', certificateFor(...hosts))
  const root = dirname(server.repository)
  for (const [owner, name] of [['octocat', 'hello-world'], ['mallory', 'copy']] as const) {
    mkdirSync(join(root, owner))
    symlinkSync(server.repository, join(root, owner, `${name}.git`))
  }
  const house = await openStandIn(t, { preset: 'github', repository: 'octocat/hello-world' }, server.origin, hosts)
  const home = openFolder(t)
  const env = { ...gitEnvironment(home), ...clientEnvironment(house.firewall, home) }
  const git = (...args: string[]): Promise<Ran> => run(['git', ...args], { env, cwd: home })
  const url = (name: string): string => `https://github.com:${server.origin.port}/${name}`

  const cloned = await git('clone', '-q', url('octocat/hello-world.git'), 'copy')
  t.equal(cloned.status, 0, cloned.output)
  t.equal(readFileSync(join(home, 'copy/README'), 'utf8'), 'hello\n')
  writeFileSync(join(home, 'copy/README'), 'hello again\n')
  await runWell(['git', '-C', 'copy', 'commit', '-q', '-a', '-m', 'second'], { env, cwd: home })

  const { ran, asked } = await approveOnce(house, git('-C', 'copy', 'push', '-q', 'origin', 'main'))
  t.equal(ran.status, 0, ran.output)
  t.strictSame(asked, ['GET /octocat/hello-world.git/info/refs?service=git-receive-pack', 'POST /octocat/hello-world.git/git-receive-pack'])
  const elsewhere = await git('-C', 'copy', 'push', '-q', url('mallory/copy.git'), 'main')
  t.not(elsewhere.status, 0)
  t.match(elsewhere.output, /\b403\b/)
  t.match(house.closed.at(-1), { action: 'deny', rule: null })
})

t.test('telegram: updates and files pass, a message asks', needing('curl', ['curl', '--version']), async t => {
  const bot = '/bot123456:secret'
  const service = await openService(t, { preset: 'telegram', bot: '123456' }, ['api.telegram.org'], {
    [`POST ${bot}/getUpdates`]: { ok: true, result: [] },
    [`GET /file${bot}/photos/file_1.jpg`]: { photo: true },
    [`POST ${bot}/sendMessage`]: { ok: true, result: { message_id: 1 } },
  })
  const url = (path: string): string => `https://api.telegram.org:${service.origin.port}${path}`
  t.match(await service.curl('--json', '{"timeout":0}', url(`${bot}/getUpdates`)), { status: 0, stdout: '{"ok":true,"result":[]}' })
  t.match(await service.curl(url(`/file${bot}/photos/file_1.jpg`)), { status: 0 })
  const { ran, asked } = await approveOnce(service.house, service.curl('--json', '{"chat_id":1,"text":"hi"}', url(`${bot}/sendMessage`)))
  t.match(ran, { status: 0, stdout: /message_id/ })
  t.equal(asked.length, 1)
  t.match(await service.curl(url('/bot999999:other/getUpdates')), { status: 22, stdout: /policy_denied/ }, 'another bot')
  t.match(await service.curl('--json', '{"url":"https://evil.example"}', url(`${bot}/setWebhook`)), { status: 22 }, 'where updates go is not the bot\'s to say')
})

t.test('slack: Socket Mode opens its WebSocket where the API says, and a message asks', needing('curl', ['curl', '--version']), async t => {
  const hosts = ['slack.com', 'wss-primary.slack.com', 'wss-backup.slack.com', 'hooks.slack.com']
  const service = await openService(t, 'slack', hosts, {
    'POST /api/apps.connections.open': { ok: true, url: 'wss://wss-primary.slack.com/link/?ticket=1' },
    'POST /api/chat.postMessage': { ok: true },
  })
  const { port } = service.origin
  const opened = await service.curl('-X', 'POST', `https://slack.com:${port}/api/apps.connections.open`)
  t.equal(opened.status, 0, opened.output)
  const socket = new URL((JSON.parse(opened.stdout) as { url: string }).url)
  socket.port = String(port)
  t.strictSame(await talk(service, socket.href), ['hello wss-primary.slack.com', 'echo hi'])
  t.match((await service.house.closings(2))[1], { scheme: 'wss', rule: 'slack.socket', status: 101 })
  t.strictSame(await talk(service, `wss://slack.com:${port}/link/?ticket=1`), ['failed'], 'no other host takes one')

  const { ran, asked } = await approveOnce(service.house, service.curl('--json', '{"channel":"C1","text":"hi"}', `https://slack.com:${port}/api/chat.postMessage`))
  t.match(ran, { status: 0, stdout: '{"ok":true}' })
  t.strictSame(asked, ['POST /api/chat.postMessage'])
  t.match(await service.curl('--json', '{"text":"hi"}', `https://hooks.slack.com:${port}/services/T0000000/B0000000/x`), { status: 22, stdout: /policy_denied/ }, 'nobody\'s webhook')
})

t.test('discord: the gateway is a WebSocket, also where a session is resumed, and a message that is denied is not sent', needing('curl', ['curl', '--version']), async t => {
  const hosts = ['discord.com', 'gateway.discord.gg', 'gateway-us-east1-b.discord.gg', 'cdn.discordapp.com']
  const service = await openService(t, 'discord', hosts, { 'GET /api/v10/gateway/bot': { url: 'wss://gateway.discord.gg' } })
  const { port } = service.origin
  t.match(await service.curl(`https://discord.com:${port}/api/v10/gateway/bot`), { status: 0, stdout: /gateway\.discord\.gg/ })
  t.strictSame(await talk(service, `wss://gateway.discord.gg:${port}/?v=10&encoding=json`), ['hello gateway.discord.gg', 'echo hi'])
  t.strictSame(await talk(service, `wss://gateway-us-east1-b.discord.gg:${port}/?v=10&encoding=json`), ['hello gateway-us-east1-b.discord.gg', 'echo hi'])
  t.strictSame(await talk(service, `wss://cdn.discordapp.com:${port}/`), ['failed'])

  const sending = service.curl('--json', '{"content":"hi"}', `https://discord.com:${port}/api/v10/channels/1/messages`)
  const [question] = await service.house.questions(1)
  t.match(question, { answers: 'discord.post', method: 'POST' })
  await service.house.firewall.answer(question!.id, { verdict: 'deny', reason: 'not today' })
  t.match(await sending, { status: 22, stdout: /not today/ })
  t.strictSame(service.origin.requests.map(({ url }) => url), ['/api/v10/gateway/bot'], 'the origin heard nothing of it')
})
