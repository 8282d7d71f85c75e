/** One question, or one group of them, as a line of the list. Pure. */
import type { Pending } from '../model/hold.ts'
import { cut, fit, span, spread, type Line } from './lines.ts'
import type { Row } from './questions.ts'
import type { State } from './state.ts'
import { length, until } from './words.ts'

const NUMBER = 9
/** Narrower than this a line has one number: when the client gives up. */
const NARROW = 64
/** Below it the client gives up before much can be read. */
const SOON_MS = 30_000

export const rowHeadings = (width: number): string => (width < NARROW ? ['gives up'] : ['alike', 'waits', 'gives up']).map(text => text.padStart(NUMBER)).join('').trimStart()

export function paintRow(state: State, row: Row, width: number): Line {
  const [{ held }] = row.members
  const { now } = state.time
  const isPicked = row.key === state.cursor.row
  const number = (text: string): string => text.padStart(NUMBER)
  const left = held.deadline === null ? null : until(held.deadline, now)
  const alike = row.members.length === 1 ? '' : `×${row.members.length}`
  const isNarrow = width < NARROW
  const right: Line = [
    ...isNarrow ? [] : [
      span(number(alike), isPicked ? 'picked' : 'accent'),
      span(number(length(Math.max(-until(held.firstSeen, now), 0))), isPicked ? 'picked' : 'faint'),
    ],
    span(`${number(left === null ? '–' : length(left))} `, isPicked ? 'picked' : left !== null && left < SOON_MS ? 'bad' : 'plain'),
  ]
  const room = Math.max(width - (isNarrow ? 1 : 3) * NUMBER - 1, 0)
  const what = [
    span(isPicked ? '▸ ' : held.risks.length > 0 ? '! ' : '  ', isPicked ? 'picked' : 'warn'),
    span(isNarrow && alike !== '' ? `${alike} ` : '', isPicked ? 'picked' : 'accent'),
    ...words(held).map(({ text, tone }) => span(text, isPicked ? 'picked' : tone)),
  ]
  return cut(spread(fit(what, room, isPicked ? 'picked' : 'plain'), right, width), width)
}

function words(held: Pending): Line {
  if (held.kind === 'task') return [span('task   ', 'accent'), span(`${held.rules.length === 1 ? 'a rule' : `${held.rules.length} rules`} `, 'strong'), span(`“${held.display.reason}”`)]
  const { display, method, scheme } = held
  return [span(`${(method === null ? scheme : display.method).padEnd(6)} `, 'accent'), span(display.host, 'strong'), span(method === null ? '' : ` ${display.path}`)]
}
