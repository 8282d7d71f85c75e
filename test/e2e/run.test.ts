/**
 * `sallyport run` as built, as root and as an ordinary user: real clients inside, each by name and with no proxy
 * variable, allowed, denied, and held until somebody in a second process approves.
 */
import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { USERS } from '../helpers/as-user.ts'
import { run as runClient } from '../helpers/clients.ts'
import { openDesk } from '../helpers/run-desk.ts'
import type { Desk } from '../helpers/run-desk.ts'

/** Commands of a shell, each with `200` in a line of output where it got through, and `403` where it was refused. */
const CLIENTS: Readonly<Record<string, (host: string, desk: Desk) => string>> = {
  curl: (host, { web }) => `curl -sS -o /dev/null -w '%{http_code}\n' https://${host}.test:${web}/`,
  python: (host, { web }) => `python3 -c 'import urllib.request, urllib.error\ntry: print(urllib.request.urlopen("https://${host}.test:${web}/").status)\nexcept urllib.error.HTTPError as e: print(e.code)'`,
  node: (host, { web }) => `node -e 'fetch("https://${host}.test:${web}/").then(r => console.log(r.status))'`,
  git: (host, { git }) => `git ls-remote https://${host}.test:${git}/repo.git main 2>&1 && echo 200`,
}

/** A script that tries every client at a host. */
const all = (host: string, desk: Desk): readonly string[] =>
  ['sh', '-c', Object.entries(CLIENTS).map(([client, command]) => `echo ${client}: $(${command(host, desk)})`).join('\n')]

for (const name of USERS) {
  t.test(`as ${name}: curl, python, node and git, each by name, with no variable of a proxy`, { timeout: 100_000 }, async t => {
    const desk = await openDesk(t, name)
    const allowed = await desk.sallyport(...desk.options, '--', ...all('open', desk))
    const denied = await desk.sallyport(...desk.options, '--', ...all('shut', desk))
    const held = await desk.approving(...desk.options, '--', ...all('ask', desk))
    for (const client of Object.keys(CLIENTS)) {
      t.match(allowed.out, new RegExp(`^${client}: .*200$`, 'm'), `${client} is allowed`)
      t.match(denied.out, new RegExp(`^${client}: .*403$`, 'm'), `${client} is denied`)
      t.match(held.out, new RegExp(`^${client}: .*200$`, 'm'), `${client} is held, and goes on when it is approved`)
    }
    t.ok(held.approved >= 4, 'somebody was asked about each')
    t.match(await desk.sallyport('log', 'verify', join(desk.user.home, 'audit.jsonl')), { code: 0 }, 'every flow is in the log')
  })

  t.test(`as ${name}, no variable of a proxy is set inside, and there is nothing of the host`, async t => {
    const desk = await openDesk(t, name)
    const { out } = await desk.sallyport(...desk.options, '--', 'sh', '-c', 'env | grep -i proxy; ls -A -I .pki ~ ~/run /run | grep -v -e : -e work -e sallyport -e ^$; cat /run/sallyport/*.key ~/state/sallyport/ca/ca.key 2>&1 | grep -c "No such"; id -u')
    t.equal(out, `2\n${desk.user.uid}\n`)
  })

  t.test(`as ${name}, the operator's door cannot be opened from inside`, async t => {
    const desk = await openDesk(t, name)
    const control = join(desk.user.work, 'control.sock')
    const script = 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send(b"GET /v1/pending HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"); print(s.recv(99))'
    for (const [where, flag] of [['in the working directory', ['--control', control]], ['in its usual place', []]] as const) {
      const path = flag.length > 0 ? control : join(desk.user.home, 'run/sallyport')
      const { code, err } = await desk.sallyport(...desk.options, ...flag, '--', 'sh', '-c', `for path in ${path} ${path}/*.sock; do python3 -c '${script}' $path && exit 0; done; exit 1`)
      t.equal(code, 1, where)
      t.match(err, /ConnectionRefused|PermissionError|FileNotFound|No such file/, where)
    }
    t.match((await desk.sallyport(...desk.options, '--ro', desk.user.home, '--', 'sh', '-c', 'cat ~/state/sallyport/ca/ca.key; ls ~/state/sallyport/ca')).out, /^$/, 'nor is the key seen where the home is shown')
  })
}

