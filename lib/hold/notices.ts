/**
 * What approvers are told of questions, and when.
 */
import type { DeskEvent } from '../model/desk.ts'
import type { Held } from '../model/hold.ts'
import type { Question } from './book.ts'
import { isSettled } from './hold.ts'
import type { QueueOptions } from './queue.ts'

export interface Notices {
  /** Whatever a listener throws ends here: nobody who listens may keep a wait from ending (I7). */
  tell(event: () => DeskEvent): void
  /** The number of waiters changed. Many changes in one turn (a thousand twins expire) are told once. */
  changed(question: Question): void
  describe(question: Question): Held
}

export function createNotices({ clock, describe, onEvent }: Pick<QueueOptions, 'clock' | 'describe' | 'onEvent'>): Notices {
  function tell(event: () => DeskEvent): void {
    try {
      onEvent(event())
    } catch {
      // Nothing can be done for a listener that fails; no ruling depends on it.
    }
  }

  function describeNow(question: Question): Held {
    const { id, asking, firstSeen, waiters } = question
    let due = Infinity
    for (const waiter of waiters) due = Math.min(due, waiter.due)
    const deadline = due === Infinity ? null : clock.now() + (due - clock.elapsed())
    return describe({ id, asking, waiting: waiters.size, firstSeen, deadline })
  }

  return {
    tell,
    describe: describeNow,
    changed(question) {
      if (question.isChanging) return
      question.isChanging = true
      queueMicrotask(() => {
        question.isChanging = false
        if (!isSettled(question.state)) tell(() => ({ event: 'changed', held: describeNow(question) }))
      })
    },
  }
}
