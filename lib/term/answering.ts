/** The keys that answer the question under the cursor. Pure: an answer leaves as an effect. */
import type { ShownQuestion } from '../model/grants.ts'
import type { Approve } from '../model/hold.ts'
import { refusal } from './guard.ts'
import { open } from './prompt.ts'
import { choicesOf, grantingOf, groupChoice, rowAt, rulesOf, shownOf, type Row } from './questions.ts'
import { send } from './sending.ts'
import { say, step, type State, type Step, type Target } from './state.ts'

export function answering(state: State, key: string): Step {
  const row = rowAt(state)
  if (row === null) return step(state)
  switch (key) {
    case 'a': return approve(state, row, targetOf(state, row))
    case 'o': return row.kind === 'task' ? step(say(state, 'A task is granted for a time or until the firewall stops: t or a.')) : once(state, row)
    case 't': return timed(state, row)
    case 'e': return edit(state, row)
    case 'r': return reject(state, row, [shownOf(row.members[0])])
    case 'A': return approve(state, row, row.members.length === 1 && groupChoice(row) === null ? targetOf(state, row) : groupTarget(row))
    case 'R': return reject(state, row, membersOf(row))
    default: return step(choose(state, row, key))
  }
}

/** @property ofGroup  it opens what the group's rule says, which has to have been on the screen itself */
type Opening = Target & { readonly ofGroup: boolean }

const NO_RULE = 'No one rule covers all of these. a approves the one that is shown, R rejects them all.'

function approve(state: State, row: Row, target: Opening | null): Step {
  if (target?.grant == null) return step(say(state, row.members.length > 1 ? NO_RULE : 'No rule is offered here: o approves this one request, e writes a rule.', 'warn'))
  const refused = refusal(state, row, target)
  return refused === null ? send(state, target, withShown(target.questions, { verdict: 'approve', grant: target.grant })) : step(refused)
}

function once(state: State, row: Row): Step {
  const refused = refusal(state, row, { ofGroup: false })
  if (refused !== null) return step(refused)
  const questions = [shownOf(row.members[0])]
  return send(state, { path: row.path, questions }, withShown(questions, { verdict: 'approve', grant: 'once' }))
}

function timed(state: State, row: Row): Step {
  const target = targetOf(state, row)
  if (target === null) return approve(state, row, target)
  return step(refusal(state, row, target) ?? open(state, { kind: 'time', text: '1h', target }))
}

function edit(state: State, row: Row): Step {
  const refused = refusal(state, row, { ofGroup: false })
  if (refused !== null) return step(refused)
  const target: Target = { path: row.path, questions: [shownOf(row.members[0])], grant: null }
  return step(open(state, { kind: 'rule', text: JSON.stringify(editable(state, row)), target }))
}

/** What editing begins with: the rule that is chosen, or all of a task. */
function editable({ cursor }: State, row: Row): unknown {
  if (row.kind === 'task') return rulesOf(row, cursor.edited).map(({ rule }) => rule)
  return choicesOf(row, cursor.edited)[cursor.choice]?.rule ?? { host: row.members[0].held.host }
}

/** A denial opens nothing: it needs no rule on the screen. */
function reject(state: State, row: Row, questions: readonly ShownQuestion[]): Step {
  const refused = refusal(state, row, { ofGroup: false, opens: false })
  return step(refused ?? open(state, { kind: 'reason', text: '', target: { path: row.path, questions, grant: null } }))
}

/** Keys `1` to `5`. Of a task `1` brings back the rules that were asked for. */
function choose(state: State, row: Row, key: string): State {
  if (row.kind === 'task') return key === '1' && state.cursor.edited !== null ? { ...state, cursor: { ...state.cursor, edited: null, choice: 0, drawnAt: null } } : state
  const choice = choicesOf(row, state.cursor.edited).findIndex(each => each.key === key && each.of === 'question')
  return choice === -1 ? state : { ...state, cursor: { ...state.cursor, choice } }
}

/** An answer has a limit of bytes. A rule releases whatever else it covers; of more that are rejected the rest stays, and is seen to. */
const MAX_TOGETHER = 400

const membersOf = ({ members }: Row): readonly ShownQuestion[] => members.slice(0, MAX_TOGETHER).map(shownOf)

/** What is chosen; null where nothing is offered. */
function targetOf(state: State, row: Row): Opening | null {
  const chosen = grantingOf(state, row)
  if (chosen === null) return null
  return { path: row.path, questions: chosen.ofGroup ? membersOf(row) : [shownOf(row.members[0])], grant: chosen.granting, ofGroup: chosen.ofGroup }
}

function groupTarget(row: Row): Opening | null {
  const choice = groupChoice(row)
  return choice === null ? null : { path: row.path, questions: membersOf(row), grant: { rule: choice.rule }, ofGroup: true }
}

/** Of one question the answer itself says what it is bound to; of several each question does. */
function withShown([first, ...rest]: readonly ShownQuestion[], answer: Approve): Approve {
  return rest.length === 0 && first?.shown !== undefined ? { ...answer, shown: first.shown } : answer
}
