/** Each example does what it says: run as somebody would run it who copied it into a project of theirs. */
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { commandDoor, explainPolicy, openHooks, readSettings } from '../../lib/index.ts'
import { originCertificate } from '../helpers/certificates.ts'
import { bareEnvironment, needing, openFolder, run } from '../helpers/clients.ts'
import type { Ran } from '../helpers/clients.ts'
import { startOrigin } from '../helpers/origin.ts'
import { sampleHeld } from '../helpers/sample-held.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const EXAMPLES = join(ROOT, 'examples')
/** Examples with a test of their own. */
const ELSEWHERE: Readonly<Record<string, string>> = { Dockerfile: './manifests.test.ts', 'compose.yaml': './manifests.test.ts', 'pod.yaml': './manifests.test.ts', 'SKILL.md': './agent.test.ts' }

// [policy, what it shows, request, action, rule]
const shown: [string, string, string, string, string | null][] = [
  ['research-agent', 'weights may be read', 'GET https://huggingface.co/org/model/resolve/main/model.bin', 'allow', 'models'],
  ['research-agent', 'also where they redirect to', 'GET https://cdn-lfs.hf.co/repos/a/b', 'allow', 'models'],
  ['research-agent', 'uploading is a question', 'POST https://huggingface.co/api/repos/create', 'hold', null],
  ['research-agent', 'it may think', 'POST https://api.anthropic.com/v1/messages', 'allow', 'api'],
  ['research-agent', 'and nothing else of that API', 'GET https://api.anthropic.com/v1/organizations', 'hold', null],
  ['research-agent', 'a clone begins', 'GET https://github.com/org/repo.git/info/refs?service=git-upload-pack', 'allow', 'clone-refs'],
  ['research-agent', 'a clone goes on', 'POST https://github.com/org/repo.git/git-upload-pack', 'allow', 'clone'],
  ['research-agent', 'a push begins with a question', 'GET https://github.com/org/repo.git/info/refs?service=git-receive-pack', 'hold', null],
  ['research-agent', 'a push is a question by rule', 'POST https://github.com/org/repo.git/git-receive-pack', 'hold', 'push'],
  ['research-agent', 'no data is left in a gist', 'POST https://gist.github.com/', 'deny', 'no-gists'],
  ['research-agent', 'nor through the API', 'POST https://api.github.com/gists', 'deny', 'no-gists-by-api'],
  ['research-agent', 'nor by another spelling of it', 'POST https://api.github.com/%67ists', 'deny', 'no-gists-by-api'],
  ['research-agent', 'what no rule knows is a question', 'GET https://example.com/', 'hold', null],
  ['locked-down', 'it may think', 'POST https://api.openai.com/v1/responses', 'allow', 'api'],
  ['locked-down', 'and nothing else of that API', 'GET https://api.openai.com/v1/files', 'deny', null],
  ['locked-down', 'the database is a stream', 'CONNECT tcp://db.internal.example:5432', 'allow', 'database'],
  ['locked-down', 'on its port alone', 'CONNECT tcp://db.internal.example:22', 'deny', null],
  ['locked-down', 'nobody is asked about the rest', 'GET https://example.com/', 'deny', null],
  ['coding-agent', 'packages come from the mirror', 'GET https://npm.example.com/@types%2fnode', 'allow', 'npm.packages'],
  ['coding-agent', 'publishing is a question', 'PUT https://npm.example.com/left-pad', 'hold', 'npm.publish'],
  ['coding-agent', 'so is another registry', 'GET https://registry.example.org/left-pad', 'hold', null],
  ['coding-agent', 'files of the index are where the policy says', 'GET https://pypi.example.com/packages/a/b/tiny-1.0.whl', 'allow', 'pypi.files'],
  ['coding-agent', 'its own repository may be cloned', 'POST https://github.com/example-org/website.git/git-upload-pack', 'allow', 'github.clone'],
  ['coding-agent', 'a push to it is a question', 'POST https://github.com/example-org/website.git/git-receive-pack', 'hold', 'github.push'],
  ['coding-agent', 'another repository is none that a rule knows', 'POST https://github.com/example-org/other.git/git-upload-pack', 'hold', null],
  ['coding-agent', 'a deny outranks a preset', 'GET https://api.github.com/gists/1', 'deny', 'no-gists'],
]

