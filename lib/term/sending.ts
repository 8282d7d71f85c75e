/** An answer on its way: until the firewall has replied, its questions take no other. Pure. */
import type { Approve, Refuse } from '../model/hold.ts'
import { keyOf } from './questions.ts'
import { step, type State, type Step, type Target } from './state.ts'

/** @param target  the questions it is about, as they were shown */
export function send(state: State, { path, questions }: Pick<Target, 'path' | 'questions'>, answer: Approve | Refuse): Step {
  const sending = [...state.sending, ...questions.map(({ id }) => keyOf(path, id))]
  return step({ ...state, sending, message: null }, { kind: 'answer', path, questions, answer: state.by === null ? answer : { ...answer, by: state.by } })
}
