/**
 * When a key counts: once what it would answer has been on the screen for a moment, whole.
 *
 * A key that was meant for the question before must not answer this one, and nobody approves what was not seen.
 */
import { isShownWhole } from './question-view.ts'
import type { Row } from './questions.ts'
import { say, type State } from './state.ts'

/** Since it was drawn. */
export const GUARD_MS = 300

/**
 * @param opens  false for what opens nothing, and may be answered half seen
 * @returns what is said in place of an answer; null where the key counts
 */
export function refusal(state: State, row: Row, { ofGroup, opens = true }: { readonly ofGroup: boolean, readonly opens?: boolean }): State | null {
  const { cursor, time, sending } = state
  const drawnAt = ofGroup ? later(cursor.drawnAt, cursor.groupDrawnAt) : cursor.drawnAt
  if (drawnAt === null || time.elapsed - drawnAt < GUARD_MS) return tooEarly(state)
  if (row.members.some(({ path, held }) => sending.includes(`${path} ${held.id}`))) return say(state, 'Your answer is on its way.', 'faint')
  if (!opens || isShownWhole(state)) return null
  return say(state, row.kind === 'task' ? 'Go through all of its rules first: ↓ shows the next ones, a larger window more of them.' : 'The window is too small to show what you would approve. Make it larger; r rejects.', 'warn')
}

export const tooEarly = (state: State): State => say(state, 'That key came too early: this has only just appeared. Look, then press it again.', 'warn')

const later = (one: number | null, other: number | null): number | null => one === null || other === null ? null : Math.max(one, other)
