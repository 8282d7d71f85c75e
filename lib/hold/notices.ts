/**
 * What approvers are told of questions, and when.
 */
import type { Timer } from '../model/clock.ts'
import type { DeskEvent } from '../model/desk.ts'
import type { Held } from '../model/hold.ts'
import type { Agenda } from './agenda.ts'
import type { Question } from './book.ts'
import type { QueueOptions } from './queue.ts'

export interface Notices {
  /** Whatever a listener throws ends here: nobody who listens may keep a wait from ending (I7). */
  tell(event: () => DeskEvent): void
  /** The number of waiters changed, which is told soon. Whoever comes and goes makes this work, and may do so a thousand times a second. */
  changed(question: Question): void
  /** It is open no more. */
  forget(question: Question): void
  describe(question: Question): Held
}

/** To describe a question takes up to a millisecond, in which nothing else is served: so many in so many milliseconds. */
const CHANGES = { count: 4, ms: 20 }

export function createNotices({ clock, describe, onEvent }: Pick<QueueOptions, 'clock' | 'describe' | 'onEvent'>, agenda: Agenda): Notices {
  /** In the order in which they changed. */
  const changing = new Set<Question>()
  let next: Timer | null = null

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

  function tellChanges(): void {
    for (const question of [...changing].slice(0, CHANGES.count)) {
      changing.delete(question)
      tell(() => ({ event: 'changed', held: describeNow(question) }))
    }
    next = changing.size === 0 ? null : agenda.after(CHANGES.ms, tellChanges)
  }

  return {
    tell,
    describe: describeNow,
    changed(question) {
      changing.add(question)
      next ??= agenda.after(CHANGES.ms, tellChanges)
    },
    forget(question) {
      if (!changing.delete(question) || changing.size > 0) return
      next?.cancel()
      next = null
    },
  }
}