const [first = 'self'] = USERS

t.test('status, signals and what cannot be started are as without us', { timeout: 60_000 }, async t => {
  const { options, sallyport, user } = await openDesk(t, first)
  t.equal((await sallyport(...options, '--', 'sh', '-c', 'exit 7')).code, 7)
  t.equal((await sallyport(...options, 'sh', '-c', 'kill -TERM $$')).code, 143, 'the dashes may be left out')
  t.match(await sallyport(...options, '--', 'no-such-program'), { code: 127, err: /no such program/ })
  t.match(await sallyport('run', '--policy', 'none.json', '--', 'true'), { code: 2, err: /cannot be read/ })
  t.match(await sallyport(...options, '--gpu', '--', 'true').then(ran => ran.code === 0 ? { err: 'GPU: /dev' } : ran), { err: /There is no GPU to pass|GPU: \/dev/ })

  const { file, args } = user.command(user.node, user.file('dist/bin/sallyport.js'), ...options, '--', 'sh', '-c', 'trap "echo told; exit 3" TERM; echo up; while :; do sleep 0.01; done')
  const child = spawn(file, args, { cwd: user.work, stdio: ['ignore', 'pipe', 'ignore'] })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => { if (out === '') child.kill('SIGTERM'); out += chunk.toString() })
  t.strictSame(await once(child, 'close'), [3, null])
  t.equal(out, 'up\ntold\n')
})

t.test('the policy and the log may lie where the command works: it can change neither', async t => {
  const { sallyport, user } = await openDesk(t, first)
  writeFileSync(join(user.work, 'policy.json'), '{"version":1,"unmatched":"deny"}')
  const ran = await sallyport('run', '--policy', 'policy.json', '--audit', 'audit.jsonl', '--', 'sh', '-c', 'exec 2>/dev/null; echo x > policy.json; echo x >> audit.jsonl; rm -f policy.json audit.jsonl audit.jsonl.lock; mv policy.json p; cat policy.json; curl -s -o /dev/null -w %{http_code} https://any.test/')
  t.match(ran, { code: 0, out: '{"version":1,"unmatched":"deny"}403', err: /read once/ })
  t.match(await sallyport('log', 'verify', 'audit.jsonl'), { code: 0 })
  t.strictSame(readdirSync(user.work).filter(name => !name.startsWith('audit.jsonl')), ['policy.json'])
})

t.test('time from the start to the command, beside that of an empty program', { timeout: 60_000 }, async t => {
  const { options, user } = await openDesk(t, first)
  const until = async (...command: readonly string[]): Promise<number> => {
    const { file, args } = user.command(...command)
    const began = performance.now()
    const child = spawn(file, args, { cwd: user.work, stdio: ['ignore', 'pipe', 'ignore'] })
    await once(child.stdout, 'data')
    const took = performance.now() - began
    await once(child, 'close')
    return took
  }
  const median = async (...command: readonly string[]): Promise<number> => {
    const times: number[] = []
    for (let i = 0; i < 5; i++) times.push(await until(...command))
    return Math.round(times.sort((a, b) => a - b)[2]!)
  }
  const ours = await median(user.node, user.file('dist/bin/sallyport.js'), ...options, '--', 'echo', 'x')
  const empty = await median(user.node, '-e', 'console.log(1)')
  t.comment(`${ours} ms to the command; ${empty} ms to an empty Node program`)
  t.ok(ours < 40 * empty, 'in proportion, whatever else this machine does')
})