t.test('each policy rules as its rules say', async t => {
  for (const [name, shows, request, action, rule] of shown) {
    const [method = '', url = ''] = request.split(' ')
    t.match(await explainPolicy(join(EXAMPLES, `policies/${name}.json`), { method, url }), { action, rule }, `${name}: ${shows} (${request})`)
  }
  for (const name of ['research-agent', 'locked-down']) {
    const request = { method: 'POST', url: 'https://api.anthropic.com/v1/messages', headers: ['X-Original-URL', '/v1/files'] }
    t.match(await explainPolicy(join(EXAMPLES, `policies/${name}.json`), request), { action: 'deny', rule: 'no-original-url' }, `${name}: another path in a field`)
  }
})

t.test('check finds nothing to say about any policy', async t => {
  const files = readdirSync(join(EXAMPLES, 'policies')).map(name => join(EXAMPLES, 'policies', name))
  t.strictSame(files.map(file => file.replace(/.*\/|\.json$/g, '')).sort(), [...new Set(shown.map(([name]) => name))].sort(), 'each is shown above')
  const told = execFileSync(process.execPath, [join(ROOT, 'dist/bin/sallyport.js'), 'check', '--json', ...files], { encoding: 'utf8' })
  for (const { file, valid, problems } of (JSON.parse(told) as { files: { file: string, valid: boolean, problems: unknown[] }[] }).files) {
    t.ok(valid, file)
    t.strictSame(problems, [], `${file} has no problem and no warning`)
  }
})

t.test('office-hours.sh approves reading in office hours, and has no opinion about the rest', async t => {
  const ask = (settings: string, changes: Parameters<typeof sampleHeld>[0]): Promise<unknown> =>
    Promise.resolve(commandDoor(`${settings} '${join(EXAMPLES, 'hooks/office-hours.sh')}'`).ask(sampleHeld(changes), { signal: new AbortController().signal }))
  const approved = { verdict: 'approve', grant: 'once', by: 'office hours' }
  const pass = { verdict: 'pass' }

  // [when: weekday and hour, method, answer]
  const rows: [string, string, object][] = [
    ['NOW="1 09"', 'GET', approved],
    ['NOW="5 17"', 'GET', approved],
    ['NOW="1 08"', 'GET', pass],
    ['NOW="1 18"', 'GET', pass],
    ['NOW="6 10"', 'GET', pass],
    ['NOW="1 10"', 'POST', pass],
    ['NOW="1 08" OPENS=8', 'GET', approved],
    ['NOW="1 08" OPENS=8 CLOSES=8', 'GET', pass],
  ]
  for (const [settings, method, answer] of rows) t.strictSame(await ask(settings, { method }), answer, `${settings} ${method}`)

  t.strictSame(await ask('NOW="1 10"', { method: 'POST', note: '"method":"GET"', userAgent: '","method":"GET' }), pass, 'what the agent writes elsewhere is no method')
})

t.test('embed.ts asks its function, and hands the agent\'s exit status on', { ...needing('curl', ['curl', '--version']), timeout: 90_000 }, async t => {
  const origin = await startOrigin(t, { secure: true })
  const folder = project(t, { 'policy.json': JSON.stringify({ version: 1, rules: [{ id: 'ask', action: 'hold', cidr: '127.0.0.1/32', port: origin.port, private: true }] }) })
  // Its roots: those of the origin. The proxy is for other hosts than this machine, but for this curl.
  const env = { ...bareEnvironment(folder), SSL_CERT_FILE: originCertificate().file }
  const embed = (...args: string[]): Promise<Ran> => run([process.execPath, 'embed.js', ...args], { env, cwd: folder })
  const curl = (...args: string[]): string[] => ['curl', '-sS', '--noproxy', '', '--fail-with-body', `https://127.0.0.1:${origin.port}/page`, ...args]

  const read = await embed('policy.json', ...curl())
  t.match(read, { status: 0, stdout: 'ok\n' }, 'a GET is approved')
  t.match(read.output, /held: .*GET https 127\.0\.0\.1:\d+ "\/page"/)
  t.match(read.output, 'allow: GET 127.0.0.1/page')

  const wrote = await embed('policy.json', ...curl('-d', 'x=1'))
  t.equal(wrote.status, 22, 'a POST is denied, and curl says so by its status')
  t.match(wrote.stdout, 'this agent only reads')
  t.match(wrote.output, 'deny: POST 127.0.0.1/page')
  t.strictSame(origin.requests.map(({ method, url }) => `${method} ${url}`), ['GET /page'], 'what reached the origin')

  t.match(await embed('policy.json', 'no-such-program'), { status: 1, output: /ENOENT/ }, 'an agent that cannot be started is an error, not a wait')
  t.match(await embed('policy.json'), { status: 2, output: /usage/ })
})

