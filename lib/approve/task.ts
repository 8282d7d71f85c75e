/**
 * What an agent asks for beforehand as the terminal shows it: every rule in full, for nobody approves what was not seen.
 *
 * Pure. What the agent wrote stands behind a mark at the beginning of each line, in characters that move no cursor.
 */
import { visible } from '../model/display.ts'
import type { HeldTask } from '../model/hold.ts'
import { layoutOf, wrap } from './question.ts'
import type { RenderOptions } from './question.ts'

/** Longest rule or line, in UTF-16 units. The body of a request for access has 64 KiB; a rule of this length is none that a person reads. */
const MAX_LINE = 4_000
/** Of all rules together, about a screen. */
const MAX_ALL = 3_000

/** Whether all of it fits on a screen: nobody approves what was not seen. */
export const isShowable = ({ rules }: HeldTask): boolean => rules.reduce((sum, { rule }) => sum + JSON.stringify(rule).length, 0) <= MAX_ALL

export function renderTask(held: HeldTask, { columns, behind }: Pick<RenderOptions, 'columns' | 'behind'>): string {
  const { width, row } = layoutOf(columns)
  return [
    '',
    behind === 0 ? 'An agent asks for access beforehand:' : `An agent asks for access beforehand (and ${behind} more questions after it):`,
    ...wrap(visible(held.display.line, MAX_LINE), '  | ', width),
    ...isShowable(held) ? held.rules.flatMap(({ rule, says }) => [
      ...wrap(visible(says, MAX_LINE), '  * ', width),
      ...wrap(visible(JSON.stringify(rule), MAX_LINE), '     | ', width),
    ]) : ['  * more than fits here: `sallyport pending` shows the rules'],
    ...held.risks.map(({ says }) => row('risk', says)),
    row('waiting', `${held.waiting === 0 ? 'nobody now' : `${held.waiting} now`}, asked until ${held.deadline}`),
    isShowable(held) ? '  a  approve all of this, until the firewall stops' : `     sallyport approve ${held.id} approves them`,
    '  r  reject   s  skip   ?  help',
    '',
  ].join('\n')
}