t.test('a configuration file names who is asked and what is shown; no secret of it is seen inside, and no hook changed', async t => {
  const desk = await openDesk(t, 'self')
  const at = (name: string): string => join(desk.user.work, name)
  writeFileSync(at('secret'), 'sixteen characters and more\n')
  writeFileSync(join(desk.user.home, 'notes'), 'seen\n')
  writeFileSync(at('ask.sh'), `echo '{"verdict":"approve","grant":"once","by":"config"}'\n`)
  writeFileSync(at('config.json'), JSON.stringify({
    version: 1,
    approve: [{ command: `sh ${at('ask.sh')}` }, { webhook: { url: 'http://127.0.0.1:1/', secretFile: 'secret' } }, { slack: { urlEnv: 'CHAT_URL' } }],
    sandbox: { ro: ['~/notes'] },
  }))
  const inside = `(echo id >> ask.sh) 2>/dev/null || (mv ask.sh other) 2>/dev/null || echo kept; cat secret 2>&1; echo "[$CHAT_URL]"; cat ~/notes; curl -sS -o /dev/null -w '%{http_code}\n' https://ask.test:${desk.web}/`
  const { user } = desk
  const { file, args } = user.command('env', 'CHAT_URL=https://chat.test/secret', user.node, user.file('dist/bin/sallyport.js'), ...desk.options, '--config', at('config.json'), '--', 'sh', '-c', inside)
  const { stdout, output } = await runClient([file, ...args], { cwd: user.work, env: { PATH: process.env['PATH'] ?? '' } })
  t.match(stdout, /^kept\n[^]*\[\]\nseen\n200\n$/, output)
  t.notMatch(stdout, 'sixteen characters')
  t.match(await desk.sallyport(...desk.options, '--config', at('secret'), '--', 'true'), { code: 2, err: /secret/ })
})

/** A packet filter that refuses, as a container's seccomp or a kernel without nf_tables has it. */
const REFUSING_NFT = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-ec', 'printf \'#!/bin/sh\\necho "Operation not permitted (you must be root)" >&2; exit 1\\n\' > "$0" && chmod 755 "$0" && mount --bind "$0" "$(command -v nft)" && exec "$@"']
/** Nobody may make a user namespace. */
const NO_NAMESPACES = ['unshare', '--user', '--map-root-user', 'sh', '-ec', 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', 'sh']

t.test('where nobody may set up a network it stops and says why, or falls back to a proxy and is as closed', { timeout: 100_000 }, async t => {
  const desk = await openDesk(t, process.getuid?.() === 0 ? 'root' : 'self')
  const refusing = [...REFUSING_NFT, join(desk.user.home, 'nft')]
  const script = ['sh', '-c', [
    ...Object.entries({ curl: CLIENTS['curl']!, python: CLIENTS['python']!, git: CLIENTS['git']! }).flatMap(([name, client]) => ['open', 'shut'].map(host => `echo ${name} ${host}: $(${client(host, desk)})`)),
    `curl -sS --noproxy '*' -m 5 https://open.test:${desk.web}/ 2>&1 | grep -c 'Could not resolve'`,
    `curl -sS --noproxy '*' -m 5 http://127.0.0.1:${desk.web}/ 2>&1 | grep -c 'connect'`,
    'python3 -c \'import socket; s = socket.socket(); s.settimeout(5); print(s.connect_ex(("192.0.2.1", 443)) > 0)\'',
    'cat /proc/net/dev | grep -c :', 'kill -TERM $$',
  ].join('\n')]

  const stopped = await desk.sallyportUnder(refusing, ...desk.options, '--', 'echo', 'ran')
  t.match(stopped, { code: 2, out: /^$/, err: /Operation not permitted/ }, 'unless it is asked to, it stops')

  const fell = await desk.sallyportUnder(refusing, ...desk.options, '--fallback', 'proxy', '--', ...script)
  for (const client of ['curl', 'python', 'git']) {
    t.match(fell.out, new RegExp(`^${client} open: .*200$`, 'm'), `${client} is allowed`)
    t.match(fell.out, new RegExp(`^${client} shut: .*403`, 'm'), `${client} is denied`)
  }
  t.match(fell.out, /\n1\n1\nTrue\n1\n$/, 'there are no names, nothing of the host, no address and no interface but loopback')
  t.equal(fell.code, 143, 'the command\'s end is passed on')
  t.match(fell.err, /Operation not permitted.*Falling back to a proxy/s, 'it is said')

  const refused = await desk.sallyportUnder(NO_NAMESPACES, ...desk.options, '--fallback', 'proxy', '--', 'echo', 'ran')
  t.match(refused, { code: 2, out: /^$/, err: /user\.max_user_namespaces is 0/ }, 'where not even that can be closed nothing is started, and the switch is named')
})
