/**
 * What happens to a flow, told to whoever listens in this process through `node:diagnostics_channel`:
 * `sallyport:flow:normalized`, `:held`, `:ruled`, `:closed`. Costs nothing where nobody listens.
 *
 * Messages are frozen plain data; host, method and target are what the client wrote, so they are hostile
 * text, and a query is not redacted here. Listening changes nothing: the value a subscriber returns is
 * dropped, and when one throws the flow goes on. Node then raises that error as an 'uncaughtException' in
 * the next tick, as it does for every channel, which ends a process that does not handle it: a firewall
 * whose embedder crashes stops, and does not open.
 */
import { channel } from 'node:diagnostics_channel'
import type { Outcome, Unread } from '../model/flow.ts'

export interface NormalizedMessage extends Unread {
  /** Id of the flow, as in the log and in `Sallyport-Flow`. */
  readonly flow: string
}

export interface HeldMessage extends NormalizedMessage {
  /** The hold rule that asks; null where no rule matched. */
  readonly answers: string | null
}

export interface RuledMessage extends NormalizedMessage {
  /** `hold`: the client left before a ruling. */
  readonly action: 'allow' | 'deny' | 'refuse' | 'hold' | 'serve'
  readonly rule: string | null
  readonly code: string | null
}

export interface ClosedMessage extends RuledMessage {
  /** null where nothing was forwarded. */
  readonly outcome: Outcome | null
}

export interface FlowMessages {
  readonly normalized: NormalizedMessage
  readonly held: HeldMessage
  readonly ruled: RuledMessage
  readonly closed: ClosedMessage
}

export type FlowStep = keyof FlowMessages

const CHANNELS = {
  normalized: channel('sallyport:flow:normalized'),
  held: channel('sallyport:flow:held'),
  ruled: channel('sallyport:flow:ruled'),
  closed: channel('sallyport:flow:closed'),
} as const satisfies Record<FlowStep, unknown>

/** Ask before a message is put together. */
export function isHeard(step: FlowStep): boolean {
  return CHANNELS[step].hasSubscribers
}

export function publish<S extends FlowStep>(step: S, message: FlowMessages[S]): void {
  if (!CHANNELS[step].hasSubscribers) return
  for (const part of Object.values(message)) if (typeof part === 'object') Object.freeze(part)
  CHANNELS[step].publish(Object.freeze(message))
}
