/** The whole screen, from what is known. Pure: the view only gives it colours. */
import { layoutOf, MIN_COLUMNS, MIN_ROWS, type Layout } from './layout.ts'
import { beside, cut, EMPTY, line, lineWidth, span, spread, tall, wrap, type Line, type Span } from './lines.ts'
import { itemAt, itemsOf } from './lists.ts'
import { paintItem, paintItemDetail, headings } from './item-view.ts'
import { paintHelp } from './help.ts'
import { paintPrompt } from './prompt-view.ts'
import { paintQuestion } from './question-view.ts'
import { paintRow, rowHeadings } from './row-view.ts'
import { rowAt, rowsOf } from './questions.ts'
import { PANES, type Link, type Pane, type State } from './state.ts'
import { count } from './words.ts'

export function paint(state: State): readonly Line[] {
  const layout = layoutOf(state)
  const { columns, rows } = layout
  if (columns < MIN_COLUMNS || rows < MIN_ROWS - 1) return tall([cut(line(`Too small: ${MIN_COLUMNS}×${MIN_ROWS} at least. q quits.`, 'warn'), columns)], rows)
  const body = state.isHelpOpen ? tall(paintHelp(columns), layout.body) : state.pane === 'pending' ? pending(state, layout) : listed(state, state.pane, layout)
  return [
    tabs(state, columns),
    headline(state, layout),
    ...tall(body, layout.body),
    ...tall(foot(state, columns), layout.foot),
  ].map(each => cut(each, columns))
}

const TITLES: Readonly<Record<Pane, string>> = { pending: 'Pending', grants: 'Grants', rules: 'Rules', traffic: 'Traffic', audit: 'Audit' }

function tabs(state: State, columns: number): Line {
  const waiting = rowsOf({ ...state, filters: { ...state.filters, pending: '' } }).length
  const open = state.links.reduce((sum, { status }) => sum + (status?.counts.grants ?? 0), 0)
  const numbers: Partial<Record<Pane, number>> = { pending: waiting, grants: open }
  const names = PANES.flatMap((pane): Span[] => {
    const n = numbers[pane] ?? 0
    const isPicked = pane === state.pane
    return [span(` ${TITLES[pane]}${n === 0 ? '' : ` ${n}`} `, isPicked ? 'picked' : pane === 'pending' && n > 0 ? 'warn' : 'plain'), span(' ')]
  })
  const left: Line = [span(columns < 100 ? ' ' : ' sallyport  ', 'strong'), ...names]
  return spread(left, firewalls(state, Math.max(columns - lineWidth(left) - 1, 0)), columns)
}

/** Each with a dot: green while it answers. Where they do not all fit, how many do. */
function firewalls({ links }: State, room: number): Line {
  if (links.length === 0) return [span('no firewall runs yet ', 'warn')]
  const full = links.flatMap((link): Span[] => [dot(link), span(`${nameOf(link)} `)])
  if (lineWidth(full) <= room) return full
  const open = links.filter(({ state }) => state === 'open').length
  const short: Line = [span('● ', open === links.length ? 'good' : 'bad'), span(`${open === links.length ? count(open, 'firewall') : `${open} of ${links.length}`} `)]
  return links.length === 1 ? cut(full, room) : short
}

const DOTS: Readonly<Record<Link['state'], Span>> = { open: span('● ', 'good'), opening: span('○ ', 'warn'), closed: span('○ ', 'bad') }
const dot = ({ state }: Link): Span => DOTS[state]

/** The policy's name, else that of the socket. */
export function nameOf({ path, status, state }: Link): string {
  const file = path.slice(path.lastIndexOf('/') + 1).replace(/\.sock$/, '')
  return `${status?.policy.name ?? file}${state === 'closed' ? ' (gone)' : ''}`
}

function heading(state: State): string {
  const { pane, filters } = state
  const shown = pane === 'pending' ? rowsOf(state).reduce((sum, { members }) => sum + members.length, 0) : itemsOf(state, pane).length
  const words: Readonly<Record<Pane, string>> = {
    pending: shown === 0 ? '' : count(shown, 'question'),
    grants: count(shown, 'grant'),
    rules: count(shown, 'rule'),
    traffic: `the last ${count(shown, 'flow')}${state.skipped === 0 ? '' : `, ${state.skipped} not shown`}`,
    audit: count(shown, 'record'),
  }
  return `${words[pane]}${filters[pane] === '' ? '' : `  /${filters[pane]}`}`
}

/** Above the list, and above what stands beside it. */
function headline(state: State, layout: Layout): Line {
  const { columns, isWide, listWidth, detailWidth } = layout
  if (state.isHelpOpen) return rule('keys', '', columns)
  const isSplit = isWide && (state.pane === 'pending' ? rowAt(state) : itemAt(state, state.pane)) !== null
  if (!isSplit) return rule(heading(state), columnNames(state, layout), columns)
  return [...rule(heading(state), columnNames(state, layout), listWidth), span('─┬─', 'faint'), ...rule('', '', detailWidth)]
}

const columnNames = (state: State, { listWidth }: Layout): string => state.pane === 'pending' ? rowsOf(state).length === 0 ? '' : rowHeadings(listWidth) : headings(state.pane, listWidth)

/** `── left ───────── right ─` */
function rule(left: string, right: string, width: number): Line {
  const words = (text: string): Line => text === '' ? EMPTY : [span(` ${text} `, 'faint')]
  const start: Line = [span('─', 'faint'), ...words(left)]
  const end: Line = [...words(right), span('─', 'faint')]
  const missing = Math.max(width - lineWidth(start) - lineWidth(end), 0)
  return [...start, span('─'.repeat(missing), 'faint'), ...end]
}

