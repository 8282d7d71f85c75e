/**
 * What a rule or a grant may let through in all, and how much of it is spent.
 */

/** What went through under one counter so far. */
export interface Spent {
  /** Of bodies and streams, both ways together. */
  readonly bytes: number
  /** Requests and streams that began within the last sixty seconds, and those of the second before. */
  readonly lastMinute: number
}

/** Nothing yet. */
export const UNSPENT: Spent = Object.freeze({ bytes: 0, lastMinute: 0 })

/** One limit on the bytes of an exchange: of a rule or grant that opened one of its readings. */
export interface ByteBudget {
  /** Of its counter. */
  readonly useKey: string
  readonly maxBytes: number
}

/** Counts the bytes of an exchange before they pass. */
export interface ByteMeter {
  /** @returns false where they are more than what is left: they may not pass, and nothing after them */
  take(bytes: number): boolean
  /** Whether so many more would fit. Counts nothing. */
  fits(bytes: number): boolean
}

export interface Meter {
  readonly spent: number
  readonly of: number
}

/** A budget as it is told: each limit that there is, and how much of it is spent. JSON-safe. */
export interface BudgetTold {
  /** Requests and streams since the firewall started, or the rule was last changed. */
  readonly uses: Meter | null
  /** Bytes both ways, since the same. */
  readonly bytes: Meter | null
  /** Requests and streams of the last minute. */
  readonly lastMinute: Meter | null
}
