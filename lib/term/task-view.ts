/**
 * A task under the cursor: what an agent asks for beforehand, all of it granted or none. Pure.
 *
 * Its rules may be more than the screen has lines: `↑↓` go through them, and it is not shown whole before its last rule is.
 */
import { arrange, factLine, riskBlocks, type Arranged, type Block } from './blocks.ts'
import { line, span, wrap, type Line } from './lines.ts'
import { rulesOf, type TaskRow } from './questions.ts'
import type { State } from './state.ts'
import { count, length, until } from './words.ts'

/** Lines that the rules have at least, where they need so many. */
const MIN_RULES = 5

export function arrangeTask(state: State, row: TaskRow, { width, height }: { readonly width: number, readonly height: number }): Arranged {
  const rules = rulesOf(row, state.cursor.edited)
  const entries = rules.map(({ says, rule }): readonly Line[] => [
    [span('   '), span(says)],
    ...wrap(JSON.stringify(rule), width, { indent: 6, tone: 'accent', behind: ',' }),
  ])
  const needed = entries.reduce((sum, lines) => sum + lines.length, 1)
  const head = arrange(headOf(state, row, width), Math.max(height - Math.min(needed, Math.max(MIN_RULES, Math.floor(height / 2))), 0))
  const room = height - head.lines.length - 1
  const isAll = needed - 1 <= room
  const first = isAll ? 0 : state.cursor.choice
  const shown = fitting(entries.slice(first), room)
  const last = first + shown.length
  const where = isAll ? '' : ` ${first + 1}–${last} of ${rules.length}${last < rules.length ? ', ↓ shows the rest' : ''}`
  return {
    lines: [...head.lines, line(` ${rules.length === 1 ? 'the rule' : `all ${rules.length} rules, granted together:`}${where}`, last < rules.length ? 'warn' : 'faint'), ...shown.flat()],
    // One that never fits would be passed over unseen.
    isWhole: head.isWhole && last === rules.length && entries.every(lines => lines.length <= room),
  }
}

function headOf({ time, links, cursor }: State, { path, members: [{ held }] }: TaskRow, width: number): readonly Block[] {
  const { display, rules, risks, waiting, firstSeen, deadline, policy } = held
  const fact = (rank: number, label: string, text: string): Block => ({ rank, lines: [factLine(label, text, width)] })
  const others = waiting === 0 ? 'nobody waits' : `${count(waiting, 'client')} ${waiting === 1 ? 'waits' : 'wait'}`
  return [
    { rank: 0, lines: [[span(' task ', 'accent'), span(cursor.edited === null ? `asks beforehand for ${count(rules.length, 'rule')}` : 'your own rules; 1 brings back those that were asked for', 'strong')]] },
    { rank: 0, lines: wrap(`“${display.reason}”`, width, { indent: 1, tone: 'strong' }) },
    ...riskBlocks(risks, width),
    fact(2, 'waits', `${others}, asked ${length(Math.max(-until(firstSeen, time.now), 0))} ago; it is open for ${length(until(deadline, time.now))}`),
    fact(3, 'from', display.client),
    ...policy.name === null ? [] : [fact(5, 'policy', policy.name)],
    ...links.length > 1 ? [fact(8, 'firewall', path)] : [],
  ]
}

/** The first entries that fit as a whole. */
function fitting(entries: readonly (readonly Line[])[], room: number): readonly (readonly Line[])[] {
  let left = room
  const end = entries.findIndex(lines => (left -= lines.length) < 0)
  return end === -1 ? entries : entries.slice(0, end)
}
