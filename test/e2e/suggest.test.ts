/** A trusted first run under "observe", its log as a policy, and the same run under that policy: it asks nothing. */
import t from 'tap'
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PolicyDocument } from '../../lib/index.ts'
import { openUser } from '../helpers/as-user.ts'
import { originCertificate } from '../helpers/certificates.ts'
import { bareEnvironment, clientEnvironment, openFolder, run, runWell } from '../helpers/clients.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { hasNamespaces, startPublicOrigin } from '../helpers/public-origin.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/bin/sallyport.js', import.meta.url))
const options = hasNamespaces() || process.env['CI'] !== undefined ? {} : { skip: 'a network namespace needs root' }

t.test('observed, learned, and never asked about', options, async t => {
  const origin = await startPublicOrigin(t, 'https')
  const home = openFolder(t)
  const audit = join(home, 'audit.jsonl')
  const sallyport = (...args: string[]): ReturnType<typeof run> => run([process.execPath, PROGRAM, ...args], { env: bareEnvironment(home) })
  const at = (host: string, path: string): string => `https://${host}.example:${origin.port}${path}`
  /** The task: a list, ten items, and a post. */
  const task = async ({ firewall }: House): Promise<void> => {
    const env = clientEnvironment(firewall, home)
    const items = Array.from({ length: 10 }, (_, n) => at('open', `/v0/item/${8_863 + n}.json?print=pretty`))
    await runWell(['curl', '-sS', '--fail', at('open', '/v0/topstories.json'), ...items], { env })
    await runWell(['curl', '-sS', '--fail', '-d', '{"text":"digest"}', at('other', '/api/chat.postMessage')], { env })
  }
  const lookup = async (): Promise<string[]> => [origin.address]

  const observing = await openHouse(t, { version: 1, unmatched: 'observe' }, { audit, lookup })
  await task(observing)
  t.ok((await observing.closings(12)).every(({ action, wouldHold }) => action === 'allow' && wouldHold), 'everything passed, and is marked')
  await observing.firewall.close()

  const suggested = await sallyport('suggest', audit)
  t.equal(suggested.status, 0, suggested.output)
  t.match(suggested.output, /GET \/v0\/item\/\*\.json {2}10×, for example GET \/v0\/item\/8863\.json/)
  const policy = join(home, 'policy.json')
  writeFileSync(policy, suggested.stdout)
  t.match(JSON.parse(suggested.stdout) as PolicyDocument, { unmatched: 'hold', rules: [
    { host: 'open.example', port: origin.port, method: 'GET', path: ['/v0/item/*.json', '/v0/topstories.json'] },
    { host: 'other.example', port: origin.port, method: 'POST', path: '/api/chat.postMessage' },
  ] })
  t.match(await sallyport('check', policy), { status: 0 })
  t.match(await sallyport('suggest', audit, '--write'), { status: 2, output: /--merge policy\.json/ })

  const house = await openHouse(t, policy, { lookup })
  await task(house)
  t.equal((await house.closings(12)).filter(({ action, held }) => action === 'allow' && held === null).length, 12, 'nothing was asked')
  const other = run(['curl', '-sS', at('open', '/v0/user/pg.json')], { env: clientEnvironment(house.firewall, home) })
  const [question] = await house.questions(1)
  t.match(question, { host: 'open.example', path: '/v0/user/pg.json' }, 'what was not seen is asked about')
  await house.firewall.answer(question!.id, { verdict: 'deny' })
  await other
})

t.test('run --observe --suggest: what no rule matches passes, what a rule denies does not, and the policy of it asks nothing', options, async t => {
  const origin = await startPublicOrigin(t, 'https')
  const user = openUser(t, 'root')
  const root = join(user.home, 'origin.crt')
  copyFileSync(originCertificate().file, root)
  const names = ['open', 'shut', 'held'].map(name => ['--resolve', `${name}.example:${origin.port}:${origin.address}`])
  const sallyport = (...args: string[]): ReturnType<typeof run> => {
    const { file, args: rest } = user.command(user.node, user.file('dist/bin/sallyport.js'), 'run', '--upstream-ca', root, ...names.flat(), ...args)
    return run([file, ...rest], { env: user.env, cwd: user.work })
  }
  const get = (url: string): string => `curl -s -o /dev/null -w '%{http_code} ' ${url}`
  const at = (host: string, path: string): string => get(`https://${host}.example:${origin.port}${path}`)
  writeFileSync(join(user.work, 'policy.json'), JSON.stringify({ version: 1, unmatched: 'deny', rules: [{ id: 'never', action: 'deny', host: 'shut.example' }] } satisfies PolicyDocument))

  const observed = await sallyport('--observe', '--policy', 'policy.json', '--suggest', 'learned.json', '--audit', join(user.home, 'audit.jsonl'), '--',
    'sh', '-c', `${at('open', '/v1/a')}; ${at('held', '/')}; ${at('shut', '/')}; ${get('http://10.9.9.9/')}; rm -f learned.json; mv learned.json x; echo {} > learned.json; exit 7`)
  t.match(observed, { status: 7, stdout: '200 200 403 403 ', output: /!!! OBSERVING: .*wrote learned\.json/s })
  t.match(readFileSync(join(user.home, 'audit.jsonl'), 'utf8'), /"event":"notice".*observing: what no rule matches passes.*"wouldHold":true/s)
  t.strictSame(readdirSync(user.work).sort(), ['learned.json', 'policy.json'], 'the log of the run is gone')
  t.match(JSON.parse(readFileSync(join(user.work, 'learned.json'), 'utf8')), { unmatched: 'deny', rules: [{ id: 'never' }, { host: 'held.example', path: '/' }, { host: 'open.example', method: 'GET', path: '/v1/a' }] }, 'the command could not write it, and the rules from before are in it')

  t.match(await sallyport('--policy', 'learned.json', '--', 'sh', '-c', `${at('open', '/v1/a')}; ${at('held', '/')}; ${at('open', '/v1/b')}`), { status: 0, stdout: '200 200 403 ' }, 'from then on')
  t.match(await sallyport('--observe', '--suggest', 'learned.json', '--', 'true'), { status: 2, output: /learned\.json exists already, and a policy is never overwritten/ })
})
