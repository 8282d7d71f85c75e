/** `sallyport pending`: what waits for a decision. */
import type { Command } from 'commander'
import { connectControl, findControl } from '../../lib/index.ts'
import type { DeskEvent, Held, HeldTask, Pending } from '../../lib/index.ts'
import { printJson, printLine } from '../output.ts'

export function addPending(program: Command): void {
  program.command('pending')
    .description('what waits for a decision')
    .option('--watch', 'go on and print questions as they come and go')
    .option('--control <path>', 'control socket (default: that of the single running firewall)')
    .option('--json', 'print JSON: {"pending":[{"id":…}]}, with --watch one event a line')
    .action(async (options: { watch?: boolean, control?: string, json?: boolean }) => {
      const control = connectControl(options.control ?? await findControl(process.env))
      if (options.watch) return watch(control.events(new AbortController().signal), options.json === true)
      const pending = await control.pending()
      if (options.json) return printJson({ pending })
      if (pending.length === 0) return printLine('nothing waits for a decision')
      for (const held of pending) if (isFirst(held)) printLine(describe(held))
    })
}

async function watch(events: AsyncIterable<DeskEvent>, json: boolean): Promise<void> {
  for await (const event of events) {
    if (json) printJson(event)
    else if (event.event === 'asked') printLine(event.held.kind === 'task' || isFirst(event.held) ? describe(event.held) : describeMember(event.held))
    else if (event.event === 'settled') printLine(`${event.id}: ${event.how}${event.by === null ? '' : ` by ${event.by}`}\n`)
  }
}

/** One more of a group that was described before: a flood of them must not push it off the screen. */
function describeMember({ id, display, group }: Held): string {
  return [`${id}  ${display.line}`, `    like ${group.id}: ${group.questions} questions, ${group.waiting} requests wait`, ...forAll(id, group)].join('\n')
}

function isFirst(held: Pending): boolean {
  return held.kind === 'task' || held.group.id === held.id
}

function describe(held: Pending): string {
  return held.kind === 'task' ? describeTask(held) : describeRequest(held)
}

/** Each rule as it will be granted: what is approved is what was shown. */
function describeTask({ id, display, rules, risks, waiting, deadline }: HeldTask): string {
  return [
    `${id}  ${display.line}`,
    `    ${waiting} waiting; asked until ${deadline.slice(11, 19)}Z`,
    ...risks.map(risk => `    ! ${risk.says}`),
    ...rules.flatMap(({ rule, says }) => [`    *  ${says}`, `       ${escaped(JSON.stringify(rule))}`]),
    `    sallyport approve ${id} [--ttl 1h] [--rule '[…]']   sallyport deny ${id} [--reason …]`,
  ].join('\n')
}

/** Of JSON: what a terminal could act on or hide, written as its escape. */
function escaped(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function describeRequest(held: Held): string {
  const { display, suggestions, risks, nearest, group } = held
  const lines = [
    `${held.id}  ${display.line}`,
    ...group.questions === 1 ? [] : [`    and ${group.questions - 1} more like it; ${group.waiting} requests wait in all`],
    `    ${held.waiting} waiting, from ${display.client}${display.userAgent === '' ? '' : ` ("${display.userAgent}")`}${held.deadline === null ? '' : `, until ${held.deadline.slice(11, 19)}Z`}`,
    ...(display.asker === '' ? [] : [`    process: "${display.asker.replaceAll('"', '\u201d')}", as it says`]),
    ...(display.body === '' ? [] : [`    body: "${display.body.replaceAll('"', '\u201d')}"`]),
    held.answers === null ? '    no rule matches' : `    rule "${held.answers}" asks${held.note === null ? '' : `: ${held.note}`}`,
    ...nearest === null ? [] : [`    nearest rule "${nearest.rule}": ${nearest.why}`],
    ...risks.map(risk => `    ! ${risk.says}`),
    ...suggestions.flatMap(({ says, also }, index) => [`    ${index + 1}  ${says}`, ...also === undefined ? [] : [`         ${also.says}`]]),
    ...forAll(held.id, group),
    `    sallyport approve ${held.id} [--suggestion 1-${suggestions.length}]   sallyport deny ${held.id}`,
  ]
  return lines.join('\n')
}

/** The rule is spelled out: by the time of the answer the group may be another, and what is approved is what was shown. */
function forAll(id: string, { suggestion }: Held['group']): string[] {
  return suggestion === null ? [] : [`    *  ${suggestion.says}`, `    sallyport approve ${id} --rule ${quoted(JSON.stringify(suggestion.rule))}   sallyport deny ${id} --group`]
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
