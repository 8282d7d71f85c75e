/** The keys that answer the question under the cursor. Pure: an answer leaves as an effect. */
import type { Approve } from '../model/hold.ts'
import type { ShownQuestion } from '../model/grants.ts'
import { refusal } from './guard.ts'
import { open } from './prompt.ts'
import { choiceAt, choicesOf, groupChoice, rowAt, shownOf, type Choice, type Row } from './questions.ts'
import { send } from './sending.ts'
import { say, step, type State, type Step, type Target } from './state.ts'

export function answering(state: State, key: string): Step {
  const row = rowAt(state)
  if (row === null) return step(state)
  switch (key) {
    case 'a': return approve(state, row, choiceAt(state, row))
    case 'o': return once(state, row)
    case 't': return timed(state, row)
    case 'e': return edit(state, row)
    case 'r': return reject(state, row, [shownOf(row.members[0])])
    case 'A': return row.members.length === 1 && groupChoice(row) === null ? approve(state, row, choiceAt(state, row)) : approve(state, row, groupChoice(row))
    case 'R': return reject(state, row, membersOf(row))
    default: return step(choose(state, row, key))
  }
}

const NO_RULE = 'No one rule covers all of these. a approves the one that is shown, R rejects them all.'

function approve(state: State, row: Row, choice: Choice | null): Step {
  if (choice === null) return step(say(state, row.members.length > 1 ? NO_RULE : 'No rule is offered here: o approves this one request, e writes a rule.', 'warn'))
  const refused = refusal(state, row, { ofGroup: choice.of === 'group' })
  if (refused !== null) return step(refused)
  const target = targetOf(row, choice)
  return send(state, target, withShown(target.questions, { verdict: 'approve', grant: { rule: choice.rule } }))
}

function once(state: State, row: Row): Step {
  const refused = refusal(state, row, { ofGroup: false })
  if (refused !== null) return step(refused)
  const questions = [shownOf(row.members[0])]
  return send(state, { path: row.path, questions }, withShown(questions, { verdict: 'approve', grant: 'once' }))
}

function timed(state: State, row: Row): Step {
  const choice = choiceAt(state, row)
  if (choice === null) return approve(state, row, choice)
  const refused = refusal(state, row, { ofGroup: choice.of === 'group' })
  return step(refused ?? open(state, { kind: 'time', text: '1h', target: targetOf(row, choice) }))
}

function edit(state: State, row: Row): Step {
  const refused = refusal(state, row, { ofGroup: false })
  if (refused !== null) return step(refused)
  const rule = choiceAt(state, row)?.rule ?? { host: row.members[0].held.host }
  return step(open(state, { kind: 'rule', text: JSON.stringify(rule), target: { path: row.path, questions: [shownOf(row.members[0])], rule } }))
}

/** A denial opens nothing: it needs no rule on the screen. */
function reject(state: State, row: Row, questions: readonly ShownQuestion[]): Step {
  const refused = refusal(state, row, { ofGroup: false, opens: false })
  return step(refused ?? open(state, { kind: 'reason', text: '', target: { path: row.path, questions, rule: null } }))
}

/** Keys `1` to `5`. */
function choose(state: State, row: Row, key: string): State {
  const choice = choicesOf(row, state.cursor.edited).findIndex(each => each.key === key && each.of === 'question')
  return choice === -1 ? state : { ...state, cursor: { ...state.cursor, choice } }
}

/** An answer has a limit of bytes. A rule releases whatever else it covers; of more that are rejected the rest stays, and is seen to. */
const MAX_TOGETHER = 400

const membersOf = ({ members }: Row): readonly ShownQuestion[] => members.slice(0, MAX_TOGETHER).map(shownOf)

const targetOf = (row: Row, { of, rule }: Choice): Target => ({ path: row.path, questions: of === 'group' ? membersOf(row) : [shownOf(row.members[0])], rule })

/** Of one question the answer itself says what it is bound to; of several each question does. */
function withShown([first, ...rest]: readonly ShownQuestion[], answer: Approve): Approve {
  return rest.length === 0 && first?.shown !== undefined ? { ...answer, shown: first.shown } : answer
}
