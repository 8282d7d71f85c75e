/** Run by command.test.ts: asks a command that never ends, and exits when its stdin does. */
import { commandDoor } from '../../lib/approve/command.ts'
import { sampleHeld } from './sample-held.ts'

commandDoor(`echo $$ > '${process.argv[2]}'; exec sleep 1000`).ask(sampleHeld(), { signal: new AbortController().signal }).catch(() => {})
process.stdin.on('end', () => process.exit(0)).resume()
