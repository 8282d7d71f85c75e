/**
 * After an event: where the cursors are now. Pure.
 *
 * The cursor stays on its row, whatever comes or goes around it. When the row has gone it is on the one that
 * took its place. Whenever what is shown there is another, `drawnAt` is null until that is on the screen.
 */
import { listHeight } from './layout.ts'
import { itemsOf, type ListPane } from './lists.ts'
import { groupToken, keyOf, lengthOf, questionToken, rowsOf } from './questions.ts'
import { NO_CURSOR, say, type Cursor, type Place, type State } from './state.ts'

export function follow(before: State, state: State): State {
  const followed = { ...withoutOrphan(before, state), cursor: cursorOf(state) }
  return state.pane === 'pending' ? followed : { ...followed, places: { ...state.places, [state.pane]: placeOf(state, state.pane) } }
}

function cursorOf(state: State): Cursor {
  const rows = rowsOf(state)
  const { cursor } = state
  const found = rows.findIndex(({ key }) => key === cursor.row)
  const index = found === -1 ? Math.min(cursor.index, rows.length - 1) : found
  const row = rows[index]
  if (row === undefined) return NO_CURSOR
  const question = questionToken(row)
  const group = groupToken(row)
  const isSame = question === cursor.question
  const kept: Cursor = isSame ? cursor : { ...cursor, question, drawnAt: null, choice: 0, edited: null }
  const isSameGroup = isSame && group === cursor.group
  return {
    ...kept,
    row: row.key,
    index,
    // Who stands above it may leave: it stays on its line of the screen where it can.
    top: scrolled({ top: cursor.top + (found === -1 ? 0 : index - cursor.index), index, count: rows.length, height: listHeight(state) }),
    group,
    groupDrawnAt: isSameGroup ? cursor.groupDrawnAt : null,
    choice: Math.min(kept.choice, Math.max(lengthOf(row, kept.edited) - 1, 0)),
  }
}

function placeOf(state: State, pane: ListPane): Place {
  const items = itemsOf(state, pane)
  const place = state.places[pane]
  // At the top of what happens now, the newest stays under it.
  const isLive = (pane === 'traffic' || pane === 'audit') && place.index === 0
  const found = isLive ? 0 : items.findIndex(({ key }) => key === place.key)
  const index = found === -1 ? Math.min(place.index, items.length - 1) : found
  const key = items[index]?.key ?? null
  if (key === null) return { key, index: 0, top: 0, since: state.time.elapsed }
  return {
    key, index,
    top: scrolled({ top: place.top + (found === -1 || isLive ? 0 : index - place.index), index, count: items.length, height: listHeight(state) }),
    since: key === place.key ? place.since : state.time.elapsed,
  }
}

/** First row on the screen, so that the cursor is on it and no line stays free below that could show one. */
function scrolled({ top, index, count, height }: { readonly top: number, readonly index: number, readonly count: number, readonly height: number }): number {
  const last = Math.max(count - height, 0)
  return Math.min(Math.max(Math.min(top, index), index - height + 1, 0), Math.max(last, 0))
}

/** An answer that is being written to what nobody asks any more. */
function withoutOrphan(before: State, state: State): State {
  const target = state.prompt?.target
  if (target === undefined || target === null || before.prompt === null) return state
  const open = new Set(state.questions.map(({ path, held }) => keyOf(path, held.id)))
  if (target.questions.some(({ id }) => open.has(keyOf(target.path, id)))) return state
  return say({ ...state, prompt: null }, `No longer asked. ${state.message?.text ?? ''}`.trim(), 'warn')
}
