/**
 * One answer to several questions: a group, as somebody saw it.
 *
 * Nobody is answered who was not named: what joined the group since is asked about on its own, unless the
 * rule that is granted covers it.
 */
import type { AnswerResult } from '../model/desk.ts'
import type { ShownQuestion, TogetherResult } from '../model/grants.ts'
import type { Answer, Pending } from '../model/hold.ts'

interface Answerable {
  answer(id: string, answer: Answer, door: string): Promise<AnswerResult>
  pending(): readonly Pending[]
}

export async function answerTogether(queue: Answerable, questions: readonly ShownQuestion[], answer: Answer, door: string): Promise<TogetherResult> {
  const named = new Map(questions.map(question => [question.id, question]))
  const open = queue.pending().filter(({ id }) => named.has(id))
  if (open.length === 0) return { kind: 'unknown' }

  const grants: string[] = []
  const left: { id: string, problems: readonly string[] }[] = []
  let answered = 0
  let released = 0
  let persisted = false
  for (const { id, waiting } of open) {
    const { shown } = named.get(id)!
    const result = await queue.answer(id, answer.verdict === 'approve' && shown !== undefined ? { ...answer, shown } : answer, door)
    switch (result.kind) {
      case 'accepted':
        answered++
        released += result.released
        persisted ||= result.persisted
        if (result.grant !== null) grants.push(result.grant)
        break
      // What was granted to one before it has settled it.
      case 'unknown':
        answered++
        released += waiting
        break
      case 'refused':
        left.push({ id, problems: result.problems })
        break
      default: result satisfies never
    }
  }
  if (answered === 0) return { kind: 'refused', problems: [...new Set(left.flatMap(({ problems }) => problems))] }
  return { kind: 'accepted', answered, released, grants, persisted, left }
}
