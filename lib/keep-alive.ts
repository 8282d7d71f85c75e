/** Keeps the client of a held request alive, where its kind is known to take that well (`hold/keepalive.ts`). */
import { keepaliveFor, startKeepalive } from './hold/keepalive.ts'
import type { Clock } from './model/clock.ts'
import type { Arrival } from './model/flow.ts'
import type { RawFields } from './model/request.ts'

/** @returns starts it for an arrival, and returns how to stop */
export const createKeepAlive = (clock: Clock) => ({ window }: Arrival): () => void => {
  if (window.kind !== 'request') return () => {}
  const status = keepaliveFor(fieldOf(window.fields, 'user-agent'), window.httpVersion)
  // A 100 would release the body of a client that waits for one (FACTS §2).
  if (status === null || (status === 100 && window.expectsContinue)) return () => {}
  const timer = startKeepalive(clock, status, () => window.sendInterim(status, []))
  return () => timer.cancel()
}

function fieldOf(fields: RawFields, name: string): string | null {
  const at = fields.findIndex((field, index) => index % 2 === 0 && field.length === name.length && field.toLowerCase() === name)
  return at < 0 ? null : fields[at + 1] ?? null
}
