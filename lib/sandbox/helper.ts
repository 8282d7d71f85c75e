/**
 * The program inside a sandbox's namespace: closes the network, opens the only doors, hands them to the firewall
 * outside, and runs the command. It is the one process there with any privilege, and the command cannot see it.
 *
 *   opening ──ready──▶ open ──start──▶ handing over ──all sent, own copies closed──▶ running ──▶ ended
 *
 * It ends with the firewall: by the channel that closes, and by the death signal that its starter set. The command
 * ends with it (`bwrap --die-with-parent`). A step that fails ends it before any command has run.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, readFileSync, readdirSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { systemClock } from '../model/clock.ts'
import { failAloud, handOver, report, waitFor } from './channel.ts'
import { DESCRIPTORS } from './command.ts'
import type { Order } from './messages.ts'
import { closeNetwork, rejectedPackets } from './network.ts'

/** Descriptors on which the firewall passes the command's standard input, output and error: 0 to 2 are the helper's own. */
const STDIO = [4, 5, 6]

/** SIGUSR1 above all: Node would open its debugger, in the command's own network, to whoever asks. */
const DEAF_TO = ['SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const
const O_CLOEXEC = 0o2000000
/** A signal may come before the command is there to have it. */
const ATTEMPT_MS = 10
const MAX_ATTEMPTS = 100
/** Not a child of ours, so nobody tells us of its end. Looking without a pause would take the processor from what is ending. */
const LOOK_MS = 1

await failAloud(main())

async function main(): Promise<void> {
  process.once('disconnect', () => process.exit(1))
  // With a terminal the command is in our process group: what it sends there, and what the keyboard sends, comes to us too.
  for (const signal of DEAF_TO) process.on(signal, () => {})
  closeInherited()
  // Without a network to close, the command gets one of bwrap's, which has no door.
  const doors = process.argv[2] === 'bridged' ? [] : await closeNetwork({ takesLoopbackNames: false })
  const start = waitFor('start')
  await report({ kind: 'ready', handed: doors.map(([what]) => what) })
  const order = await start
  await handOver(doors)
  await run(order, doors.length > 0)
}

/** What whoever started the firewall left open would reach the command through us; what is ours closes on exec by itself. */
function closeInherited(): void {
  for (const fd of readdirSync('/proc/self/fd').map(Number).filter(fd => fd > 2)) {
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0'
      if ((Number.parseInt(flags, 8) & O_CLOEXEC) === 0) closeSync(fd)
    } catch {
      // The one that listed them is closed again.
    }
  }
}

async function run({ program: [file = '', ...args], env, ...given }: Extract<Order, { kind: 'start' }>, isCounted: boolean): Promise<void> {
  const child = spawn(file, args, { env: { ...env }, stdio: [...STDIO, 'pipe', 'pipe', 'pipe', ...given.files.map(() => 'pipe' as const)] } satisfies SpawnOptions)
  const texts = [given.args, given.seccomp, null, ...given.files]
  texts.forEach((text, index) => {
    if (text === null) return
    const pipe = child.stdio[DESCRIPTORS.args + index] as Writable
    // bwrap that has given up closes it; how it ended says why.
    pipe.on('error', () => {})
    pipe.end(Buffer.from(text, 'base64'))
  })
  let init: number | null = null
  let code: number | null = null
  readStatus(child, status => {
    if (status.kind === 'exit') code = status.code
    else {
      init = status.pid
      void report({ kind: 'running', pid: init })
    }
  })
  process.on('message', (order: Order) => {
    if (order.kind === 'signal') send(order.signal, () => init, child)
  })
  const [exit, signal] = await once(child, 'close') as [number | null, NodeJS.Signals | null]
  // bwrap tells before its first process, and with it whatever the command left running, has ended.
  while (init !== null && isAlive(init)) await new Promise<void>(resolve => { systemClock.after(LOOK_MS, resolve) })
  // A command that was killed before it could begin is told by bwrap's own status alone; 1 is bwrap's failure.
  await report({ kind: 'ended', code: code ?? (exit !== null && exit > 128 ? exit : null), signal, rejected: isCounted ? await rejectedPackets() : null })
  process.exit(0)
}

/** bwrap tells its first process's id, and at the end how the command ended, a JSON object a line. */
function readStatus(child: ChildProcess, tell: (status: { kind: 'pid', pid: number } | { kind: 'exit', code: number }) => void): void {
  let rest = ''
  const stream = (child.stdio as readonly unknown[])[DESCRIPTORS.status] as Readable
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const status = JSON.parse(line) as { 'child-pid'?: number, 'exit-code'?: number }
      if (status['child-pid'] !== undefined) tell({ kind: 'pid', pid: status['child-pid'] })
      if (status['exit-code'] !== undefined) tell({ kind: 'exit', code: status['exit-code'] })
    }
  })
}

/** SIGKILL ends the whole sandbox. Any other is the command's alone: the first process ignores what it has no handler for. */
function send(signal: NodeJS.Signals, init: () => number | null, child: ChildProcess, attempts = MAX_ATTEMPTS): void {
  if (signal === 'SIGKILL') return void child.kill(signal)
  const first = init()
  const command = first === null ? null : commandOf(first)
  if (command === null) {
    if (attempts > 0) systemClock.after(ATTEMPT_MS, () => send(signal, init, child, attempts - 1))
    return
  }
  try {
    process.kill(command, signal)
  } catch {
    // It has just ended.
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function commandOf(init: number): number | null {
  try {
    const [first] = readFileSync(`/proc/${init}/task/${init}/children`, 'utf8').split(' ').filter(Boolean)
    return first === undefined ? null : Number(first)
  } catch {
    return null
  }
}
