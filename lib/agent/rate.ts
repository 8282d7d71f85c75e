/**
 * How often each client may call: a bucket of tokens that fills again with time.
 */
import type { Clock } from '../model/clock.ts'

export interface RateOptions {
  readonly clock: Clock
  /** Tokens of a full bucket. */
  readonly burst: number
  readonly perSecond: number
  /** Clients that are remembered; one that is forgotten has a full bucket again. */
  readonly clients: number
}

export interface Rate {
  /** @returns null when the tokens were there, else in how many milliseconds they will be */
  take(client: string, tokens: number): number | null
}

interface Bucket {
  tokens: number
  /** On the clock's `elapsed`. */
  at: number
}

export function createRate({ clock, burst, perSecond, clients }: RateOptions): Rate {
  /** The one that called longest ago first. */
  const buckets = new Map<string, Bucket>()

  return {
    take(client, tokens) {
      const now = clock.elapsed()
      const bucket = buckets.get(client) ?? { tokens: burst, at: now }
      bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) / 1_000 * perSecond)
      bucket.at = now
      buckets.delete(client)
      buckets.set(client, bucket)
      if (buckets.size > clients) for (const oldest of buckets.keys()) { buckets.delete(oldest); break }
      if (bucket.tokens < tokens) return (tokens - bucket.tokens) / perSecond * 1_000
      bucket.tokens -= tokens
      return null
    },
  }
}
