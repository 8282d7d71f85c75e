/**
 * The question under the cursor, as it stands on the screen. Pure.
 *
 * What is asked and what the chosen rule would add, to the last character, come before everything else; the rest
 * has the lines that are left. Where even those do not fit, that is said, and `isShownWhole` is false.
 */
import type { Held } from '../model/hold.ts'
import { arrange, factLine, riskBlocks, type Arranged, type Block } from './blocks.ts'
import { layoutOf } from './layout.ts'
import { line, span, spread, tall, wrap, type Line, type Tone } from './lines.ts'
import { choicesOf, rowAt, type Choice, type RequestRow, type Row } from './questions.ts'
import type { State } from './state.ts'
import { arrangeTask } from './task-view.ts'
import { count, length, size, until } from './words.ts'

interface Place {
  readonly width: number
  readonly height: number
}

export const paintQuestion = (state: State, row: Row, place: Place): readonly Line[] => tall(arranged(state, row, place).lines, place.height)

/** Whether all that an approval would open stands on the screen. */
export function isShownWhole(state: State): boolean {
  const row = rowAt(state)
  const { detail, detailWidth } = layoutOf(state)
  return row !== null && arranged(state, row, { width: detailWidth, height: detail }).isWhole
}

function arranged(state: State, row: Row, place: Place): Arranged {
  return row.kind === 'task' ? arrangeTask(state, row, place) : arrange(blocksOf(state, row, place.width), place.height)
}

function blocksOf(state: State, row: RequestRow, width: number): readonly Block[] {
  const [{ held }] = row.members
  const { display, nearest } = held
  const fact = (rank: number, label: string, text: string, tone: Tone = 'plain'): Block => ({ rank, lines: [factLine(label, text, width, { text: tone })] })
  const choices = choicesOf(row, state.cursor.edited)
  return [
    { rank: 0, lines: title(held, width) },
    ...riskBlocks(held.risks, width),
    fact(2, 'waits', waiting(state, held)),
    ...row.members.length === 1 ? [] : [fact(2, 'alike', alike(row))],
    ...bodyBlocks(held, width),
    fact(4, 'from', display.userAgent === '' ? display.client : `${display.client}, which calls itself “${display.userAgent}”`),
    ...display.asker === '' ? [] : [fact(5, 'process', display.asker)],
    fact(6, 'policy', policy(held)),
    ...nearest === null ? [] : [fact(6, 'nearest', `${nearest.rule}: ${nearest.why}`)],
    ...state.links.length > 1 ? [fact(8, 'firewall', row.path)] : [],
    { rank: 29, lines: [[]] },
    ...choices.flatMap((choice, at) => rule(choice, { isChosen: at === state.cursor.choice, at, width })),
    ...choices.length === 0 ? [{ rank: 0, lines: [line(' no rule is offered: o approves this one request, e writes a rule', 'warn')] }] : [],
  ]
}

/** Host and port are never cut: they are what decides. */
function title({ display, method, scheme }: Held, width: number): readonly Line[] {
  const what = method === null ? `a ${scheme} stream to` : `${display.method} ${scheme}`
  const host = wrap(`${display.host}${display.unicode === null ? '' : `  reads “${display.unicode}”`}`, Math.max(width - what.length - 2, 16), { tone: 'strong' })
  const [first = [], ...rest] = host
  return [[span(` ${what} `, 'accent'), ...first], ...rest, ...method === null ? [] : wrap(`“${display.path}”`, width, { indent: 1, tone: 'strong' })]
}

function waiting({ time }: State, { firstSeen, deadline, waiting }: Held): string {
  const asked = Math.max(-until(firstSeen, time.now), 0)
  return `${count(waiting, 'request')} for ${length(asked)}; ${deadline === null ? 'the client has given up' : `the client gives up in ${length(until(deadline, time.now))}`}`
}

function alike({ members, group }: RequestRow): string {
  const waiting = Math.max(group.waiting, members.reduce((sum, { held }) => sum + held.waiting, 0))
  return `${count(members.length - 1, 'more question')}; ${count(waiting, 'request')} in all. A approves them, R rejects them`
}

/** Its start on the same line, where there is room. */
function bodyBlocks(held: Held, width: number): readonly Block[] {
  const tone = (held.contentLength ?? 0) > 0 ? 'plain' : 'faint'
  const start = `“${held.display.body}”`
  const joined = held.display.body === '' ? body(held) : `${body(held)}: ${start}`
  if (held.display.body === '' || joined.length + LABEL < width) return [{ rank: 3, lines: [factLine('body', joined, width, { text: tone })] }]
  return [{ rank: 3, lines: [factLine('body', body(held), width, { text: tone }), ...wrap(start, width, { indent: LABEL })] }]
}

/** Columns before what a fact says. */
const LABEL = 10

function body({ contentLength, contentType }: Held): string {
  if (contentType === null && (contentLength ?? 0) === 0) return 'none'
  return [contentLength === null ? 'size not told' : size(contentLength), contentType].filter(part => part !== null).join(', ')
}

function policy({ answers, note, policy }: Held): string {
  const asks = answers === null ? 'no rule matches' : `the rule ${answers} asks`
  return `${asks}${policy.name === null ? '' : ` (${policy.name})`}${note === null ? '' : `: ${note}`}`
}

function rule({ key, says, rule, also, of }: Choice, { isChosen, at, width }: { readonly isChosen: boolean, readonly at: number, readonly width: number }): readonly Block[] {
  const group: Line = of === 'group' ? [span('the whole group ', 'faint')] : []
  const mark = isChosen ? span(' ▸ ', 'accent') : span('   ')
  const json = wrap(JSON.stringify(rule), width, { indent: 6, tone: isChosen ? 'accent' : 'faint', behind: ',' })
  const said = spread([mark, span(`${key}  `, isChosen ? 'accent' : 'strong'), span(says, isChosen ? 'strong' : 'plain')], group, width)
  const others = also === undefined ? [] : wrap(also, width, { indent: 6, tone: 'warn', behind: ' ' })
  if (isChosen) return [{ rank: 0, lines: [said, ...json, ...others] }]
  return [{ rank: 10 + at, lines: [said] }, { rank: 30 + at, lines: json }]
}