function pending(state: State, { isWide, list, detail, listWidth, detailWidth, columns, body }: Layout): readonly Line[] {
  const rows = rowsOf(state)
  const row = rowAt(state)
  if (row === null) return nothing(state, columns, body)
  const lines = tall(rows.slice(state.cursor.top, state.cursor.top + list).map(each => paintRow(state, each, listWidth)), list)
  const below = rows.length - state.cursor.top - list
  const shown = paintQuestion(state, row, { width: detailWidth, height: detail })
  return isWide ? beside(lines, shown, listWidth) : [...lines, rule(row.members.length > 1 ? `1 of ${row.members.length} that are alike` : 'the question', below > 0 ? `${below} more below` : '', columns), ...shown]
}

function nothing(state: State, columns: number, height: number): readonly Line[] {
  const isFiltered = state.filters.pending !== '' && state.questions.length > 0
  const words = isFiltered
    ? [`Nothing that waits matches “${state.filters.pending}”.`, 'Esc shows all.']
    : state.links.some(({ state }) => state === 'open')
      ? ['Nothing waits for you.', 'What no rule knows will appear here, its client still connected.']
      : ['No firewall answers.', state.links.find(({ problem }) => problem !== null)?.problem ?? 'Start one: sallyport serve --policy policy.json', 'It is looked for until one does.']
  const above = Math.max(Math.floor((height - words.length) / 2) - 1, 0)
  return [...Array.from({ length: above }, () => EMPTY), ...words.map((text, at) => centred(line(text, at === 0 ? 'strong' : 'faint'), columns))]
}

const centred = (text: Line, width: number): Line => [span(' '.repeat(Math.max(Math.floor((width - lineWidth(text)) / 2), 0))), ...text]

function listed(state: State, pane: Exclude<Pane, 'pending'>, { isWide, list, detail, listWidth, detailWidth, columns, body }: Layout): readonly Line[] {
  const items = itemsOf(state, pane)
  const item = itemAt(state, pane)
  if (item === null) return [EMPTY, ...(state.filters[pane] === '' || pane === 'audit' ? EMPTY_WORDS[pane] : ['', 'Nothing here matches.', 'Esc shows all.']).map(text => centred(line(text, 'faint'), columns))].slice(0, body)
  const { top } = state.places[pane]
  const lines = tall(items.slice(top, top + list).map(each => paintItem(state, each, { isPicked: each.key === item.key, width: listWidth })), list)
  const shown = tall(paintItemDetail(state, item, detailWidth), detail)
  const below = items.length - top - list
  return isWide ? beside(lines, shown, listWidth) : [...lines, rule('', below > 0 ? `${below} more below` : '', columns), ...shown]
}

const EMPTY_WORDS: Readonly<Record<Exclude<Pane, 'pending'>, readonly string[]>> = {
  grants: ['', 'No grant is open.', 'What you approve appears here; u takes it back.'],
  rules: ['', 'No rule to show.'],
  traffic: ['', 'Nothing has passed since this terminal was opened.'],
  audit: ['', 'Nothing found.', '/ searches: words, host:example.com, action:deny'],
}

/** The first ones are shown where there is little room. `?` is always there. */
const KEYS: Readonly<Record<Pane, readonly (readonly [string, string])[]>> = {
  pending: [['a', 'approve'], ['r', 'reject'], ['↑↓', 'rule'], ['o', 'once'], ['t', 'time'], ['e', 'edit'], ['A R', 'group'], ['u', 'undo'], ['←→', 'question'], ['/', 'filter'], ['Tab', 'lists'], ['q', 'quit']],
  grants: [['↑↓', 'move'], ['u', 'take it back'], ['/', 'filter'], ['Tab', 'next list'], ['q', 'quit']],
  rules: [['↑↓', 'move'], ['/', 'filter'], ['Tab', 'next list'], ['q', 'quit']],
  traffic: [['↑↓', 'move'], ['Home', 'follow'], ['/', 'filter'], ['Tab', 'next list'], ['q', 'quit']],
  audit: [['/', 'search'], ['↑↓', 'move'], ['Esc', 'all'], ['Tab', 'next list'], ['q', 'quit']],
}
const IDLE_KEYS = [['Tab', 'grants, rules, traffic, audit'], ['u', 'undo'], ['q', 'quit']] as const
const HELP = ['?', 'help'] as const

function foot(state: State, columns: number): readonly Line[] {
  if (state.prompt !== null) return paintPrompt(state, state.prompt, columns)
  const { message } = state
  const said = message === null ? [EMPTY] : wrap(message.text, columns - 1, { indent: 1, tone: message.tone, behind: ' ' })
  // What is too long for its line stands over the keys until it has gone.
  return said.length > 1 ? said.slice(0, 2) : [...said, state.isHelpOpen ? paintedKeys([['any key', 'goes back']]) : keyLine(state.pane === 'pending' && rowAt(state) === null ? IDLE_KEYS : KEYS[state.pane], columns)]
}

function keyLine(keys: readonly (readonly [string, string])[], columns: number): Line {
  let shown = keys
  while (shown.length > 0 && lineWidth(paintedKeys([...shown, HELP])) > columns) shown = shown.slice(0, -1)
  return paintedKeys([...shown, HELP])
}

const paintedKeys = (keys: readonly (readonly [string, string])[]): Line => [span(' '), ...keys.flatMap(([key, does]): Span[] => [span(key, 'accent'), span(` ${does}  `, 'faint')])]
