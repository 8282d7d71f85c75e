/** Where things stand on the screen. Pure; the cursor follows it, and the painter fills it. */
import type { State } from './state.ts'

/** Narrower or lower than this nothing is shown but that it is too small. */
export const MIN_COLUMNS = 40
export const MIN_ROWS = 16
/** From this width on, list and question stand side by side. */
const WIDE_COLUMNS = 132
const MAX_PROMPT_ROWS = 6

export interface Layout {
  readonly columns: number
  /** One less than the terminal has: a screen that is full to its last line is cleared each time it is drawn. */
  readonly rows: number
  readonly isWide: boolean
  /** Of all between the two lines above and those below. */
  readonly body: number
  /** Lines of what is being typed, its help and its problem; of the message and the keys where nothing is. */
  readonly foot: number
  readonly list: number
  readonly detail: number
  /** Columns of the list, and of what stands beside or below it. */
  readonly listWidth: number
  readonly detailWidth: number
}

export function layoutOf({ size, prompt, pane }: State): Layout {
  const columns = Math.max(size.columns, 1)
  const rows = Math.max(size.rows - 1, 1)
  const isWide = columns >= WIDE_COLUMNS
  const foot = prompt === null ? 2 : promptRows(prompt.before.length + prompt.after.length, columns) + 1
  const body = Math.max(rows - 2 - foot, 2)
  const detailRows = isWide ? body : Math.max(body - 1 - listRows(pane, body), 0)
  const listWidth = isWide ? Math.floor((columns - 3) * (pane === 'pending' ? 0.45 : 0.6)) : columns
  return {
    columns, rows, isWide, body, foot,
    list: isWide ? body : body - 1 - detailRows,
    detail: detailRows,
    listWidth,
    detailWidth: isWide ? columns - 3 - listWidth : columns,
  }
}

export const listHeight = (state: State): number => Math.max(layoutOf(state).list, 1)

/** The question needs more room than the list; elsewhere it is the other way round. */
const listRows = (pane: State['pane'], body: number): number => pane === 'pending' ? Math.min(Math.max(Math.floor(body * 0.22), 3), 12) : Math.max(body - 8, 3)

export const promptRows = (characters: number, columns: number): number => Math.min(Math.max(Math.ceil((characters + 12) / Math.max(columns - 4, 8)), 1), MAX_PROMPT_ROWS) + 1
