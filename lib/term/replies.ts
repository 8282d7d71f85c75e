/** What became of an answer or of an undo: said in one line, never guessed. Pure. */
import type { Answer, Approve } from '../model/hold.ts'
import { keyOf } from './questions.ts'
import { say, step, type Event, type State, type Step } from './state.ts'
import { count, length } from './words.ts'

export function replied(state: State, { path, questions, answer, reply }: Extract<Event, { kind: 'replied' }>): Step {
  const sent = new Set(questions.map(id => keyOf(path, id)))
  const isLeft = new Set(reply.kind === 'failed' ? questions : reply.left.map(({ id }) => id))
  const arrived: State = {
    ...state,
    sending: state.sending.filter(key => !sent.has(key)),
    // Its event may come later; what is answered is not shown for a moment longer.
    questions: state.questions.filter(({ path: of, held }) => of !== path || isLeft.has(held.id) || !sent.has(keyOf(of, held.id))),
  }
  if (reply.kind === 'failed') return step(say(arrived, reply.problem, 'bad'))
  const [left] = reply.left
  const open = left === undefined ? '' : ` ${count(reply.left.length, 'question stays', 'questions stay')} open: ${left.problems.join(' ')}`
  const undoable = [...arrived.undoable, ...reply.grants.map(grant => ({ path, grant }))]
  const undo = reply.grants.length === 0 ? '' : '  u takes it back.'
  return step(say({ ...arrived, undoable }, `${verdictWords(answer)}: ${releasedWords(answer, reply.released)}.${open}${undo}`, left === undefined ? 'good' : 'warn'))
}

export function takenBack(state: State, { path, grant, reply }: Extract<Event, { kind: 'taken-back' }>): Step {
  const undoable = state.undoable.filter(each => each.path !== path || each.grant !== grant)
  if (reply.kind === 'failed') return step(say({ ...state, undoable }, reply.problem, 'bad'))
  return step(say({ ...state, undoable }, `Taken back${reply.closed === 0 ? '' : `, and ${count(reply.closed, 'live connection')} closed`}. It is asked about again from now on.`, 'good'), { kind: 'fetch', what: 'grants' })
}

function verdictWords(answer: Answer): string {
  switch (answer.verdict) {
    case 'approve': return `Approved ${scopeWords(answer)}`
    case 'deny': return answer.reason === undefined ? 'Rejected' : `Rejected, “${answer.reason}”`
    case 'pass': return 'Passed on'
    default: return answer satisfies never
  }
}

function scopeWords({ grant }: Approve): string {
  if (grant === 'once') return 'once'
  if (grant.persist === true) return 'for ever, in the policy file'
  return grant.ttlMs === undefined ? 'until the firewall stops' : `for ${length(grant.ttlMs)}`
}

const releasedWords = ({ verdict }: Answer, released: number): string =>
  verdict === 'approve' ? `${count(released, 'request')} ${released === 1 ? 'goes' : 'go'} on` : `${count(released, 'request')} ${released === 1 ? 'is' : 'are'} told`
