/** How many flows are not over, and the wait until none is. */

export interface Underway {
  begin(): void
  end(): void
  /** Resolves when none is under way. */
  none(): Promise<void>
}

export function createUnderway(): Underway {
  let count = 0
  let waiting: (() => void)[] = []
  return {
    begin() { count++ },
    end() {
      if (--count > 0 || waiting.length === 0) return
      for (const call of waiting) call()
      waiting = []
    },
    async none() {
      while (count > 0) await new Promise<void>(resolve => waiting.push(resolve))
    },
  }
}
