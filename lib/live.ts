/**
 * Streams that outlive their ruling: WebSockets and tunnels. When the policy changes each is judged
 * again, and one that would no longer be allowed is closed; so is one that begins just as it changes.
 * A plain exchange is not here: it ends normally.
 */
import type { Allow } from './model/decision.ts'
import type { Facts } from './model/request.ts'

export interface LiveStreams {
  /** @returns the signal that tells `forward/` to close, and how to take the stream off the list */
  add(allow: Allow): { readonly signal: AbortSignal, remove(): void }
  /** Judges each again. @returns how many were closed */
  recheck(): number
  /** @returns how many were closed */
  close(isMeant: (allow: Allow) => boolean): number
  /** How many each grant let through. */
  byGrant(): ReadonlyMap<string, number>
  readonly size: number
}

/** @param isAllowed  as the policy is now */
export function createLiveStreams(isAllowed: (facts: Facts, allow: Allow) => boolean): LiveStreams {
  const streams = new Map<AbortController, Allow>()
  return {
    get size() { return streams.size },
    add(allow) {
      const controller = new AbortController()
      // Between a ruling that had to be waited for and this turn the policy may have become another.
      if (isAllowed(allow.permit.facts, allow)) streams.set(controller, allow)
      else controller.abort()
      return { signal: controller.signal, remove: () => streams.delete(controller) }
    },
    byGrant() {
      const counts = new Map<string, number>()
      for (const { grant } of streams.values()) if (grant !== null) counts.set(grant, (counts.get(grant) ?? 0) + 1)
      return counts
    },
    recheck: () => close(allow => !isAllowed(allow.permit.facts, allow)),
    close,
  }

  function close(isMeant: (allow: Allow) => boolean): number {
    let closed = 0
    for (const [controller, allow] of streams) {
      if (!isMeant(allow)) continue
      streams.delete(controller)
      controller.abort()
      closed++
    }
    return closed
  }
}
