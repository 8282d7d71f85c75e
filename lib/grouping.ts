/**
 * The group of a question, asked for each time it is described: made anew only when the questions about its host changed.
 */
import { groupKey, groupQuestions } from './learn/groups.ts'
import type { OpenQuestion, QuestionGroup } from './learn/groups.ts'
import type { HeldGroup } from './model/hold.ts'

/** Hosts whose groups are remembered; beyond it all are made anew. */
const MAX_KEPT = 1_000

/** @returns the group of `question` among `open`, the open questions about its host, the oldest first, with or without itself */
export function createGrouping(): (question: OpenQuestion, open: readonly OpenQuestion[]) => HeldGroup {
  const kept = new Map<string, { readonly members: string, readonly groups: ReadonlyMap<string, QuestionGroup> }>()
  return (question, open) => {
    const key = groupKey(question)
    const peers = [...open.filter(other => other.id !== question.id && groupKey(other) === key), question].sort((a, b) => placeIn(open, a) - placeIn(open, b))
    const members = peers.map(({ id }) => id).join(' ')
    let known = kept.get(key)
    if (known?.members !== members) {
      if (kept.size >= MAX_KEPT) kept.clear()
      known = { members, groups: new Map(groupQuestions(peers).flatMap(group => group.members.map(({ id }) => [id, group]))) }
      kept.set(key, known)
    }
    const group = known.groups.get(question.id)
    const ids = new Set(group?.members.map(({ id }) => id))
    return {
      id: group?.members[0]?.id ?? question.id,
      questions: Math.max(1, ids.size),
      waiting: peers.reduce((sum, { id, waiting }) => sum + (ids.has(id) ? waiting : 0), 0),
      suggestion: group?.suggestion ?? null,
    }
  }
}

/** One that is not among them yet is the youngest. */
function placeIn(open: readonly OpenQuestion[], { id }: OpenQuestion): number {
  const at = open.findIndex(other => other.id === id)
  return at === -1 ? open.length : at
}
