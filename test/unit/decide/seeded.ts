/** Randomness that can be had again: `SEED=…` repeats a run. */
export interface Seeded {
  readonly seed: number
  /** 0 to n - 1. */
  upTo(n: number): number
  pick<T>(list: readonly T[]): T
}

export function seeded(seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))): Seeded {
  let state = seed
  // mulberry32
  const upTo = (n: number): number => {
    state = state + 0x6d2b79f5 | 0
    let mixed = Math.imul(state ^ state >>> 15, 1 | state)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) % n
  }
  return { seed, upTo, pick: list => list[upTo(list.length)]! }
}
