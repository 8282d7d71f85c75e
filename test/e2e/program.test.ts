/** The built program: an unlisted request waits, is approved from a second process, and the same command finishes. */
import t from 'tap'
import type { Test } from 'tap'
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { originCertificate } from '../helpers/certificates.ts'
import { startOrigin } from '../helpers/origin.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/bin/sallyport.js', import.meta.url))

interface Ran { readonly code: number, readonly out: string, readonly err: string }
interface Place { readonly dir: string, readonly env: Record<string, string> }

/** State, sockets and files of their own; nothing that watches this process watches its children. */
function place(t: Test): Place {
  const dir = mkdtempSync(join(tmpdir(), 'sp-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, 'run'), { mode: 0o700 })
  return { dir, env: { PATH: '/usr/bin:/bin', HOME: dir, XDG_RUNTIME_DIR: join(dir, 'run'), XDG_STATE_HOME: join(dir, 'state') } }
}

function run({ dir, env }: Place, program: string, args: readonly string[]): Promise<Ran> {
  return new Promise(resolve => {
    execFile(program, args, { cwd: dir, env, timeout: 60_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }))
  })
}
const sallyport = (at: Place, ...args: string[]): Promise<Ran> => run(at, process.execPath, [PROGRAM, ...args])

t.test('serve, pending, approve, status and the log', { timeout: 90_000 }, async t => {
  const at = place(t)
  const origin = await startOrigin(t, { secure: true })
  writeFileSync(join(at.dir, 'policy.json'), JSON.stringify({ version: 1, name: 'program', rules: [
    { id: 'open', host: 'open.test', port: origin.port, private: true },
    { id: 'ask', action: 'hold', host: 'ask.test', private: true },
  ] }))
  const serve = spawn(process.execPath, [PROGRAM, 'serve', '--policy', 'policy.json', '--listen', '127.0.0.1:0', '--json', '--audit', 'audit.jsonl', '--console', '127.0.0.1:0',
    '--upstream-ca', originCertificate().file, ...['open', 'ask'].flatMap(name => ['--resolve', `${name}.test:${origin.port}:127.0.0.1`])], { cwd: at.dir, env: at.env })
  t.teardown(() => serve.kill('SIGKILL'))
  const first = await new Promise<string>(resolve => serve.stdout.once('data', chunk => resolve(String(chunk))))
  const ready = JSON.parse(first) as Record<string, string>
  t.strictSame(Object.keys(ready), ['event', 'proxy', 'certs', 'ca', 'control', 'console'], 'the first line is exactly this')
  const curl = (host: string): Promise<Ran> => run(at, '/usr/bin/curl', ['-sS', '--fail-with-body', '-x', ready['proxy']!, '--cacert', ready['ca']!, `https://${host}.test:${origin.port}/`])

  t.match(await curl('open'), { code: 0, out: 'ok\n' })
  const held = curl('ask')
  let pending: { id: string }[] = []
  while (pending.length === 0) pending = (JSON.parse((await sallyport(at, 'pending', '--json')).out) as { pending: { id: string }[] }).pending
  t.match((await sallyport(at, 'pending')).out, /ask\.test/)
  t.match(await sallyport(at, 'approve', pending[0]!.id, '--by', 'ann'), { code: 0, out: /released/ })
  t.match(await held, { code: 0, out: 'ok\n' }, 'the same command finished')
  t.match(JSON.parse((await sallyport(at, 'status', '--json')).out), { state: 'running', policy: { name: 'program', generation: 1 }, counts: { held: 1, allowed: 2 } })
  const { out: link } = await sallyport(at, 'console')
  const signIn = async (address: string): Promise<number> => (await fetch(new URL('/sign-in', address), { method: 'POST', headers: { 'content-type': 'application/json', origin: new URL(address).origin }, body: JSON.stringify({ token: address.trim().split('#sign-in=')[1] }) })).status
  t.equal(await signIn(ready['console']!), 403, 'the link of the start is void once another was asked for')
  t.equal(await signIn(link), 200)
  t.match(await sallyport(at, 'approve', 'nobody'), { code: 2, err: /pending/ }, 'an unknown question')
  t.match((await sallyport(at, 'env', '--shell')).out, /export https_proxy='http:\/\/127/)

  writeFileSync(join(at.dir, 'policy.json'), '{"version":1,"unmatched":"deny"}')
  serve.kill('SIGHUP')
  let denied = await curl('open')
  while (denied.code === 0) denied = await curl('open')
  t.match(denied.out, /policy_denied/, 'a reload is in force')

  const last = curl('ask')
  const exit = new Promise<number | null>(resolve => serve.once('exit', resolve))
  await last
  serve.kill('SIGTERM')
  t.equal(await exit, 0)
  t.match(await sallyport(at, 'log', 'verify', 'audit.jsonl'), { code: 0, out: /sound/ })
  t.match((await sallyport(at, 'log', 'show', 'audit.jsonl', '--host', 'ask.test')).out, /held .* by ann/)
})

t.test('the demo does what it says, in ten seconds', { timeout: 60_000 }, async t => {
  const started = performance.now()
  const { code, out } = await sallyport(place(t), 'demo', '--yes')
  t.equal(code, 0, out)
  t.ok(performance.now() - started < 10_000)
  t.notMatch(out, /FAILED/)
})

t.test('init, check and explain', { timeout: 60_000 }, async t => {
  const at = place(t)
  t.match(await sallyport(at, 'init'), { code: 0, out: /Next:/ })
  t.match(await sallyport(at, 'init'), { code: 2, err: /never overwritten/ })
  t.match(await sallyport(at, 'check', 'policy.json'), { code: 0, out: /would take effect/ })
  writeFileSync(join(at.dir, 'bad.json'), '{"version":1,"rules":[{"id":"a","host":"*.com"},{"id":"a","hots":"x.example.com"}]}')
  t.match(await sallyport(at, 'check', 'bad.json'), { code: 1, out: /NOT take effect/ })
  writeFileSync(join(at.dir, 'p.json'), '{"version":1,"rules":[{"id":"r","host":"api.example.com","access":"read-only"},{"id":"d","action":"deny","host":"bad.example.com"}]}')
  for (const [url, method, code] of [['https://api.example.com/', 'GET', 0], ['https://api.example.com/', 'POST', 3], ['https://bad.example.com/', 'GET', 1], ['https://api.example.com/../', 'GET', 1]] as const) {
    t.equal((await sallyport(at, 'explain', 'p.json', method, url)).code, code, `${method} ${url}`)
  }
})

t.test('a mistake is one sentence with what to do, exit 2, and no stack trace', { timeout: 60_000 }, async t => {
  const at = place(t)
  writeFileSync(join(at.dir, 'p.json'), '{"version":1}')
  for (const args of [['serve', '--policy', 'none.json'], ['serve', '--policy', 'p.json', '--nonsense'], ['serve', '--policy', 'p.json', '--hold', '240'], ['serve', '--policy', 'p.json', '--listen', '0.0.0.0:0'], ['status'], ['explain', 'p.json'], ['nonsense'], ['log', 'show', 'none.jsonl']]) {
    const { code, err } = await sallyport(at, ...args)
    t.equal(code, 2, args.join(' '))
    t.match(err, /\S/)
    t.notMatch(err, /\n\s+at /, 'no stack trace')
  }
})
