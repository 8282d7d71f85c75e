/**
 * A question as the terminal shows it: what is asked, what is known, and which key does what.
 *
 * Pure. What an agent wrote stands between quotation marks that it cannot close, in characters
 * that move no cursor, on one line or behind a mark at the beginning of each.
 */
import { visible } from '../model/display.ts'
import type { Held, HeldGroup, Pending, Suggestion } from '../model/hold.ts'

/** Keys `1` to `5`. */
const MAX_OFFERED = 5
/** A rule that takes more than this would push the question off the screen; nobody approves what was not seen. */
const MAX_RULE_LENGTH = 1_000
const MAX_COLUMNS = 120
const MIN_COLUMNS = 40
const USUAL_COLUMNS = 80
/** It may have chosen its name to be approved. */
const SAID = ', as it says'
const LABEL_WIDTH = 9
/** Longest word about what else a rule covers. */
const MAX_ALSO = 400
/** Longest question in one line, in UTF-16 units; `describeLine` stays far below. */
const MAX_LINE = 2_000

/** The rules that the keys `1`, `2` … approve, in this order. */
export const offered = (held: Held): readonly Suggestion[] =>
  held.suggestions.filter(({ rule }) => JSON.stringify(rule).length <= MAX_RULE_LENGTH).slice(0, MAX_OFFERED)

/** The rule that key `g` approves for all questions like it; null where there is none to show. */
export function offeredToGroup({ questions, suggestion }: HeldGroup): Suggestion | null {
  return questions > 1 && suggestion !== null && JSON.stringify(suggestion.rule).length <= MAX_RULE_LENGTH ? suggestion : null
}

/** A task stands for itself. */
export function groupOf(held: Pending): HeldGroup {
  return held.kind === 'request' ? held.group : { id: held.id, questions: 1, waiting: held.waiting, suggestion: null }
}

export interface RenderOptions {
  /** Width of the terminal; 0 where that is not known. */
  readonly columns: number
  /** Questions that wait for this one to be answered, and are not like it. */
  readonly behind: number
  /** Those that are like it, as far as is known now. */
  readonly group: HeldGroup
}

export function renderQuestion(held: Held, { columns, behind, group }: RenderOptions): string {
  const { width, room, row } = layoutOf(columns)
  const { display, nearest } = held
  const choice = (key: string, { says, rule, also }: Suggestion): string[] => [
    `  ${key}  ${visible(says, width - 5)}`,
    ...wrap(visible(JSON.stringify(rule), 8 * MAX_RULE_LENGTH), '     | ', width),
    ...also === undefined ? [] : wrap(visible(also.says, MAX_ALSO), '     | ', width),
  ]
  const rules = offered(held).flatMap((suggestion, index) => choice(String(index + 1), suggestion))
  const forAll = offeredToGroup(group)
  return [
    '',
    behind === 0 ? 'A request waits for your decision:' : `A request waits for your decision (and ${behind} more after it):`,
    // Never cut: it names host and port.
    ...wrap(visible(display.line, MAX_LINE), '  | ', width),
    row('client', quoted(display.client, room)),
    row('agent', quoted(display.userAgent, room)),
    ...(display.asker === '' ? [] : [row('process', `${quoted(display.asker, room - SAID.length)}${SAID}`)]),
    ...(display.body === '' ? [] : [row('body', quoted(display.body, room))]),
    row('policy', policyWords(held)),
    ...(nearest === null ? [] : [row('nearest', `${nearest.rule}: ${nearest.why}`)]),
    ...held.risks.map(({ says }) => row('risk', says)),
    row('waiting', waitingWords(held)),
    ...(group.questions === 1 ? [] : [row('like it', `${group.questions - 1} more, ${group.waiting} requests in all`)]),
    '  a  approve this request, once',
    ...rules,
    ...(forAll === null ? [] : choice('g', forAll)),
    '  r  reject   s  skip   ?  help',
    '',
  ].join('\n')
}

/** @param columns of the terminal; 0 where that is not known */
export function layoutOf(columns: number): { readonly width: number, readonly room: number, row(label: string, text: string): string } {
  const width = Math.min(Math.max(columns > 0 ? columns : USUAL_COLUMNS, MIN_COLUMNS), MAX_COLUMNS) - 1
  const room = width - LABEL_WIDTH - 2
  return { width, room, row: (label, text) => `  ${label.padEnd(LABEL_WIDTH)}${visible(text, room)}` }
}

/** What the keys do, for `?`. */
export const HELP = `
  a      approve the request that was shown, and nothing else; of a task: all its rules, until the firewall stops
  1–5    approve the rule shown beside the number, until the firewall stops
  g      approve the rule shown beside it, for this question and all that are like it
  r      reject it: the agent is told that the operator said no
  s      skip it here: it stays open for whoever else is asked, and in \`sallyport pending\`
  Keys count once the question has been on the screen for a moment.
`

/** In straight quotation marks, of which there is none inside, at most `max` long. */
function quoted(text: string, max: number): string {
  return `"${visible(text.replaceAll('"', '\u201d'), max - 2)}"`
}

function policyWords({ answers, note, policy }: Held): string {
  const rule = answers === null ? 'no rule matches it' : `the rule ${answers} has it held`
  const name = policy.name === null ? '' : ` in ${policy.name}`
  return `${rule}${name}${note === null ? '' : `: ${note}`}`
}

function waitingWords({ waiting, deadline }: Held): string {
  const who = waiting === 1 ? '1 request' : `${waiting} requests`
  return deadline === null ? who : `${who}, until ${deadline}`
}

/** Each line begins with `mark`, so that none of it can pass for a line of ours. */
export function wrap(text: string, mark: string, width: number): readonly string[] {
  const lines: string[] = []
  const room = width - mark.length
  for (let at = 0; at < text.length; at += room) lines.push(mark + text.slice(at, at + room))
  return lines
}
