/** The operator's day with the built program: answers of every kind, a changed policy, a hook, the log, the end. */
import t from 'tap'
import type { Test } from 'tap'
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { originCertificate } from '../helpers/certificates.ts'
import { startOrigin } from '../helpers/origin.ts'
import type { Origin } from '../helpers/origin.ts'
import { PROGRAM } from '../helpers/serve.ts'
import { openWire } from '../helpers/wire.ts'
import type { PolicyDocument } from '../../lib/index.ts'

interface Ran { readonly code: number, readonly out: string, readonly err: string }

interface Place {
  readonly dir: string
  run(...args: string[]): Promise<Ran>
  file(name: string): string
}

interface Running extends Place {
  readonly process: ChildProcess
  readonly port: number
  /** What it said on standard error so far. */
  said(): string
  /** A request through it, its connection closed after the answer. */
  get(host: string, path?: string): Promise<string>
  /** The id of the question about this path, when it is asked. */
  question(path: string): Promise<string>
  ended(): Promise<number | null>
}

function place(t: Test): Place {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-operator-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, 'run'), { mode: 0o700 })
  const file = (name: string): string => join(dir, name)
  return { dir, file, run: (...args) => run(dir, process.execPath, [PROGRAM, ...args]) }
}

function run(dir: string, program: string, args: readonly string[]): Promise<Ran> {
  return new Promise(resolve => {
    execFile(program, args, { cwd: dir, env: environment(dir), timeout: 60_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }))
  })
}

const environment = (dir: string): Record<string, string> => ({ PATH: '/usr/bin:/bin', HOME: dir, XDG_RUNTIME_DIR: join(dir, 'run'), XDG_STATE_HOME: join(dir, 'state') })

async function serving(t: Test, origin: Origin, policy: PolicyDocument, ...args: string[]): Promise<Running> {
  const at = place(t)
  writeFileSync(at.file('policy.json'), JSON.stringify(policy))
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--policy', 'policy.json', '--listen', '127.0.0.1:0', '--json', '--audit', 'audit.jsonl',
    '--upstream-ca', originCertificate().file, '--resolve', `a.test:${origin.port}:127.0.0.1`, ...args], { cwd: at.dir, env: environment(at.dir) })
  t.teardown(() => child.kill('SIGKILL'))
  const exit = new Promise<number | null>(resolve => child.once('exit', resolve))
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString() })
  const first = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', chunk => resolve(String(chunk)))
    child.once('exit', code => reject(new Error(`it ended with ${code}: ${err}`)))
  })
  const port = Number(new URL((JSON.parse(first.split('\n')[0]!) as { proxy: string }).proxy).port)
  return {
    ...at, process: child, port,
    said: () => err,
    ended: () => exit,
    async get(host, path = '/') {
      const wire = await openWire(port)
      wire.write(`GET http://${host}:${origin.port}${path} HTTP/1.1\r\nHost: ${host}:${origin.port}\r\nConnection: close\r\n\r\n`)
      return wire.ended()
    },
    async question(path) {
      for (;;) {
        const { pending } = JSON.parse((await at.run('pending', '--json')).out) as { pending: { id: string, path: string }[] }
        const found = pending.find(held => held.path === path)
        if (found !== undefined) return found.id
      }
    },
  }
}

const asking = (port: number): PolicyDocument => ({ version: 1, name: 'day', rules: [{ id: 'open', host: 'a.test', port, scheme: 'http', private: true, path: '/open/**' }, { id: 'ask', action: 'hold', host: 'a.test', port, private: true, path: '/ask/**' }] })
const OK = /^HTTP\/1\.1 200 /

