/**
 * Lets a number of callers in at once; the others wait in the order in which they came.
 */

export interface Turns {
  /**
   * @returns how to end the turn (once; again is without effect)
   * @throws the signal's reason, when it aborts before the turn came
   */
  take(signal: AbortSignal): Promise<() => void>
}

export function createTurns(atOnce: number): Turns {
  let free = atOnce
  /** In order of arrival; one that gave up is deleted. */
  const waiting = new Set<() => void>()

  const begin = (): (() => void) => {
    free--
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      free++
      const [next] = waiting
      if (next === undefined) return
      waiting.delete(next)
      next()
    }
  }

  return {
    take: signal => new Promise((enter, giveUp) => {
      if (signal.aborted) return giveUp(signal.reason)
      if (free > 0) return enter(begin())
      const leave = () => {
        waiting.delete(next)
        giveUp(signal.reason)
      }
      const next = () => {
        signal.removeEventListener('abort', leave)
        enter(begin())
      }
      waiting.add(next)
      signal.addEventListener('abort', leave, { once: true })
    }),
  }
}
