/**
 * Asks doors for a door that is made of them, and hears all of them out.
 *
 * The promise: what a door says is parsed before it counts, so that a list of doors never counts what the queue would refuse; a
 * door that fails, late or at once, approves nothing; none of them is left asking when the answer is found.
 */
import { parseAnswer } from '../config/answers.ts'
import type { Answer, Approve, Door, Pending, Refuse } from '../model/hold.ts'

/** What came of asking one door. */
export type Opinion =
  | { readonly kind: 'answer', readonly door: string, readonly answer: Approve | Refuse }
  | { readonly kind: 'pass', readonly door: string }
  | { readonly kind: 'failed', readonly door: string, readonly problem: string }

export interface Consultation {
  /** Asks a door, whose opinion is heard later. */
  ask(door: Door): void
  /** Every opinion so far, in the order in which they came. */
  readonly opinions: readonly Opinion[]
  /** Doors that were asked and have said nothing yet. */
  readonly silent: number
  /** The last word: no opinion is heard any more, and every door that still asks is told to stop. */
  settle(answer: Answer): void
  fail(problem: string): void
}

/**
 * @param begin asks the first doors
 * @param onOpinion called after each opinion; must settle or fail at the latest when no door is silent
 * @returns rejects with the signal's reason when the question is settled elsewhere
 */
export function consult(held: Pending, signal: AbortSignal, begin: (consultation: Consultation) => void, onOpinion: (consultation: Consultation) => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const inner = new AbortController()
    const opinions: Opinion[] = []
    let silent = 0
    let isOver = false
    const end = (finish: () => void): void => {
      if (isOver) return
      isOver = true
      signal.removeEventListener('abort', onAbort)
      finish()
      inner.abort(new Error('the question is settled'))
    }
    const onAbort = (): void => end(() => reject(signal.reason))
    const consultation: Consultation = {
      ask(door) {
        if (isOver) return
        silent++
        void opinionOf(door, held, inner.signal).then(opinion => {
          if (isOver) return
          silent--
          opinions.push(opinion)
          try {
            onOpinion(consultation)
          } catch (error) {
            end(() => reject(error))
          }
        })
      },
      opinions,
      get silent() { return silent },
      settle: answer => end(() => resolve(answer)),
      fail: problem => end(() => reject(new Error(problem))),
    }
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', onAbort)
    begin(consultation)
  })
}

/** When nobody answered: no opinion, or what kept those from one that failed. */
export function giveUp(consultation: Consultation): void {
  const problems = consultation.opinions.flatMap(opinion => opinion.kind === 'failed' ? [`${opinion.door}: ${opinion.problem}`] : [])
  if (problems.length === 0) consultation.settle({ verdict: 'pass' })
  else consultation.fail(problems.join('; '))
}

/** Never rejects. */
async function opinionOf(door: Door, held: Pending, signal: AbortSignal): Promise<Opinion> {
  try {
    const parsed = parseAnswer(await door.ask(held, { signal }))
    if (parsed.kind === 'refused') return { kind: 'failed', door: door.name, problem: parsed.problems.map(({ problem }) => problem).join(' ') }
    const { answer } = parsed
    if (answer.verdict === 'pass') return { kind: 'pass', door: door.name }
    if (answer.verdict === 'approve' && answer.shown !== undefined && answer.shown !== held.shown) return { kind: 'failed', door: door.name, problem: 'it approved another question than was shown' }
    return { kind: 'answer', door: door.name, answer }
  } catch (error) {
    return { kind: 'failed', door: door.name, problem: error instanceof Error ? error.message : 'it failed' }
  }
}