t.test('once, for a time, for some uses, with a rule of one\'s own; and a denial that says why', { timeout: 100_000 }, async t => {
  const origin = await startOrigin(t)
  const day = await serving(t, origin, asking(origin.port))
  const answered = async (path: string, ...answer: string[]): Promise<string> => {
    const got = day.get('a.test', path)
    const ran = await day.run(answer[0]!, await day.question(path), ...answer.slice(1))
    t.equal(ran.code, 0, `${answer.join(' ')}: ${ran.err}`)
    return got
  }
  t.match(await answered('/ask/once', 'approve'), OK)
  t.match(await answered('/ask/once', 'approve', '--once'), OK, 'which was spent')
  t.match(await answered('/ask/time', 'approve', '--ttl', '1h', '--by', 'ann', '--note', 'until lunch'), OK)
  t.match(await day.get('a.test', '/ask/time'), OK, 'granted for an hour')
  t.match(await answered('/ask/uses', 'approve', '--uses', '2'), OK)
  t.match(await day.get('a.test', '/ask/uses'), OK, 'the second of two uses')
  t.match(await answered('/ask/uses', 'approve'), OK, 'the third is asked about')
  const rule = JSON.stringify({ host: 'a.test', port: origin.port, scheme: 'http', method: 'GET', path: '/ask/tree/**' })
  t.match(await answered('/ask/tree/1', 'approve', '--rule', rule), OK)
  t.match(await day.get('a.test', '/ask/tree/2'), OK, 'covered by the rule')
  t.match(await answered('/ask/few', 'approve', '--per-minute', '2', '--bytes', '1M'), OK)
  t.match((await day.run('status')).out, /budgets +grant grant-.*: 2 of 2 uses.*USED UP\n[^]*: 3 of 1048576 bytes; 1 of 2 requests in the last minute/)
  const denied = await answered('/ask/no', 'deny', '--reason', 'use the mirror', '--by', 'ann')
  t.match(denied, /^HTTP\/1\.1 403 [^]*"approval_denied"[^]*use the mirror/)

  const got = day.get('a.test', '/ask/odd')
  const odd = await day.question('/ask/odd')
  t.match(await day.run('approve', odd, '--rule', '{"host":"b.test"}'), { code: 2, err: /does not cover/ }, 'a rule for something else opens nothing')
  t.match(await day.run('approve', odd, '--ttl', 'soon'), { code: 2, err: /30m|1h/ })
  t.match(await day.run('approve', odd, '--always'), { code: 2, err: /"ask" outranks it/ }, 'an allow rule would never answer a hold rule')
  t.match(await day.run('approve', odd), { code: 0 })
  t.match(await got, OK)

  const shown = (await day.run('log', 'show', 'audit.jsonl', '--action', 'deny')).out
  t.match(shown, /\/ask\/no .*by ann/)
  t.notMatch(shown, /\/ask\/time/)
})

t.test('--always writes the rule into the policy, where a person can read it', { timeout: 60_000 }, async t => {
  const origin = await startOrigin(t)
  const day = await serving(t, origin, { version: 1, rules: [] }, '--resolve', `new.test:${origin.port}:93.184.216.34`)
  const got = day.get('new.test', '/v1/items')
  t.match(await day.run('approve', await day.question('/v1/items'), '--always', '--by', 'ann'), { code: 0, out: /policy/ })
  const { rules } = JSON.parse(readFileSync(day.file('policy.json'), 'utf8')) as { rules: { host: string, path: string }[] }
  t.match(rules, [{ host: 'new.test', path: '/v1/items' }])
  t.match(await day.run('check', 'policy.json'), { code: 0 })
  day.process.kill('SIGTERM')
  await got
})

