/** How the program ends when something is wrong: one sentence, what to do, exit status 2, no stack trace. */
import { CommanderError } from 'commander'
import { isOperatorError } from '../lib/index.ts'

export function exitWith(error: unknown): never {
  if (error instanceof CommanderError) {
    // Commander has printed its sentence; help and version are no mistakes.
    process.exit(error.exitCode === 0 ? 0 : 2)
  }
  process.stderr.write(`sallyport: ${sentences(error)}\n`)
  if (process.env['SALLYPORT_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  // A shell's for a command that it cannot start; ours would be taken for the command's own.
  process.exit(isOperatorError(error) && error.code === 'E_SANDBOX_COMMAND' ? 127 : 2)
}

function sentences(error: unknown): string {
  if (isOperatorError(error)) return `${error.message} ${error.fix}`
  const message = error instanceof Error ? error.message : String(error)
  return `${message}\nThis should not happen; run it again with SALLYPORT_DEBUG=1 and report what it prints.`
}
