/**
 * Runs one command of the operator's in a shell, with bounds: its output is capped, and it is
 * gone, with all it started, soon after nobody wants its answer any more.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Clock } from '../model/clock.ts'

export type Ran =
  | { readonly kind: 'exited', readonly code: number, readonly stdout: Uint8Array, readonly stderr: Uint8Array }
  | { readonly kind: 'signalled', readonly signal: string, readonly stderr: Uint8Array }
  | { readonly kind: 'too-much', readonly limit: number }
  | { readonly kind: 'failed', readonly problem: string }

export interface Run {
  /** Rejects with the signal's reason as soon as that aborts. */
  readonly ended: Promise<Ran>
  /** Resolves when the process is gone; for one that is being killed, later than `ended`. Never rejects. */
  readonly whenGone: Promise<void>
}

export const MAX_OUTPUT_BYTES = 64 * 1024
/** Enough for the first lines; the rest is read and thrown away, so that the program does not block on it. */
const MAX_STDERR_BYTES = 4 * 1024
/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2_000
/** How long output is awaited after the shell has ended, where something it started still holds the pipe. */
const LINGER_MS = 1_000

/** The shell leads a process group of its own and has our environment and working directory, but not our terminal. */
export function runShell({ command, input, clock, signal }: {
  readonly command: string
  readonly input: string
  readonly clock: Clock
  readonly signal: AbortSignal
}): Run {
  let child: ChildProcess
  try {
    child = spawn('/bin/sh', ['-c', command], { detached: true, stdio: 'pipe' })
  } catch (error) {
    // For example a NUL in the command.
    const problem = error instanceof Error ? error.message : 'unknown error'
    return { ended: Promise.resolve({ kind: 'failed', problem }), whenGone: Promise.resolve() }
  }
  // A command that never reads its input closes the pipe: EPIPE, and its own business.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)

  const group = trackGroup(child, clock)
  const stdout = collect(child.stdout, MAX_OUTPUT_BYTES)
  const stderr = collect(child.stderr, MAX_STDERR_BYTES)
  const ended = new Promise<Ran>((done, fail) => {
    const onAbort = () => {
      group.kill()
      fail(signal.reason)
    }
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    stdout.onOverflow(() => {
      group.kill()
      done({ kind: 'too-much', limit: MAX_OUTPUT_BYTES })
    })
    child.on('error', error => done({ kind: 'failed', problem: error.message }))
    child.on('close', (code, by) => {
      signal.removeEventListener('abort', onAbort)
      done(code === null
        ? { kind: 'signalled', signal: by ?? 'a signal', stderr: stderr.bytes() }
        : { kind: 'exited', code, stdout: stdout.bytes(), stderr: stderr.bytes() })
    })
  })
  return { ended, whenGone: group.whenGone }
}

/** Groups that run now: none may outlive us. */
const running = new Set<number>()

const killAll = (): void => {
  for (const pid of running) killGroup(pid, 'SIGKILL')
}

function keepInMind(pid: number): void {
  if (running.size === 0) process.on('exit', killAll)
  running.add(pid)
}

function forget(pid: number): void {
  running.delete(pid)
  if (running.size === 0) process.off('exit', killAll)
}

function trackGroup(child: ChildProcess, clock: Clock): { kill(): void, readonly whenGone: Promise<void> } {
  const { pid } = child
  if (pid !== undefined) keepInMind(pid)
  let isBeingKilled = false
  let hasExited = false

  child.on('exit', () => {
    hasExited = true
    if (pid === undefined) return
    // Its children had the same SIGTERM and get no more time: once they have ended too, the number may be given to somebody else.
    if (isBeingKilled) killGroup(pid, 'SIGKILL')
    forget(pid)
    // Without this, `something & echo '{…}'` would never be answered: 'close' waits for the last holder of the pipe.
    const linger = clock.after(LINGER_MS, () => {
      child.stdout?.destroy()
      child.stderr?.destroy()
    })
    child.once('close', () => linger.cancel())
  })

  return {
    kill() {
      if (isBeingKilled || hasExited || pid === undefined) return
      isBeingKilled = true
      killGroup(pid, 'SIGTERM')
      const last = clock.after(GRACE_MS, () => killGroup(pid, 'SIGKILL'))
      child.once('exit', () => last.cancel())
    },
    whenGone: new Promise(done => {
      child.once('close', () => done())
      // It never ran.
      child.once('error', () => done())
    }),
  }
}

function killGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // ESRCH: all of it has ended already. EPERM: it became another user's (sudo), and is that user's to end.
  }
}

function collect(stream: NodeJS.ReadableStream | null, limit: number): { bytes(): Uint8Array, onOverflow(call: () => void): void } {
  const chunks: Buffer[] = []
  let size = 0
  let overflowed: (() => void) | undefined
  stream?.on('data', (chunk: Buffer) => {
    const room = limit - size
    size += chunk.length
    if (room > 0) chunks.push(chunk.subarray(0, room))
    if (size > limit) overflowed?.()
  })
  // Destroyed while it was read: what came is what there is.
  stream?.on('error', () => {})
  return {
    bytes: () => Buffer.concat(chunks),
    onOverflow(call) { overflowed = call },
  }
}