t.test('a changed file takes effect, a bad one leaves the last good one in force', { timeout: 60_000 }, async t => {
  const origin = await startOrigin(t)
  const day = await serving(t, origin, { version: 1, unmatched: 'deny', rules: [] })
  const until = async (expected: RegExp, path: string): Promise<void> => { while (!expected.test(await day.get('a.test', path))) { /* it is on its way */ } }
  t.match(await day.get('a.test', '/open/1'), /policy_denied/)
  writeFileSync(day.file('policy.json'), JSON.stringify({ ...asking(origin.port), unmatched: 'deny' }))
  await until(OK, '/open/1')
  writeFileSync(day.file('policy.json'), '{"version":1,"rules":[{"id":"x","hots":"a.test"}]}')
  while (!/hots/.test(day.said())) await new Promise(setImmediate)
  t.match(day.said(), /policy\.json#\/rules\/0\/hots/, 'it says what is wrong, and where')
  t.match(await day.get('a.test', '/open/1'), OK, 'still in force')
  const { policy } = JSON.parse((await day.run('status', '--json')).out) as { policy: { generation: number, problem: string } }
  t.match(policy, { generation: 2, problem: /hots/ })
  writeFileSync(day.file('policy.json'), '{"version":1,"unmatched":"deny"}')
  day.process.kill('SIGHUP')
  await until(/policy_denied/, '/open/1')
})

t.test('a command decides, and one that fails allows nothing', { timeout: 60_000 }, async t => {
  const origin = await startOrigin(t)
  const at = place(t)
  writeFileSync(at.file('hook.sh'), `#!/bin/sh
question=$(cat)
echo "$question" >> questions.jsonl
case "$question" in
  *'/ask/yes"'*) echo '{"verdict":"approve","grant":"once","by":"hook"}' ;;
  *'/ask/no"'*) echo '{"verdict":"deny","reason":"not today"}' ;;
  *'/ask/broken"'*) echo 'yes please' ;;
esac
`, { mode: 0o755 })
  const day = await serving(t, origin, asking(origin.port), '--on-hold', at.file('hook.sh'))
  t.match(await day.get('a.test', '/ask/yes'), OK)
  t.match(await day.get('a.test', '/ask/no'), /^HTTP\/1\.1 403 [^]*not today/)
  const broken = day.get('a.test', '/ask/broken')
  while (!/broken|yes please|hook/.test(day.said())) await new Promise(setImmediate)
  t.match(await day.run('deny', await day.question('/ask/broken')), { code: 0 }, 'the other door is still open')
  t.match(await broken, /^HTTP\/1\.1 403/)
  t.equal(origin.requests.length, 1)
  const [first = ''] = readFileSync(day.file('questions.jsonl'), 'utf8').split('\n')
  t.match(JSON.parse(first), { host: 'a.test', path: '/ask/yes', answers: 'ask' }, 'it was handed the question as JSON')
})

t.test('SIGTERM: what is held is answered, what flows comes to its end, exit 0', { timeout: 60_000 }, async t => {
  let finish = (): void => {}
  const origin = await startOrigin(t, { handle(_request, response) {
    response.writeHead(200, { 'Content-Length': 10 })
    response.write('begin')
    finish = () => response.end('ended')
  } })
  const day = await serving(t, origin, asking(origin.port))
  const flowing = await openWire(day.port)
  flowing.write(`GET http://a.test:${origin.port}/open/slow HTTP/1.1\r\nHost: a.test:${origin.port}\r\n\r\n`)
  await flowing.until('begin')
  const held = day.get('a.test', '/ask/x')
  await day.question('/ask/x')
  day.process.kill('SIGTERM')
  t.match(await held, /^HTTP\/1\.1 503 [^]*shutting_down/)
  finish()
  t.match(await flowing.ended(), /beginended$/)
  t.equal(await day.ended(), 0)
  t.match(await day.run('log', 'verify', 'audit.jsonl'), { code: 0, out: /sound/ })

  const lines = readFileSync(day.file('audit.jsonl'), 'utf8').split('\n')
  const changed = lines.findIndex(line => line.includes('/ask/x'))
  writeFileSync(day.file('changed.jsonl'), lines.with(changed, lines[changed]!.replace('/ask/x', '/ask/y')).join('\n'))
  t.match(await day.run('log', 'verify', 'changed.jsonl'), { code: 1, out: new RegExp(`\\bline ${changed + 1}\\b`) }, 'the first bad line is named')
  appendFileSync(day.file('audit.jsonl'), '{"event":"closed"}\n')
  t.match(await day.run('log', 'verify', 'audit.jsonl'), { code: 1 }, 'so is one that was added')
})

t.test('the CA and the variables are there before anything runs', { timeout: 60_000 }, async t => {
  const at = place(t)
  t.match(await at.run('ca', 'init'), { code: 0, out: /ca\.crt/ })
  t.equal(statSync(at.file('state/sallyport/ca/ca.key')).mode & 0o777, 0o600)
  const before = readFileSync(at.file('state/sallyport/ca/ca.crt'), 'utf8')
  await at.run('ca', 'init')
  t.equal(readFileSync(at.file('state/sallyport/ca/ca.crt'), 'utf8'), before, 'it is never made anew')
  t.match(await at.run('ca', 'show'), { code: 0, out: /[0-9A-F]{2}(:[0-9A-F]{2}){31}/ })
  const bundle = (await at.run('ca', 'bundle')).out.trim()
  t.ok(readFileSync(bundle, 'utf8').includes(before.trim().split('\n')[1]!), 'the bundle holds it')
  const shell = await run(at.dir, '/bin/sh', ['-c', `eval "$(${process.execPath} ${PROGRAM} env --shell --proxy http://127.0.0.1:8080 --certs state/sallyport/ca)" && echo "$SSL_CERT_FILE|$NODE_EXTRA_CA_CERTS|$GIT_SSL_CAINFO"`])
  t.match(shell.out, /ca-bundle\.crt\|.*ca\.crt\|.*ca-bundle\.crt\n$/, 'a shell takes the variables')
})

t.test('a port that is taken is one sentence with what to do', { timeout: 60_000 }, async t => {
  const origin = await startOrigin(t)
  const at = place(t)
  writeFileSync(at.file('policy.json'), '{"version":1}')
  const { code, err } = await at.run('serve', '--policy', 'policy.json', '--listen', `127.0.0.1:${origin.port}`)
  t.equal(code, 2)
  t.match(err, /in use|EADDRINUSE/)
  t.notMatch(err, /\n\s+at /)
})
