/**
 * One event, one step. Pure: what it wants done it says as effects.
 *
 * After every event the cursor is led back to what it was on; when that has gone, to what stands in its place,
 * and from then on it counts anew how long the operator has seen it.
 */
import { follow } from './follow.ts'
import { hear } from './heard.ts'
import { press } from './keys.ts'
import { typed } from './prompt.ts'
import type { Effect, Event, From, Link, State, Step, Time } from './state.ts'
import { say, step } from './state.ts'
import { replied, takenBack } from './replies.ts'

export function next(before: State, event: Event, time: Time): Step {
  const { state, effects } = react({ ...before, time }, event)
  return { state: follow(before, state), effects }
}

function react(state: State, event: Event): Step {
  switch (event.kind) {
    case 'key': return state.prompt === null ? press(state, event.key) : typed(state, state.prompt, event.key)
    case 'resized': return step({ ...state, size: { columns: event.columns, rows: event.rows } })
    case 'tick': return tick(state)
    case 'drawn': return step(drawn(state, event))
    case 'found': return step(link(state, { path: event.path, state: 'opening', problem: null, status: null }))
    case 'opened': return step(state.links.some(({ path }) => path === event.path) ? link(state, { path: event.path, state: 'open', problem: null, status: event.status }) : state)
    case 'closed': return step(link(without(state, event.path), { path: event.path, state: 'closed', problem: event.problem, status: null }))
    case 'removed': return step({ ...without(state, event.path), links: state.links.filter(({ path }) => path !== event.path) })
    case 'told': return hear(state, event.path, event.event)
    case 'replied': return replied(state, event)
    case 'taken-back': return takenBack(state, event)
    case 'grants': return step({ ...state, grants: replaced(state, state.grants, event.path, event.grants) })
    case 'rules': return step({ ...state, rules: replaced(state, state.rules, event.path, [event.rules]) })
    case 'searched': return step({ ...state, found: replaced(state, state.found, event.path, event.records) })
    case 'failed': return step(say(state, event.problem, 'bad'))
    default: return event satisfies never
  }
}

/** What a pane shows is asked for again while it is open. */
function tick(state: State): Step {
  const effects: Effect[] = [{ kind: 'fetch', what: 'status' }]
  if (state.pane === 'grants' || state.pane === 'rules') effects.push({ kind: 'fetch', what: state.pane })
  const { message } = state
  return step(message !== null && message.until <= state.time.elapsed ? { ...state, message: null } : state, ...effects)
}

function drawn(state: State, { question, group }: { readonly question: string, readonly group: string }): State {
  const { cursor, time } = state
  const isNew = cursor.drawnAt === null && cursor.question === question
  const isNewGroup = cursor.groupDrawnAt === null && cursor.group === group
  if (!isNew && !isNewGroup) return state
  return { ...state, cursor: { ...cursor, drawnAt: isNew ? time.elapsed : cursor.drawnAt, groupDrawnAt: isNewGroup ? time.elapsed : cursor.groupDrawnAt } }
}

/** In the order in which they were found. */
function link(state: State, link: Link): State {
  const isKnown = state.links.some(({ path }) => path === link.path)
  return { ...state, links: isKnown ? state.links.map(each => each.path === link.path ? link : each) : [...state.links, link] }
}

/** Nothing that only this firewall could answer for. */
function without(state: State, path: string): State {
  const isOther = (each: { readonly path: string }): boolean => each.path !== path
  return {
    ...state,
    questions: state.questions.filter(isOther), grants: state.grants.filter(isOther), rules: state.rules.filter(isOther),
    undoable: state.undoable.filter(isOther), sending: state.sending.filter(key => !key.startsWith(`${path} `)),
  }
}

/** What one firewall tells, in the order of the firewalls. */
function replaced<T>({ links }: State, all: readonly From<T>[], path: string, values: readonly T[]): readonly From<T>[] {
  return links.flatMap(link => link.path === path ? values.map(value => ({ path, value })) : all.filter(each => each.path === link.path))
}
