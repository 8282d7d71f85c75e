/**
 * `--on-hold "command"`: a program of the operator's, as a door.
 *
 * The question goes to its stdin as one line of JSON, never onto a command line or into the
 * environment, so nothing an agent wrote is ever read by the shell. Its stdout is the answer.
 */
import { systemClock, type Clock } from '../model/clock.ts'
import { visible } from '../model/display.ts'
import type { Answer, Door } from '../model/hold.ts'
import { runShell, type Ran } from './shell.ts'
import { createTurns } from './turns.ts'

/** Commands at once. Each is a process or more; questions beyond wait in order. */
const MAX_RUNNING = 8
const MAX_PROBLEM = 200

/**
 * The command has as long as the question: its process group is killed when that is settled.
 *
 * The door is closed for a question, with the reason, by an exit code other than 0, a signal, more
 * than 64 KiB of output, and output that is not one JSON value. No output at all is no opinion.
 */
export function commandDoor(command: string, clock: Clock = systemClock): Door {
  const turns = createTurns(MAX_RUNNING)
  return {
    name: 'command',
    async ask(held, { signal }) {
      const input = `${JSON.stringify(held)}\n`
      const endTurn = await turns.take(signal)
      const { ended, whenGone } = runShell({ command, input, clock, signal })
      // The place is free when the processes are gone, which is later than the answer for one that has to be killed.
      void whenGone.then(endTurn)
      return readAnswer(await ended)
    },
  }
}

/** @throws Error with a problem for the operator */
function readAnswer(ran: Ran): Answer {
  switch (ran.kind) {
    case 'failed': throw new Error(`the command could not be run: ${visible(ran.problem, MAX_PROBLEM)}`)
    case 'too-much': throw new Error(`the command wrote more than ${ran.limit} bytes`)
    case 'signalled': throw new Error(`the command was ended by ${ran.signal}${quoteFirstLine(ran.stderr)}`)
    case 'exited': break
    default: ran satisfies never
  }
  if (ran.code !== 0) throw new Error(`the command exited with ${ran.code}${quoteFirstLine(ran.stderr)}`)
  let text
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(ran.stdout).trim()
    // No opinion is the queue's word for it. What else there is, the queue parses.
    return text === '' ? { verdict: 'pass' } : JSON.parse(text) as Answer
  } catch (error) {
    const shown = text === undefined ? 'not UTF-8' : `"${visible(text, MAX_PROBLEM)}"`
    throw new Error(`the command wrote something that is not JSON: ${shown}${quoteFirstLine(ran.stderr)}`, { cause: error })
  }
}

/** What a program has to say about its failure mostly stands in the first line that is not empty. */
function quoteFirstLine(stderr: Uint8Array): string {
  const line = new TextDecoder().decode(stderr).split('\n').map(each => each.trim()).find(each => each !== '')
  return line === undefined ? '' : `; it said: "${visible(line, MAX_PROBLEM)}"`
}
