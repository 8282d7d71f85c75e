/**
 * How much work one decision may be.
 *
 * Each pattern is tried in time linear in the target, but a policy may have thousands of patterns for one host, and a client
 * may send 8 KiB that each of them has to read. So the work is counted, and when a decision has had its share it ends: what
 * cannot be judged in time is denied. Nothing that a person or a program sends in earnest gets near.
 */

export interface Effort {
  /** Steps that are left. */
  left: number
}

/** A step is some 15 ns: a piece of a path that is looked at, or a few characters of a text. So a decision takes about a millisecond at most. */
export const MAX_STEPS = 60_000

export function createEffort(): Effort {
  return { left: MAX_STEPS }
}

/**
 * @param effort of the decision; absent: it may take as long as it takes, as where an operator asks why
 * @throws when nothing is left, which makes the decision a denial
 */
export function spend(effort: Effort | undefined, steps: number): void {
  if (effort !== undefined && (effort.left -= steps) < 0) throw new Error('the target is so long, and so many patterns of the policy have to read all of it, that it would take too long')
}

/** For what is told beside a decision, and is left out where it would take longer than one. @returns null then */
export function within<T>(work: (effort: Effort) => T): T | null {
  const effort = createEffort()
  try {
    return work(effort)
  } catch (error) {
    if (effort.left >= 0) throw error
    return null
  }
}

/** Of looking through a text for something, or asking an expression about it. */
export const stepsToRead = (length: number): number => 1 + (length >> 2)
