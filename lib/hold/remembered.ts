/**
 * Answers that outlive their question.
 *
 * An answer that came when no client was left is *kept* for the first of its like to come back, and is
 * then spent. A denial given for a time is *standing*: every twin meets it until it ends. Both are bounded,
 * and the oldest makes room: whoever meets no answer is asked about again, so forgetting allows nothing.
 */
import type { Timer } from '../model/clock.ts'
import type { WaitEnd } from '../model/hold.ts'
import type { Agenda } from './agenda.ts'

export type RememberedEnd = Extract<WaitEnd, { kind: 'released' | 'denied' }>

export interface Remembered {
  /** For the first that asks alike, within `ms`. */
  keep(like: string, end: RememberedEnd, ms: number): void
  /** For every twin, for `ms`. */
  stand(twin: string, end: RememberedEnd, ms: number): void
  /** The answer that waits for this one; a kept one is then spent. A standing denial comes first. */
  take(like: string, twin: string): RememberedEnd | null
  /** Whether this approval waits for one to come back. */
  isKept(once: string): boolean
  /** Forgets it. @returns whether it was kept */
  takeBack(once: string): boolean
}

interface Memory {
  readonly end: RememberedEnd
  readonly timer: Timer
}

/** @param max answers of each kind that are remembered at the same time */
export function createRemembered(agenda: Agenda, max: number): Remembered {
  /** Insertion order is age. Several may be kept for the same like: three uploads, approved one by one. */
  const kept = new Map<symbol, Memory & { readonly like: string }>()
  const byLike = new Map<string, Set<symbol>>()
  /** Of approvals. */
  const byOnce = new Map<string, symbol>()
  const standing = new Map<string, Memory>()

  return {
    keep(like, end, ms) {
      if (kept.size >= max) forgetOldest(kept, forget)
      const key = Symbol('kept')
      kept.set(key, { like, end, timer: agenda.after(ms, () => forget(key)) })
      const sameLike = byLike.get(like) ?? new Set()
      byLike.set(like, sameLike.add(key))
      if (end.kind === 'released' && end.once !== null) byOnce.set(end.once.id, key)
    },
    stand(twin, end, ms) {
      revoke(twin)
      if (standing.size >= max) forgetOldest(standing, revoke)
      standing.set(twin, { end, timer: agenda.after(ms, () => revoke(twin)) })
    },
    take(like, twin) {
      const denial = standing.get(twin)
      if (denial !== undefined) return denial.end
      for (const key of byLike.get(like) ?? []) {
        const memory = kept.get(key)
        forget(key)
        if (memory !== undefined) return memory.end
      }
      return null
    },
    isKept: once => byOnce.has(once),
    takeBack(once) {
      const key = byOnce.get(once)
      if (key !== undefined) forget(key)
      return key !== undefined
    },
  }

  function forget(key: symbol): void {
    const memory = kept.get(key)
    if (memory === undefined) return
    memory.timer.cancel()
    kept.delete(key)
    if (memory.end.kind === 'released' && memory.end.once !== null) byOnce.delete(memory.end.once.id)
    const sameLike = byLike.get(memory.like)
    sameLike?.delete(key)
    if (sameLike?.size === 0) byLike.delete(memory.like)
  }

  function revoke(twin: string): void {
    standing.get(twin)?.timer.cancel()
    standing.delete(twin)
  }
}

function forgetOldest<K>(memories: ReadonlyMap<K, unknown>, forget: (key: K) => void): void {
  for (const oldest of memories.keys()) return forget(oldest)
}
