/**
 * The nouns of a request: who is called, how, and in how many ways it may be read.
 *
 * Plain readonly values; the brands are made by `normalize/` alone, so a function that asks
 * for one cannot be handed text that nobody checked.
 */

declare const canonical: unique symbol

/**
 * A host in the one form in which hosts are compared: lower case, no trailing dot, IDNA as
 * A-labels, IP literals in their standard spelling, IPv6 without brackets.
 */
export type CanonicalHost = string & { readonly [canonical]: 'host' }

export type HostKind = 'name' | 'ipv4' | 'ipv6'

/** RFC 3986 §3.2 without userinfo, which no authority of ours may carry. */
export interface Authority {
  readonly host: CanonicalHost
  readonly hostKind: HostKind
  /** 1 to 65535. */
  readonly port: number
}

/** `ws` and `wss` are the opening handshake of a WebSocket, named apart because they are a two-way channel. */
export type RequestScheme = 'https' | 'http' | 'wss' | 'ws'

/** What a rule may name. `tcp` is an opaque stream. */
export type Scheme = RequestScheme | 'tcp'

/** Field lines as they stood on the wire: name, value, name, value … */
export type RawFields = readonly string[]

/** One HTTP request, ready to be judged. */
export interface RequestFacts extends Authority {
  readonly kind: 'request'
  /** Label of the client: a token's name, or its address. */
  readonly client: string
  readonly scheme: RequestScheme
  /** The method as written; what is sent upstream. */
  readonly method: string
  /** `method`, and every method that an override field names. All are judged. */
  readonly methods: readonly string[]
  /** Origin-form, byte for byte what goes upstream (RFC 9112 §3.2.1). */
  readonly target: string
  /** `target` up to the first `?`. */
  readonly path: string
  /** What follows the first `?`, or null where there is none. */
  readonly query: string | null
  /** Every way in which an origin may read the path (1 to 8). All are judged. */
  readonly readings: readonly string[]
  /** All field lines the client sent. */
  readonly fields: RawFields
  /** A body is announced: a length above 0, or chunked. */
  readonly hasContent: boolean
  /** Announced length of the body in bytes; null when chunked; 0 when there is none. */
  readonly contentLength: number | null
}

/** A connection whose bytes we will not read: an opaque stream (`tcp`) or TLS passed through by its name (`https`). */
export interface StreamFacts extends Authority {
  readonly kind: 'stream'
  readonly client: string
  readonly scheme: 'tcp' | 'https'
}

export type Facts = RequestFacts | StreamFacts

/** A request as it stood on the wire, with what is known of its connection. Nothing in it is checked. */
export interface RawRequest {
  readonly client: string
  /** The tunnel it came in; null: the proxy's plain port, in absolute-form. */
  readonly tunnel: null | {
    readonly authority: Authority
    readonly isSecure: boolean
    /** SNI as the client wrote it; null where none was sent. */
    readonly serverName: string | null
  }
  readonly method: string
  readonly target: string
  readonly httpVersion: string
  readonly fields: RawFields
  /** The parser saw an `Upgrade` and gave the connection up. */
  readonly isUpgrade: boolean
}

/** The twins of a request share this text; nothing else does, a request with other overriding methods least. Parts are JSON, so no part can run into the next. */
export function twinKey(facts: Facts): string {
  const { client, scheme, host, port } = facts
  const rest = facts.kind === 'request' ? [facts.methods, facts.target] : []
  return JSON.stringify([facts.kind, client, scheme, host, port, ...rest])
}
