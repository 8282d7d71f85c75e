/** The desktop, by the real `notify-send` on a bus of the test's own, with a notification server that presses buttons. */
import t from 'tap'
import type { Test } from 'tap'
import { spawn } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { desktopDoor } from '../../../lib/approve/desktop.ts'
import { sampleHeld, sampleTask } from '../../helpers/sample-held.ts'
import { systemClock } from '../../../lib/model/clock.ts'

const SERVER = fileURLToPath(new URL('../../helpers/notifications.py', import.meta.url))
const stop = new AbortController().signal
/** Between telling and hearing half a minute passes: nobody is taken to have pressed what they had not read. */
const hasty = { ...systemClock, elapsed: () => 0 }
const slow = { ...systemClock, elapsed: (() => { let at = 0; return () => at += 30_000 })() }

/** A bus and a server on it, in whose world `notify-send` is run. @returns what was shown, and the program */
async function openDesktop(t: Test, press: string): Promise<{ readonly program: string, readonly shown: Record<string, unknown>[] }> {
  const bus = spawn('dbus-run-session', ['--', 'sh', '-c', 'echo "{\\"bus\\": \\"$DBUS_SESSION_BUS_ADDRESS\\"}"; exec /usr/bin/python3 "$@"', 'sh', SERVER, press, '10'], { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  t.teardown(() => { process.kill(-bus.pid!, 'SIGKILL') })
  const shown: Record<string, unknown>[] = []
  let address = ''
  await new Promise<void>((resolve, reject) => {
    bus.once('error', reject)
    createInterface(bus.stdout).on('line', line => {
      const said = JSON.parse(line) as Record<string, unknown>
      if (typeof said['bus'] === 'string') address = said['bus']
      else if (said['up'] === true) resolve()
      else shown.push(said)
    })
  })
  const program = join(t.testdir({}), 'notify-send')
  writeFileSync(program, `#!/bin/sh\necho $$ > '${program}.pid'\nDBUS_SESSION_BUS_ADDRESS='${address}' exec /usr/bin/notify-send "$@"\n`)
  chmodSync(program, 0o755)
  return { program, shown }
}

t.test('a button answers, and what an agent wrote is text', async t => {
  const { program, shown } = await openDesktop(t, 'once')
  const held = sampleHeld({ display: { ...sampleHeld().display, host: '--action=x', line: 'GET http://a.test/<b>&' } })
  t.strictSame(await desktopDoor({ program, clock: slow }).ask(held, { signal: stop }), { verdict: 'approve', grant: 'once', shown: held.shown, by: 'desktop' })
  t.match(shown, [{ app: 'Sallyport', summary: 'Held: --action=x', body: /^GET http:\/\/a\.test\/&lt;b&gt;&amp;\n/, actions: ['once', 'Allow once', 'deny', 'Deny'] }])
  t.strictSame(await desktopDoor({ program, clock: hasty }).ask(held, { signal: stop }), { verdict: 'pass' }, 'what was pressed at once was not read')
  t.strictSame(await desktopDoor({ program, clock: slow }).ask(sampleTask(), { signal: stop }), { verdict: 'pass' }, 'a task is not allowed by a button')
  t.strictSame(await desktopDoor({ program, clock: slow }).ask(sampleHeld({ id: 'q2', group: { id: 'q1', questions: 2, waiting: 2, suggestion: null } }), { signal: stop }), { verdict: 'pass' }, 'the oldest of its group was shown')
  const summaries = (): unknown[] => shown.flatMap(({ summary }) => summary ?? [])
  while (summaries().length < 3) await new Promise(resolve => setTimeout(resolve, 5))
  t.strictSame(summaries(), ['Held: --action=x', 'Held: --action=x', 'Held: 127.0.0.1'])
})

t.test('so does the other one; and one that is closed is no opinion', async t => {
  t.strictSame(await desktopDoor({ ...await openDesktop(t, 'deny'), clock: slow }).ask(sampleHeld(), { signal: stop }), { verdict: 'deny', by: 'desktop' })
  t.strictSame(await desktopDoor({ ...await openDesktop(t, ''), clock: slow }).ask(sampleHeld(), { signal: stop }), { verdict: 'pass' })
})

t.test('a question that is settled elsewhere is taken away', async t => {
  const { program, shown } = await openDesktop(t, 'wait')
  const over = new AbortController()
  const asking = desktopDoor({ program, clock: slow }).ask(sampleHeld(), { signal: over.signal }).catch((error: Error) => error.message)
  while (shown.length === 0 || !hearsInterrupts(readFileSync(`${program}.pid`, 'utf8').trim())) await new Promise(resolve => setTimeout(resolve, 5))
  over.abort(new Error('settled'))
  t.equal(await asking, 'settled')
  while (!shown.some(({ closed }) => closed === true)) await new Promise(resolve => setTimeout(resolve, 5))
  t.pass('its notification was closed')
})

t.test('where there is no desktop, or no such program, it fails', async t => {
  await t.rejects(desktopDoor({ program: '/nonexistent/notify-send' }).ask(sampleHeld(), { signal: stop }), { message: /cannot be told.*ENOENT/ })
  await t.rejects(desktopDoor({ program: '/bin/false' }).ask(sampleHeld(), { signal: stop }), { message: /ended with 1/ })
})

/** Before that a SIGINT would end it with its notification still there. */
function hearsInterrupts(pid: string): boolean {
  const [, caught = '0'] = /^SigCgt:\s+([\da-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return (BigInt(`0x${caught}`) & 2n) !== 0n
}
