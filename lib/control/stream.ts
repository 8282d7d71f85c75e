/**
 * The event stream of the control socket: what waits now, then what happens, as it happens.
 *
 * A reader that does not read costs a bounded amount of memory and is then cut off; it may
 * come back and gets what waits then.
 */
import type { ServerResponse } from 'node:http'
import type { Clock } from '../model/clock.ts'
import type { Desk, DeskEvent } from '../model/desk.ts'
import { HEARTBEAT_MS } from './protocol.ts'
import { formatEvent, HEARTBEAT } from './sse.ts'

/** Bytes a reader may lag behind, beyond what waited when it came. About 300 questions. */
export const MAX_LAG_BYTES = 1024 * 1024

/** Flows are told this often, together: a request a millisecond must not cost its reader an event a millisecond. */
export const FLOWS_EVERY_MS = 250
/** Records told at a time; of more the latest, and how many were left out. */
const MAX_FLOWS_AT_ONCE = 100

/**
 * Sends events until the reader leaves.
 *
 * @param options `withFlows`: and what the log is told from now on
 * @throws whatever the desk throws while it is asked for what waits; nothing was written then
 */
export function streamEvents({ desk, clock, response, withFlows }: { desk: Desk, clock: Clock, response: ServerResponse, withFlows: boolean }): void {
  const pending = desk.pending()
  let id = 0
  let limit = Infinity
  const write = (text: string) => {
    if (response.destroyed || response.writableEnded) return
    response.write(text)
    if (response.writableLength > limit) response.destroy()
  }
  const send = (event: DeskEvent) => write(formatEvent(++id, event.event, event))

  // Without a break: an event between the list and the subscription would be lost.
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close' })
  response.flushHeaders()
  for (const held of pending) send({ event: 'asked', held })
  limit = response.writableLength + MAX_LAG_BYTES
  const unsubscribe = desk.subscribe(send)

  const heartbeat = clock.every(HEARTBEAT_MS, () => write(HEARTBEAT))
  let told = desk.flows.latest
  const flows = !withFlows ? null : clock.every(FLOWS_EVERY_MS, () => {
    const { latest } = desk.flows
    if (latest === told) return
    send({ event: 'flows', ...desk.flows.since(told, MAX_FLOWS_AT_ONCE) })
    told = latest
  })
  response.once('close', () => {
    heartbeat.cancel()
    flows?.cancel()
    unsubscribe()
  })
}
