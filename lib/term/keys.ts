/** What a key does while nothing is being typed. Pure. */
import { answering } from './answering.ts'
import { itemAt, itemsOf } from './lists.ts'
import { listHeight } from './layout.ts'
import { open } from './prompt.ts'
import { lengthOf, rowAt, rowsOf } from './questions.ts'
import { GUARD_MS, tooEarly } from './guard.ts'
import { PANES, say, step, type Effect, type Key, type NamedKey, type Pane, type State, type Step } from './state.ts'

export function press(state: State, key: Key): Step {
  if (key.kind === 'named') return named(state, key.name)
  if (state.isHelpOpen) return step({ ...state, isHelpOpen: false }, ...key.text === 'q' ? [QUIT] : [])
  // What was pasted, or typed before this screen was there, comes as more than one character, and is no key.
  switch (key.text) {
    case 'q': return step(state, QUIT)
    case '?': return step({ ...state, isHelpOpen: true })
    case '/': return step(open(state, { kind: 'filter', text: state.filters[state.pane], target: null }))
    case 'j': return step(moved(state, 1))
    case 'k': return step(moved(state, -1))
    case 'u': return undo(state)
    default: return state.pane === 'pending' ? answering(state, key.text) : step(state)
  }
}

const QUIT: Effect = { kind: 'quit' }

function named(state: State, name: NamedKey): Step {
  if (name === 'interrupt') return step(state, QUIT)
  if (state.isHelpOpen) return step({ ...state, isHelpOpen: false })
  const isPending = state.pane === 'pending'
  switch (name) {
    case 'tab': return turn(state, 1)
    case 'back-tab': return turn(state, -1)
    case 'up': return step(isPending ? chosen(state, -1) : moved(state, -1))
    case 'down': return step(isPending ? chosen(state, 1) : moved(state, 1))
    case 'left': return step(isPending ? moved(state, -1) : state)
    case 'right': return step(isPending ? moved(state, 1) : state)
    case 'page-up': return step(moved(state, -listHeight(state)))
    case 'page-down': return step(moved(state, listHeight(state)))
    case 'home': return step(moved(state, -Infinity))
    case 'end': return step(moved(state, Infinity))
    case 'escape': return step(unfiltered(state), ...state.pane === 'audit' ? [{ kind: 'search', query: {} } as const] : [])
    case 'enter':
    case 'backspace':
    case 'erase': return step(state)
    default: return name satisfies never
  }
}

/** The pane beside this one. */
function turn(state: State, by: 1 | -1): Step {
  const pane = PANES[(PANES.indexOf(state.pane) + by + PANES.length) % PANES.length] ?? 'pending'
  return step({ ...state, pane }, ...fetches(state, pane))
}

function fetches(state: State, pane: Pane): readonly Effect[] {
  if (pane === 'grants' || pane === 'rules') return [{ kind: 'fetch', what: pane }]
  return pane === 'audit' && state.filters.audit === '' ? [{ kind: 'search', query: {} }] : []
}

function chosen(state: State, by: 1 | -1): State {
  const row = rowAt(state)
  if (row === null) return state
  const last = lengthOf(row, state.cursor.edited) - 1
  return { ...state, cursor: { ...state.cursor, choice: Math.min(Math.max(state.cursor.choice + by, 0), Math.max(last, 0)) } }
}

function moved(state: State, by: number): State {
  if (state.pane !== 'pending') {
    const { pane } = state
    const items = itemsOf(state, pane)
    const index = Math.max(Math.min(state.places[pane].index + by, items.length - 1), 0)
    return { ...state, places: { ...state.places, [pane]: { ...state.places[pane], index, key: items[index]?.key ?? null, since: state.time.elapsed } } }
  }
  const rows = rowsOf(state)
  const index = Math.max(Math.min(state.cursor.index + by, rows.length - 1), 0)
  const row = rows[index]
  return row === undefined || row.key === state.cursor.row ? state : { ...state, cursor: { ...state.cursor, row: row.key, index } }
}

const unfiltered = (state: State): State => ({ ...state, message: null, filters: { ...state.filters, [state.pane]: '' } })

/** In the list of grants the one under the cursor; elsewhere the latest that this terminal gave. */
function undo(state: State): Step {
  if (state.pane === 'grants') {
    const item = itemAt(state, 'grants')
    if (item?.kind !== 'grant') return step(say(state, 'There is nothing to take back.', 'faint'))
    if (state.time.elapsed - state.places.grants.since < GUARD_MS) return step(tooEarly(state))
    return step(state, { kind: 'undo', path: item.path, grant: item.grant.id, by: state.by })
  }
  const latest = state.undoable.at(-1)
  if (latest === undefined) return step(say(state, 'This terminal has given nothing to take back; Tab leads to all grants.', 'faint'))
  return step(state, { kind: 'undo', path: latest.path, grant: latest.grant, by: state.by })
}

