/** Run by pty.test.ts in a pseudo terminal: asks the questions q1 and q2, one after the other, and prints the answers. */
import { terminalDoor } from '../../lib/approve/terminal.ts'
import { systemClock } from '../../lib/model/clock.ts'
import { sampleHeld } from './sample-held.ts'

const door = terminalDoor({ input: process.stdin, output: process.stdout, clock: systemClock })
const signal = new AbortController().signal
for (const id of ['q1', 'q2']) {
  const answer = await door.ask(sampleHeld({ id, display: { ...sampleHeld().display, line: `question ${id}` } }), { signal })
  process.stdout.write(`<${id}: ${JSON.stringify(answer)}>\n`)
}
door.close()
process.stdout.write('<done>\n')
