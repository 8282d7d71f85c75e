/**
 * The group of a question, asked for each time it is described.
 *
 * Whoever asks makes the work here, and may ask a great deal: a question that a group's rule covers joins it, and others
 * are learned again only when there are clearly more of them. `renew` is for when somebody looks.
 */
import { groupQuestions, isAlike, sayGroup } from './learn/groups.ts'
import type { OpenQuestion, QuestionGroup } from './learn/groups.ts'
import type { HeldGroup } from './model/hold.ts'
import type { Facts } from './model/request.ts'

export interface Grouping {
  /** @param open the open questions about its host, the oldest first, with or without itself */
  groupOf(question: OpenQuestion, open: readonly OpenQuestion[]): HeldGroup
  /** From now on groups are what they are when all is looked at anew. */
  renew(): void
}

/** Learned again with every question up to here, then with a quarter more. */
const FEW = 8
/** Sets of questions that are remembered; beyond it all are learned anew. */
const MAX_KEPT = 1_000

interface Kept {
  readonly facts: Facts
  groups: readonly QuestionGroup[]
  /** Questions at the last learning. */
  learned: number
  /** Some were not learned with the others. */
  isBehind: boolean
}

export function createGrouping(): Grouping {
  const kept = new Map<string, Kept>()

  function lookUp(question: OpenQuestion, peers: readonly OpenQuestion[]): Kept {
    const key = keyOf(question)
    const known = kept.get(key)
    if (known !== undefined && follow(known, peers)) return known
    if (kept.size >= MAX_KEPT) kept.clear()
    const fresh: Kept = { facts: question.facts, groups: groupQuestions(peers), learned: peers.length, isBehind: false }
    kept.set(key, fresh)
    return fresh
  }

  return {
    groupOf(question, open) {
      // One that is not open yet is the youngest.
      const peers = open.filter(other => isAlike(other, question))
      if (!peers.some(({ id }) => id === question.id)) peers.push(question)
      const { groups } = lookUp(question, peers)
      const group = groups.find(({ ids }) => ids.includes(question.id))
      const members = peers.filter(({ id }) => group?.ids.includes(id) ?? id === question.id)
      return {
        id: members[0]?.id ?? question.id,
        questions: members.length,
        waiting: members.reduce((sum, { waiting }) => sum + waiting, 0),
        suggestion: members.length < 2 || group === undefined ? null : sayGroup(group, question.facts, members.length),
      }
    },
    renew() {
      for (const [key, { isBehind }] of kept) if (isBehind) kept.delete(key)
    },
  }
}

/** Takes in who came and leaves out who went. @returns false where all is better learned again */
function follow(known: Kept, peers: readonly OpenQuestion[]): boolean {
  const open = new Set(peers.map(({ id }) => id))
  let groups = known.groups.map(group => group.ids.every(id => open.has(id)) ? group : { ...group, ids: group.ids.filter(id => open.has(id)) })
  const grouped = new Set(groups.flatMap(({ ids }) => ids))
  for (const newcomer of peers) {
    if (grouped.has(newcomer.id)) continue
    const group = groups.find(({ covers }) => covers(newcomer.facts))
    if (group !== undefined) groups = groups.map(each => each === group ? { ...group, ids: [...group.ids, newcomer.id] } : each)
    else if (peers.length <= FEW || peers.length * 4 >= known.learned * 5) return false
    else known.isBehind = true
  }
  known.groups = groups
  return true
}

function keyOf({ facts, answers }: OpenQuestion): string {
  return JSON.stringify([facts.scheme, facts.host, facts.port, answers, facts.kind === 'request' ? facts.methods : null])
}
