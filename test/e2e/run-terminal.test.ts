/** `sallyport run` in a terminal. */
import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { USERS } from '../helpers/as-user.ts'
import { openDesk } from '../helpers/run-desk.ts'
import type { Desk } from '../helpers/run-desk.ts'

const IN_TERMINAL = fileURLToPath(new URL('../helpers/in-terminal.py', import.meta.url))
const [first = 'self'] = USERS

t.test('a terminal is the command\'s: job control, Ctrl-C, its size, and nothing can be typed into it', { timeout: 60_000 }, async t => {
  const { seen, status } = await inTerminal(await openDesk(t, first), ['bash', '--norc', '--noprofile'], [
    // What is waited for is printed, never the echo of what was typed: "be""gun" is typed, "begun" is printed.
    ['bash-', 'stty size; sh -c \'echo be""gun; exec sleep 100\' && echo no\n'], ['begun', '\x03'], ['bash-', 'echo "c-$?"\n'],
    ['c-130', 'sh -c \'echo ag""ain; exec sleep 101\'\n'], ['again', '\x1a'], ['Stopped', 'kill %1; echo "job-$?"\n'], ['job-0', 'python3 typing-in.py\n'],
    ['not typed', 'exit 5\n'],
  ])
  for (const mark of ['33 111', 'c-130', 'Stopped', 'job-0', 'not typed']) t.match(seen, mark)
  t.equal(status >> 8, 5)
})

t.test('Ctrl-C is the command\'s to handle, with no shell between, and the terminal is left as it was', { timeout: 60_000 }, async t => {
  const { seen, status, cooked } = await inTerminal(await openDesk(t, first), ['python3', 'waits.py'], [['waiting', '\x03'], ['caught it', '']])
  t.match(seen, 'caught it')
  t.equal(status, 0)
  t.ok(cooked)
})

t.test('Ctrl-Z stops all of it, and `fg` goes on with it, in the shell that it was started from', { timeout: 60_000 }, async t => {
  const { user, options } = await openDesk(t, first)
  const { file, args } = user.command(user.node, user.file('dist/bin/sallyport.js'), ...options, '--', 'sh', '-c', 'echo begun; sleep 1; echo finished')
  writeFileSync(join(user.work, 'start.sh'), [file, ...args].map(word => `'${word.replaceAll('\'', '\'\\\'\'')}'`).join(' '))
  const { seen, status } = await inPty(user.work, ['bash', '--norc', '--noprofile'], [
    ['bash-', 'bash start.sh\n'], ['begun', '\x1a'], ['Stopped', 'fg\n'], ['finished', 'echo "st-$?"; exit 4\n'], ['st-0', ''],
  ])
  t.match(seen, 'st-0')
  t.equal(status >> 8, 4)
})

t.test('a signal at its process group, which the firewall and the helper share, opens nobody\'s debugger', { timeout: 60_000 }, async t => {
  const desk = await openDesk(t, first)
  writeFileSync(join(desk.user.work, 'signals.py'), `import os, signal, socket, time
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
os.kill(0, signal.SIGUSR1)
for attempt in range(20):
  time.sleep(0.05)
  if socket.socket().connect_ex(("127.0.0.1", 9229)) == 0: print("de" "bugger")
print("tried", "all")
`)
  const { seen, status } = await inTerminal(desk, ['python3', 'signals.py'], [['tried all', '']])
  t.match(seen, 'tried all')
  t.notMatch(seen, /debugger/i, 'neither inside nor outside')
  t.equal(status, 0)
})

t.test('a question is asked in this terminal where the command does not need it', { timeout: 60_000 }, async t => {
  const desk = await openDesk(t, first)
  const { seen, status } = await inTerminal(desk, ['curl', '-sS', `https://ask.test:${desk.web}/`], [['r  reject', '...a'], ['ok\r\n', '']], ['--ask'])
  t.match(seen, /ask\.test/)
  t.match(seen, /ok\r\n/)
  t.equal(status, 0)
})

async function inTerminal({ user, options }: Desk, command: readonly string[], steps: readonly (readonly [string, string])[], flags: readonly string[] = []): Promise<{ seen: string, cooked: boolean, status: number }> {
  writeFileSync(join(user.work, 'typing-in.py'), 'import fcntl\ntry: fcntl.ioctl(0, 0x5412, b"x")\nexcept OSError: print("not", "typed")\n')
  writeFileSync(join(user.work, 'waits.py'), 'import time\ntry:\n  print("waiting", flush=True)\n  time.sleep(100)\nexcept KeyboardInterrupt: print("caught it")\n')
  const { file, args } = user.command(user.node, user.file('dist/bin/sallyport.js'), ...options, ...flags, '--', ...command)
  return inPty(user.work, [file, ...args], steps)
}

async function inPty(cwd: string, command: readonly string[], steps: readonly (readonly [string, string])[]): Promise<{ seen: string, cooked: boolean, status: number }> {
  const child = spawn('python3', [IN_TERMINAL, JSON.stringify(steps), ...command], { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString() })
  await once(child, 'close')
  return JSON.parse(out) as { seen: string, cooked: boolean, status: number }
}
