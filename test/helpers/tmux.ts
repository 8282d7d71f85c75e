/** A real terminal that a test looks at and types into: tmux, with a server of its own. */
import { execFileSync } from 'node:child_process'
import type { Env } from './clients.ts'

interface Teardown { teardown(call: () => unknown): void }

export interface Terminal {
  /** What is on the screen, with its colours where asked for. */
  screen(options?: { readonly withColours?: boolean }): string
  /** Waits until the screen matches. @throws with the screen, where it does not in time */
  until(pattern: RegExp): Promise<string>
  /** Keys, as tmux names them. */
  keys(...keys: readonly string[]): void
  /** Looks for a moment, as an operator does, and presses it; again where the program was so slow that it came too early. */
  press(key: string, pattern: RegExp): Promise<string>
  resize(columns: number, rows: number): void
  /** A variable of tmux's, for example `alternate_on`. */
  ask(variable: string): string
}

const LOOK_MS = 40
const MAX_WAIT_MS = 20_000
/** More than the 300 ms after which a key counts. */
const GLANCE_MS = 400

const pause = (ms: number): Promise<void> => new Promise(resolve => { setTimeout(resolve, ms) })

/** @param name of its server, for no two tests may share one */
export function openTerminal(t: Teardown, command: string, { name, env, columns, rows }: { readonly name: string, readonly env: Env, readonly columns: number, readonly rows: number }): Terminal {
  const tmux = (...args: readonly string[]): string => execFileSync('tmux', ['-L', name, '-f', '/dev/null', ...args], { env: { ...env, TERM: 'xterm-256color' }, encoding: 'utf8' })
  tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), command)
  t.teardown(() => { tmux('kill-server') })
  const terminal: Terminal = {
    screen: ({ withColours = false } = {}) => tmux('capture-pane', '-p', ...withColours ? ['-e'] : []),
    async until(pattern) {
      const end = performance.now() + MAX_WAIT_MS
      for (;;) {
        const screen = terminal.screen()
        if (pattern.test(screen)) return screen
        if (performance.now() > end) throw new Error(`${pattern} is not on the screen:\n${screen}`)
        await pause(LOOK_MS)
      }
    },
    keys: (...keys) => { tmux('send-keys', ...keys) },
    async press(key, pattern) {
      for (let tries = 0; tries < 5; tries++) {
        await pause(GLANCE_MS)
        terminal.keys(key)
        for (const end = performance.now() + GLANCE_MS; performance.now() < end; await pause(LOOK_MS)) if (pattern.test(terminal.screen())) return terminal.screen()
        if (!terminal.screen().includes('came too early')) break
      }
      return terminal.until(pattern)
    },
    resize: (columns, rows) => { tmux('resize-window', '-x', String(columns), '-y', String(rows)) },
    ask: variable => tmux('display-message', '-p', `#{${variable}}`).trim(),
  }
  return terminal
}
