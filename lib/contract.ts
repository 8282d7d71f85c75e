/**
 * What a running firewall offers: the public side of `createFirewall`.
 */
import type { Duplex } from 'node:stream'
import type { Explanation } from './decide/explain.ts'
import type { AnswerResult, DeskEvent, Status } from './model/desk.ts'
import type { Answer, Pending } from './model/hold.ts'
import type { PolicyDocument } from './model/policy.ts'
import type { RequestLike } from './normalize/offline.ts'
import type { SandboxDoors } from './sandbox/link.ts'
import type { Shared, SharedAddresses } from './transparent.ts'

export interface ProxyAddress {
  readonly host?: string
  /** 0: a free one. */
  readonly port?: number
}

export interface Listening {
  readonly url: string
  readonly host: string
  readonly port: number
}

export interface Firewall extends AsyncDisposable {
  /** Opens the proxy's port. @param address default `127.0.0.1` and a free port */
  listen(address?: ProxyAddress): Promise<Listening>
  /** The same as `listenTransparent`. */
  listen(addresses: SharedAddresses): Promise<Shared>
  /** Serves a connection that the embedding runtime has already, as if a client had opened it to the proxy's port. */
  handle(socket: Duplex): void
  /**
   * Serves a sandbox that `createSandbox` or `attach` opened: what it connects to, and its questions for names.
   *
   * @param terms  `label`: what the client is called. Default: `sandbox`
   * @throws OperatorError E_CLOSED
   */
  transparent(doors: SandboxDoors, terms?: { readonly label?: string }): { close(): Promise<void> }
  /**
   * Opens the doors of a network that we share with what we guard; its packet filter leads there (`sidecarRules`).
   *
   * @throws OperatorError E_CLOSED, E_LISTEN_FAILED, E_SANDBOX_TOOL
   */
  listenTransparent(addresses: SharedAddresses): Promise<Shared>
  /** The open questions, oldest first. */
  pending(): readonly Pending[]
  /** Answers a question. It is told as accepted only once the data path has it. */
  answer(id: string, answer: Answer): Promise<AnswerResult>
  /** Reads the policy again, or takes another one. @throws OperatorError; the last good policy stays in force */
  reload(policy?: string | PolicyDocument): Promise<void>
  /** How a request would be ruled now. Nothing is sent, asked or counted. */
  decide(request: RequestLike): Ruled
  /** The same with every rule considered, and why not. */
  explain(request: RequestLike): Explanation | { readonly refused: string }
  /** Environment variables that make clients use the proxy and trust its CA. Call it after `listen()`. */
  env(): Record<string, string>
  status(): Status
  /** @returns how to stop listening */
  subscribe(listener: (event: DeskEvent) => void): () => void
  readonly ca: { readonly path: string, readonly bundle: string, readonly fingerprint: string, readonly dir: string }
  /** Path of the control socket; null where there is none. */
  readonly control: string | null
  /** The operator's page, and the link that signs in whoever opens it first; null where there is none. */
  readonly console: { readonly url: string, readonly link: string, readonly host: string, readonly port: number } | null
  /** Answers what is held, lets what flows end for `limits.drainMs`, and closes. */
  close(): Promise<void>
}

/** A ruling as told to a caller. */
export interface Ruled {
  readonly action: 'allow' | 'hold' | 'deny' | 'refused'
  readonly rule: string | null
  /** Code of the refusal, if any. */
  readonly code: string | null
  readonly reason: string | null
  readonly wouldHold: boolean
}
