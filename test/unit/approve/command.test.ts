import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { open, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { commandDoor } from '../../../lib/approve/command.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { sampleHeld } from '../../helpers/sample-held.ts'

const held = sampleHeld()
const context = { signal: new AbortController().signal }
const dir = mkdtempSync(join(tmpdir(), 'sp-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))

const fifo = (name: string): string => {
  const path = join(dir, name)
  execFileSync('mkfifo', [path])
  return path
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    // A process that has ended and that nobody has waited for yet is not alive.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise(setImmediate)
}

t.test('the command reads the question and writes the answer', async t => {
  const answer = { verdict: 'approve', grant: { rule: { host: 'api.example.test' } } }
  const file = join(dir, 'seen.json')
  t.strictSame(await commandDoor(`cat > '${file}'; echo '${JSON.stringify(answer)}'`).ask(held, context), answer)
  t.strictSame(JSON.parse(readFileSync(file, 'utf8')), held)
  t.match(readFileSync(file, 'utf8'), /^[^\n]+\n$/, 'one line, ended: `read -r` works')
  t.strictSame(await commandDoor('echo \'{"verdict":"maybe"}\'').ask(held, context), { verdict: 'maybe' }, 'what it means is not for the door to say')
})

t.test('no output is no opinion', async t => {
  for (const command of ['true', 'echo', 'printf "  \\n\\n"', 'echo \'{"verdict":"pass"}\'', 'echo thinking >&2']) {
    t.strictSame(await commandDoor(command).ask(held, context), { verdict: 'pass' }, command)
  }
})

t.test('a command that fails closes the door and says why', async t => {
  const approve = 'echo \'{"verdict":"approve","grant":"once"}\''
  // [what it shows, command, problem]
  const rows: [string, string, RegExp][] = [
    ['an exit code, though it approved before', `${approve}; exit 3`, /^the command exited with 3$/],
    ['the first line of stderr says why', 'printf "\\n  no token \\nat line 7\\n" >&2; exit 1', /exited with 1; it said: "no token"$/],
    ['that line is safe to show', 'printf "\\033[2J\\007ok" >&2; exit 1', /it said: "[^\x1b\x07]*ok"$/],
    ['that line is cut', 'head -c 3000 /dev/zero | tr "\\0" x >&2; exit 1', /it said: ".{1,200}"$/],
    ['more stderr than we keep does not block it', 'head -c 300000 /dev/zero >&2; exit 1', /exited with 1/],
    ['no such command', 'sallyport-no-such-command', /exited with 127; it said: ".*not found.*"$/],
    ['a signal', `${approve}; kill -9 $$`, /^the command was ended by SIGKILL$/],
    ['no JSON', 'echo approve', /not JSON: "approve"$/],
    ['no JSON, and unsafe', 'printf "\\033[2Japprove"', /not JSON: "[^\x1b]*approve"$/],
    ['two answers', `${approve}; ${approve}`, /not JSON/],
    ['half an answer', 'printf \'{"verdict":"approve"\'', /not JSON/],
    ['no UTF-8', 'printf \'"\\377"\'', /not JSON: not UTF-8$/],
    ['a byte more than 64 KiB', 'head -c 65537 /dev/zero | tr "\\0" " "', /more than 65536 bytes/],
    ['output without end', 'yes', /more than 65536 bytes/],
    ['a command that is none', 'echo \0', /could not be run/],
  ]
  for (const [shows, command, problem] of rows) await t.rejects(commandDoor(command).ask(held, context), { message: problem }, shows)
  t.strictSame(await commandDoor(`head -c 65000 /dev/zero | tr "\\0" " "; ${approve}`).ask(held, context), { verdict: 'approve', grant: 'once' }, 'less is taken')
})

t.test('a command need not read a long question', async t => {
  const long = sampleHeld({ target: `/${'x'.repeat(1_000_000)}` })
  t.strictSame(await commandDoor('exec <&-; echo \'{"verdict":"deny"}\'').ask(long, context), { verdict: 'deny' })
  t.strictSame(await commandDoor('wc -c').ask(long, context), JSON.stringify(long).length + 1)
})

t.test('nothing of the question is on a command line or in the environment', { skip: existsSync('/proc/self/cmdline') ? false : 'no /proc' }, async t => {
  const marked = sampleHeld({ host: 'marker.test', path: '/$(touch marker)' })
  const script = 'tr "\\0" "\\n" < /proc/$$/cmdline > "$SP_DIR/cmdline"; env > "$SP_DIR/env"'
  process.env['SP_DIR'] = dir
  t.teardown(() => delete process.env['SP_DIR'])
  await commandDoor(script).ask(marked, context)
  t.equal(readFileSync(join(dir, 'cmdline'), 'utf8'), `/bin/sh\n-c\n${script}\n`)
  const env = readFileSync(join(dir, 'env'), 'utf8')
  t.notMatch(env, 'marker')
  const added = env.split('\n').map(line => line.split('=')[0]!).filter(name => /^[A-Z_]+$/.test(name) && !(name in process.env) && !['_', 'PWD', 'OLDPWD', 'SHLVL'].includes(name))
  t.strictSame(added, [], 'the environment is ours')
})

t.test('a question that is settled ends its command, and all that it started', async t => {
  const path = fifo('settled')
  const controller = new AbortController()
  const asked = commandDoor(`sleep 1000 & echo $$ $! > '${path}'; wait`).ask(held, { signal: controller.signal })
  const pids = (await readFile(path, 'utf8')).trim().split(' ').map(Number)
  t.strictSame(pids.map(isAlive), [true, true])
  controller.abort(new Error('settled'))
  await t.rejects(asked, /settled/)
  await until(() => !pids.some(isAlive))
})

t.test('a command that will not end is killed after two seconds', async t => {
  const path = fifo('stubborn')
  const clock = fakeClock()
  const controller = new AbortController()
  const asked = commandDoor(`trap '' TERM; sleep 1000 & echo $$ $! > '${path}'; wait; wait`, clock).ask(held, { signal: controller.signal })
  const pids = (await readFile(path, 'utf8')).trim().split(' ').map(Number)
  controller.abort(new Error('settled'))
  await t.rejects(asked, /settled/, 'nobody waits for it')
  clock.advance(1_999)
  await new Promise(setImmediate)
  t.strictSame(pids.map(isAlive), [true, true])
  clock.advance(1)
  await until(() => !pids.some(isAlive))
})

t.test('what the command started and will not end is killed as soon as the command itself has ended', async t => {
  const path = fifo('orphan')
  const controller = new AbortController()
  const stubborn = `(trap '' TERM; exec sh -c 'echo $$ > "${path}"; exec sleep 1000')`
  const asked = commandDoor(`${stubborn} & wait`, fakeClock()).ask(held, { signal: controller.signal })
  const pid = Number(await readFile(path, 'utf8'))
  controller.abort(new Error('settled'))
  await t.rejects(asked, /settled/)
  await until(() => !isAlive(pid))
})

t.test('too much output ends the command too', async t => {
  const path = fifo('chatty')
  const asked = t.rejects(commandDoor(`echo $$ > '${path}'; while :; do echo too much; done`).ask(held, context), /more than/)
  const pid = Number(await readFile(path, 'utf8'))
  await asked
  await until(() => !isAlive(pid))
})

t.test('what a command leaves running does not keep its answer back', async t => {
  const path = fifo('left')
  const clock = fakeClock()
  const asked = commandDoor(`sleep 1000 & echo $! > '${path}'; echo '{"verdict":"deny"}'`, clock).ask(held, context)
  const pid = Number(await readFile(path, 'utf8'))
  t.teardown(() => process.kill(pid))
  await until(() => clock.pending > 0)
  clock.advance(1_000)
  t.strictSame(await asked, { verdict: 'deny' })
  t.ok(isAlive(pid), 'it was left on purpose: a notification, say')
})

t.test('eight commands run at once, and the others in turn', async t => {
  const gate = fifo('gate')
  const log = join(dir, 'log')
  await writeFile(log, '')
  const started = (): number => readFileSync(log, 'utf8').length
  // Open for writing too, so that the commands wait for a line and not for a writer; each takes one line.
  const lines = await open(gate, 'r+')
  t.teardown(() => lines.close())
  const door = commandDoor(`printf x >> '${log}'; read -r line < '${gate}'`)
  const settled = new AbortController()
  const asked = Array.from({ length: 8 }, () => door.ask(held, context))
  const ninth = door.ask(held, { signal: settled.signal })
  const tenth = door.ask(held, context)
  await until(() => started() === 8)
  settled.abort(new Error('settled'))
  await t.rejects(ninth, /settled/, 'one that waits in line goes without having run')

  t.equal(started(), 8)
  await lines.write('\n')
  await until(() => started() === 9)
  await lines.write('\n'.repeat(8))
  t.strictSame(await Promise.all([...asked, tenth]), Array.from({ length: 9 }, () => ({ verdict: 'pass' })))
})

t.test('a question that is settled already runs nothing', async t => {
  const file = join(dir, 'ran')
  await t.rejects(commandDoor(`touch '${file}'`).ask(held, { signal: AbortSignal.abort(new Error('settled')) }), /settled/)
  t.notOk(existsSync(file))
})

t.test('when the firewall exits, its commands end', async t => {
  const path = fifo('exit')
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(new URL('../../helpers/asks-and-exits.ts', import.meta.url)), path], { stdio: ['pipe', 'ignore', 'inherit'] })
  const pid = Number(await readFile(path, 'utf8'))
  t.ok(isAlive(pid))
  child.stdin.end()
  await once(child, 'exit')
  await until(() => !isAlive(pid))
})
