/** A command in its sandbox: started, seen, ended. What it must not reach is in test/e2e/escape.test.ts. */
import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { existsSync, mkdirSync, readFileSync, readlinkSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { USERS, openUser } from '../helpers/as-user.ts'
import { collect, createSandbox, environmentOf, inside, openGate, openPlace } from '../helpers/gate.ts'

t.test('a command runs as it would without us, and its connections arrive at the gate', async t => {
  const gate = await openGate(t)
  const place = openPlace(t)
  const ran = await inside(gate, place, ['sh', '-c', 'id -u; pwd; echo to-stderr >&2; exec 3<>/dev/null; curl -sS --http0.9 telnet://192.0.2.7:4711 </dev/null; curl -sS telnet://[2001:db8::7]:25 </dev/null'])
  t.equal(ran.out, `${process.getuid?.()}\n${place.work}\ngate\ngate\n`, ran.err)
  t.match(ran.err, /to-stderr/)
  t.equal(gate.connections, 2)
  t.ok(gate.isClosed, 'with the command the gate closes')
})

t.test('its exit status is passed on', async t => {
  const gate = await openGate(t)
  const place = openPlace(t)
  t.match(await inside(gate, place, ['sh', '-c', 'exit 7']), { code: 7, signal: null })
  t.match(await inside(gate, place, ['true']), { code: 0, signal: null })
  t.match(await inside(gate, place, ['sh', '-c', 'kill -SEGV $$']), { code: 139, signal: null }, 'as a shell has it')
})

t.test('signals reach the command, which may handle them; SIGKILL ends everything', async t => {
  const gate = await openGate(t)
  const { home, work } = openPlace(t)
  const start = (script: string): ReturnType<typeof createSandbox> => createSandbox({ firewall: gate, command: 'sh', args: ['-c', script], cwd: work, env: environmentOf(home) })
  const polite = await start('trap "echo got it; exit 4" TERM; echo up; while :; do read x < fifo || sleep 0.01; done')
  polite.stdout!.once('data', () => polite.kill('SIGTERM'))
  t.match(await collect(polite), { code: 4, out: /got it/ })
  const early = await start('sleep 100')
  early.kill()
  t.match(await collect(early), { code: 143 }, 'also one that is sent before the command has begun')
  const stubborn = await start('trap "" TERM; setsid sleep 1000 & echo up; while :; do sleep 0.01; done')
  stubborn.stdout!.once('data', () => { stubborn.kill('SIGTERM'); stubborn.kill('SIGKILL') })
  t.match(await collect(stubborn), { code: null, signal: 'SIGKILL' })
  t.notOk(isAlive(stubborn.pid))
})

t.test('standard input is the command\'s', async t => {
  const gate = await openGate(t)
  const { home, work } = openPlace(t)
  const sandbox = await createSandbox({ firewall: gate, command: 'wc', args: ['-c'], cwd: work, env: environmentOf(home) })
  sandbox.stdin!.write(Buffer.alloc(300_000))
  t.match(await collect(sandbox), { code: 0, out: '300000\n' })
})

t.test('it sees the system read-only, its folder writable, and an empty home', async t => {
  const gate = await openGate(t)
  const place = openPlace(t)
  writeFileSync(join(place.home, 'secret'), 'x')
  const { out } = await inside(gate, place, ['sh', '-c', `
    for path in /x /usr/x /etc/x /proc/sys/kernel/hostname /proc/sys/vm/swappiness; do (echo x >> $path) 2>/dev/null && echo "wrote $path"; done
    echo mine > here && cat here; ls -A -I .pki ~ | wc -l; ls -A '${tmpdir()}' | wc -l; test -e /var/log && echo log; test -e /root/.ssh && echo ssh; head -c0 /etc/shadow 2>/dev/null && echo shadow; true`])
  t.equal(out, 'mine\n0\n2\n', 'among temporary files are only the two folders of this test')
  t.equal(readFileSync(join(place.work, 'here'), 'utf8'), 'mine\n')
})

t.test('what is named is seen: read-only, writable or not at all', async t => {
  const gate = await openGate(t)
  const place = openPlace(t)
  for (const name of ['ro', 'rw', 'work/hidden']) mkdirSync(join(place.home, name), { recursive: true })
  for (const name of ['ro/a', 'rw/a', 'work/hidden/a', 'work/a']) writeFileSync(join(place.home, name), name)
  symlinkSync(join(place.home, 'ro'), join(place.home, 'link'))
  const warnings: string[] = []
  const ran = await inside(gate, { home: place.home, work: join(place.home, 'work') }, ['sh', '-c', 'cat ~/ro/a ~/rw/a a; (echo x > ~/ro/a) 2>/dev/null || echo no; echo x > ~/rw/a; ls hidden | wc -l'], {
    ro: [join(place.home, 'link')], rw: [join(place.home, 'rw')], hide: [join(place.home, 'work/hidden')], onWarning: says => warnings.push(says),
  })
  t.equal(ran.out, 'ro/arw/awork/ano\n0\n', ran.err)
  t.equal(readFileSync(join(place.home, 'rw/a'), 'utf8'), 'x\n')
  t.match(warnings, [/link leads to .*\/ro, which/], 'a link is said, whoever made it')
  await t.rejects(inside(gate, place, ['true'], { ro: ['/nowhere'] }), { code: 'E_OPTION_INVALID', message: /nothing at \/nowhere/ })
  await t.rejects(inside(gate, place, ['true'], { rw: ['/'] }), { code: 'E_OPTION_INVALID' })
})

t.test('what is guarded cannot be changed, moved or replaced, nor the folder that it is in', async t => {
  const gate = await openGate(t)
  const place = openPlace(t)
  mkdirSync(join(place.work, 'conf'))
  writeFileSync(join(place.work, 'conf/policy.json'), 'ours')
  const { out } = await inside(gate, place, ['sh', '-c', `cat conf/policy.json; exec 2>/dev/null
    (echo theirs > conf/policy.json) && echo wrote; rm -f conf/policy.json && echo removed; mv conf/policy.json x && echo moved; mv conf aside && echo folder
    echo theirs > new; mv new conf/policy.json && echo replaced; ln conf/policy.json link && echo linked; echo done`], { guarded: [join(place.work, 'conf/policy.json')] })
  t.equal(out, 'oursdone\n')
  t.equal(readFileSync(join(place.work, 'conf/policy.json'), 'utf8'), 'ours')
})

t.test('a unix socket is covered; one that is named is not, and is warned of', async t => {
  const gate = await openGate(t)
  const place = openPlace(t)
  const path = join(place.work, 's.sock')
  const server = createServer(socket => socket.end('host\n'))
  await new Promise<void>(resolve => server.listen(path, resolve))
  t.teardown(() => server.close())
  const ask = ['python3', '-c', 'import socket; s = socket.socket(socket.AF_UNIX); s.connect("s.sock"); print(s.recv(9))']
  t.match(await inside(gate, place, ask), { code: 1, err: /ConnectionRefused|PermissionError/ })
  const warnings: string[] = []
  t.match(await inside(gate, place, ask, { rw: [path], onWarning: says => warnings.push(says) }), { code: 0, out: /host/ })
  t.match(warnings, [/s\.sock is a unix socket/])
})

t.test('a command that is not there, or hidden, is told before anything starts', async t => {
  const gate = await openGate(t)
  const place = openPlace(t)
  mkdirSync(join(place.home, 'tool/bin'), { recursive: true })
  writeFileSync(join(place.home, 'tool/bin/mine'), '#!/bin/sh\necho mine\n', { mode: 0o755 })
  await t.rejects(inside(gate, place, ['no-such-program']), { code: 'E_SANDBOX_COMMAND', message: /no such program/ })
  await t.rejects(inside(gate, place, [join(place.home, 'tool/bin/mine')]), { code: 'E_SANDBOX_COMMAND', message: /hidden/, fix: new RegExp(`--ro ${place.home}/tool\\.`) })
  t.match(await inside(gate, place, [join(place.home, 'tool/bin/mine')], { ro: [join(place.home, 'tool')] }), { code: 0, out: 'mine\n' })
})

t.test('a working directory that is a home is not opened, and that is said', async t => {
  const gate = await openGate(t)
  const { home } = openPlace(t)
  writeFileSync(join(home, 'secret'), 'x')
  const warnings: string[] = []
  t.match(await inside(gate, { home, work: home }, ['sh', '-c', 'pwd; ls -A -I .pki | wc -l'], { onWarning: says => warnings.push(says) }), { code: 0, out: `${home}\n0\n` })
  t.match(warnings, [/is not a project's folder/])
})

t.test('nothing is left behind', async t => {
  const gate = await openGate(t)
  const place = openPlace(t)
  const sandbox = await createSandbox({ firewall: gate, command: 'sh', args: ['-c', 'setsid sleep 1000 & readlink /proc/self/ns/net'], cwd: place.work, env: environmentOf(place.home) })
  const { out } = await collect(sandbox)
  t.match(out, /^net:\[\d+\]\n$/)
  t.strictSame(processesIn(out.trim()), [], 'no process in its network')
  t.notOk(isAlive(sandbox.pid))
})

for (const name of USERS) {
  t.test(`as ${name}: when the firewall is killed the command dies with it, and has no network from that moment`, { timeout: 30_000 }, async t => {
    const user = openUser(t, name)
    // Each second line says whether somebody answered; a process that hides in a session of its own writes too.
    const script = 'readlink /proc/self/ns/net; (trap "" TERM HUP INT; setsid sh -c "while :; do echo hidden >> beat; sleep 0.02; done") & while :; do curl -s -m 1 telnet://192.0.2.7:9 </dev/null >> beat || echo nobody >> beat; sleep 0.01; done'
    const { file, args } = user.command(user.node, user.file('test/helpers/gated.mjs'), JSON.stringify({ command: ['sh', '-c', script], certs: join(user.home, 'ca') }))
    const firewall = spawn(file, args, { cwd: user.work, stdio: ['ignore', 'pipe', 'inherit'] })
    const [network] = await once(firewall.stdout, 'data') as [Buffer]
    const beat = (): string => existsSync(join(user.work, 'beat')) ? readFileSync(join(user.work, 'beat'), 'utf8') : ''
    while (!/gate/.test(beat()) || !/hidden/.test(beat())) await new Promise(resolve => setImmediate(resolve))
    firewall.kill('SIGKILL')
    while (processesIn(network.toString().trim()).length > 0) await new Promise(resolve => setImmediate(resolve))
    const last = beat()
    t.notMatch(last.split('\n').slice(last.split('\n').indexOf('nobody') + 1).join('\n'), last.includes('nobody') ? /gate/ : /never/, 'after nobody answered, nobody ever did')
    await once(firewall, 'close')
    t.equal(beat(), last, 'nothing runs on')
    t.strictSame(readdirSync(user.work), ['beat'], 'nothing is left in its folder')
  })
}

t.test('two at once know nothing of each other', async t => {
  const gates = await Promise.all([openGate(t), openGate(t)])
  const ran = await Promise.all(gates.map(gate => inside(gate, openPlace(t), ['sh', '-c', 'readlink /proc/self/ns/net; ps ax -o pid= | wc -l; curl -sS telnet://192.0.2.7:1 </dev/null'])))
  t.not(ran[0]!.out, ran[1]!.out)
  t.strictSame(gates.map(gate => gate.connections), [1, 1])
})

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

function processesIn(network: string): string[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).filter(pid => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`) === network && isAlive(Number(pid))
    } catch {
      return false
    }
  })
}
