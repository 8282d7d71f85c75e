/** What happens while a firewall runs, on standard error: standard output is the audit log's or a program's. */
import type { DeskEvent } from '../lib/index.ts'

/** Where questions are answered. */
export const OPERATOR_HINT = 'sallyport term, or sallyport pending --watch'

/** For a policy whose unmatched requests pass. */
export const OBSERVING = '!!! OBSERVING: whatever no rule matches PASSES UNASKED to any public address, and is only recorded. Rules that deny or ask still do, and addresses that are not public stay shut. For a run that you trust, and for no other.'

export function tell(event: DeskEvent): void {
  switch (event.event) {
    case 'policy': return note(event.problem === null ? `policy ${event.name ?? ''} in force, generation ${event.generation}` : `the policy was not reloaded, the last good one stays: ${event.problem}`)
    case 'door-failed': return note(`${event.door} failed for question ${event.id} and is closed for it: ${event.problem}`)
    case 'notice': return note(event.says)
    case 'asked': return note(`held ${event.held.id}: ${event.held.display.line}   sallyport approve ${event.held.id}`)
    case 'settled': return note(`${event.how} ${event.id}${event.by === null ? '' : ` by ${event.by}`}`)
    case 'undone': return note(`the grant ${event.id} was taken back${event.by === null ? '' : ` by ${event.by}`}; ${event.closed} ${event.closed === 1 ? 'connection' : 'connections'} closed`)
    case 'changed': case 'decided': case 'flows': return
    default: event satisfies never
  }
}

/** The carriage return is for a terminal that a command has in raw mode. */
export function note(text: string): void {
  process.stderr.write(`sallyport: ${text}${process.stderr.isTTY ? '\r' : ''}\n`)
}

/** An option that was not given is left out, so that its default stands in one place. */
export function given<Name extends string, Value>(name: Name, value: Value | undefined): { [K in Name]?: Value } {
  return value === undefined ? {} : { [name]: value } as { [K in Name]?: Value }
}
