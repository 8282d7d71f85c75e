/**
 * A notification on the operator's desktop, by `notify-send`: it tells of a question, and where the desktop shows buttons, takes the answer.
 *
 * What is shown goes to the program as arguments, behind `--`, and to no shell. A button that is pressed in the first half
 * second was meant for something else. Closing the notification is no opinion, and so is a desktop without buttons.
 */
import { spawn } from 'node:child_process'
import { systemClock } from '../model/clock.ts'
import type { Clock } from '../model/clock.ts'
import { visible } from '../model/display.ts'
import type { Answer, Door, Pending } from '../model/hold.ts'
import { createTurns } from './turns.ts'

export interface DesktopOptions {
  /** Default: `notify-send`, as found by PATH. */
  readonly program?: string
  readonly clock?: Clock
}

/** A wall of notifications is read by nobody. */
const MAX_SHOWN = 3
const MAX_LINE = 300
const MAX_RISKS = 3
const UNREAD_MS = 500

export function desktopDoor({ program = 'notify-send', clock = systemClock }: DesktopOptions = {}): Door {
  const turns = createTurns(MAX_SHOWN)
  return {
    name: 'desktop',
    async ask(held, { signal }) {
      if (held.kind === 'request' && held.group.id !== held.id) return { verdict: 'pass' }
      const endTurn = await turns.take(signal)
      try {
        const shownAt = clock.elapsed()
        const pressed = await notify(program, held, signal)
        return clock.elapsed() - shownAt < UNREAD_MS ? { verdict: 'pass' } : answerOf(pressed, held)
      } finally {
        endTurn()
      }
    },
  }
}

function answerOf(pressed: string, held: Pending): Answer {
  if (pressed === 'deny') return { verdict: 'deny', by: 'desktop' }
  return pressed === 'once' && held.kind === 'request' ? { verdict: 'approve', grant: 'once', shown: held.shown, by: 'desktop' } : { verdict: 'pass' }
}

/** Told to stop by SIGINT, the program takes its notification away. @returns the name of the button, or what is none */
function notify(program: string, held: Pending, signal: AbortSignal): Promise<string> {
  const buttons = held.kind === 'request' ? ['--action=once=Allow once', '--action=deny=Deny'] : ['--action=deny=Deny']
  const child = spawn(program, ['--app-name=Sallyport', '--urgency=critical', ...buttons, '--', `Held: ${held.kind === 'request' ? held.display.host : held.display.client}`, bodyOf(held)], { stdio: ['ignore', 'pipe', 'ignore'], signal, killSignal: 'SIGINT' })
  return new Promise((resolve, reject) => {
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => { if (said.length < MAX_LINE) said += text })
    child.once('error', error => reject(signal.aborted ? signal.reason : new Error(`the desktop cannot be told (${program}: ${(error as NodeJS.ErrnoException).code ?? 'not started'})`)))
    child.once('close', (code, killedBy) => code === 0 ? resolve(said.trim()) : reject(signal.aborted ? signal.reason : new Error(`the desktop cannot be told (${program} ended with ${code ?? killedBy})`)))
  })
}

/** Desktops read a little markup in it. */
function bodyOf(held: Pending): string {
  const lines = [visible(held.display.line, MAX_LINE), ...held.risks.slice(0, MAX_RISKS).map(({ says }) => visible(says, MAX_LINE)), `sallyport approve ${held.id}`]
  return lines.join('\n').replace(/[&<>]/g, character => ESCAPES[character]!)
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
