/**
 * One flow from its arrival to its record: an HTTP request (an upgrade included), an opaque or
 * passed-through tunnel, or a connection that ended before either.
 *
 * The windows (`Exchange`, `Handshake`, `Stream`) are what `listen/` makes of a client's socket
 * and what `forward/` writes an upstream's answer to; neither room knows the other.
 */
import type { Facts, RawFields, RequestFacts, StreamFacts } from './request.ts'
import type { RefusalCode } from './errors.ts'

/** Told to a client that is not served. Nothing in it that the client did not send, but code, flow, rule and the operator's reason. */
export interface Refusal {
  readonly code: RefusalCode
  readonly flow: string
  /** The rule that ruled, or null. */
  readonly rule: string | null
  /** The operator's own words; null where none were given. */
  readonly operatorReason: string | null
  /** The client may ask for access by itself, and is told how. */
  readonly mayAsk?: boolean
}

/** What is known of a request that could not be normalized: as it was written, for the log. */
export interface Unread {
  readonly client: string
  readonly scheme: string | null
  readonly host: string | null
  readonly port: number | null
  readonly method: string | null
  readonly target: string | null
}

/** What `normalize/` made of a request or connection. `reason` is for the operator. */
export type Normalized<F extends Facts = Facts> =
  | { readonly kind: 'facts', readonly facts: F }
  | { readonly kind: 'refused', readonly code: RefusalCode, readonly reason: string, readonly unread: Unread }

interface Window {
  /** The client's own connection, as the kernel has it: who is at its other end can be asked. */
  readonly peer: object
  /** The client has hung up; nothing can be told to it any more. */
  readonly isGone: boolean
  /** Calls once, when the client hangs up before its answer was complete. Returns how to stop listening. */
  onGone(call: () => void): () => void
  /** Ends the exchange with our own answer; only before anything of an upstream's was written. */
  refuse(refusal: Refusal): void
  /** Breaks the client's connection off, so that what it read so far is seen as cut. */
  cut(): void
}

/** A request and the place for its answer. */
export interface Exchange extends Window {
  readonly kind: 'request'
  readonly httpVersion: '1.0' | '1.1'
  readonly fields: RawFields
  /** The client's body, unread; null where there is none. */
  readonly body: NodeJS.ReadableStream | null
  /** The start of the body, as much as has come and at most so many bytes. It stays where it is; to be called before anybody reads. */
  peek(max: number): Uint8Array
  /** The client waits for a 100 before it sends its body (RFC 9110 §10.1.1). */
  readonly expectsContinue: boolean
  /** Sends that 100. Never before a ruling. */
  sendContinue(): void
  /** Keeps a waiting client alive, or passes an upstream's interim response on. Without effect where the client could not take it. */
  sendInterim(status: 100 | 102 | 103, fields: RawFields): void
  /** The head of the final response, hop-by-hop fields already gone. `length`: bytes that follow, null where that is not known. */
  begin(status: number, fields: RawFields, length: number | null): void
  /** @returns false when the client reads slower: wait for `onDrain` */
  write(chunk: Uint8Array): boolean
  onDrain(call: () => void): void
  end(trailers: RawFields): void
}

/** A WebSocket's opening handshake. */
export interface Handshake extends Window {
  readonly kind: 'upgrade'
  readonly fields: RawFields
  /** Node's own request and socket, for the package that forwards upgrades. */
  readonly request: object
  readonly socket: NodeJS.ReadWriteStream
  /** Bytes that followed the head. */
  readonly head: Uint8Array
  /** An upstream's answer that is not a 101: an ordinary response, then the connection ends. */
  answer(status: number, fields: RawFields, body: NodeJS.ReadableStream): void
}

/** A connection relayed byte by byte. */
export interface Stream extends Window {
  readonly kind: 'stream'
  readonly socket: NodeJS.ReadWriteStream
  /** Bytes already read from it, to be relayed first. */
  readonly head: Uint8Array
}

interface ArrivalOf<F extends Facts, W> {
  /** Unique id of the flow. */
  readonly flow: string
  readonly facts: Normalized<F>
  readonly window: W
}

export type Arrival =
  | ArrivalOf<RequestFacts, Exchange>
  | ArrivalOf<RequestFacts, Handshake>
  | ArrivalOf<StreamFacts, Stream>

/** How forwarding ended. `refused`: nothing was sent to the client yet, so a refusal still can be. */
export type Outcome =
  | {
    readonly kind: 'done'
    readonly address: string | null
    /** Of the final response; null for a stream. */
    readonly status: number | null
    readonly bytesUp: number
    readonly bytesDown: number
    /** Why it ended early: a code of ours, `client_left`, or `revoked`; null when it ended as it should. */
    readonly error: RefusalCode | 'client_left' | 'revoked' | null
  }
  | { readonly kind: 'refused', readonly code: RefusalCode, readonly reason: string, readonly address: string | null, readonly bytesUp: number }