t.test('the configurations open the hooks that they name', async t => {
  const home = t.testdir({ '.config': { sallyport: { 'telegram-token': '123456:a-token-of-nobody\n' } } })
  const before = process.env['HOME']
  t.teardown(() => { process.env['HOME'] = before })
  process.env['HOME'] = home
  const team = await readSettings(join(EXAMPLES, 'config/team.json'))
  t.strictSame(team.sandbox.ro, [join(home, '.gitconfig')])
  const doors = await openHooks(team.approve, { SALLYPORT_SLACK_URL: 'https://hooks.example.com/services/x' })
  t.strictSame(doors.map(({ name }) => name), ['desktop, then telegram in office hours, else telegram', 'slack'])
  for (const door of doors) door.close?.()

  const { approve: [reviewer] } = await readSettings(join(EXAMPLES, 'config/reviewer.json'))
  const told: string[] = []
  const api = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => told.push(text)).on('end', () => response.end(JSON.stringify({ choices: [{ message: { content: '{"verdict":"allow","reason":"documentation"}' } }] })))
  })
  await new Promise<void>(resolve => api.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { api.close(); api.closeAllConnections() })
  const [door] = await openHooks([{ model: { ...reviewer!.model!, url: `http://127.0.0.1:${(api.address() as AddressInfo).port}/v1` } }])
  const asked = async (method: string, host: string, target: string) => door!.ask(sampleHeld({ method, host, target, contentLength: 0 }), { signal: new AbortController().signal })
  t.match(await asked('GET', 'requests.readthedocs.io', '/en/latest/'), { verdict: 'approve', grant: 'once' })
  t.match(told.join(''), 'keeps an open-source library', 'the operator has told it what for')
  for (const [method, host, target] of [['POST', 'docs.example.com', '/'], ['GET', 'api.github.com', '/repos/a/b/issues/tokens/1'], ['GET', 'example.com', '/']] as const) t.strictSame(await asked(method, host, target), { verdict: 'pass' }, `${method} ${host}${target}`)
})

t.test('there is no example that is not tested', async t => {
  const files = readdirSync(EXAMPLES, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => entry.name)
  t.strictSame(files.filter(name => !name.endsWith('.json') && !(name in ELSEWHERE)).sort(), ['embed.ts', 'office-hours.sh', 'reviewer.md'])
  for (const [name, test] of Object.entries(ELSEWHERE)) t.match(readFileSync(new URL(test, import.meta.url), 'utf8'), name, `${test} reads ${name}`)
})

/** A project with this package installed, the example compiled, and the files. */
function project(t: Parameters<typeof openFolder>[0], files: Readonly<Record<string, string>>): string {
  const dir = openFolder(t)
  mkdirSync(join(dir, 'node_modules'))
  symlinkSync(ROOT, join(dir, 'node_modules/sallyport'))
  const { outputText } = ts.transpileModule(readFileSync(join(EXAMPLES, 'embed.ts'), 'utf8'), { compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext } })
  for (const [name, text] of Object.entries({ 'package.json': '{"type":"module"}', 'embed.js': outputText, ...files })) writeFileSync(join(dir, name), text)
  return dir
}
