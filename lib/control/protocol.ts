/**
 * What the control server and its client agree on. `docs/control-api.md` tells it to everybody else.
 */

/** Body of an answer. A rule is small; more is a mistake or an attack. */
export const MAX_BODY_BYTES = 64 * 1024

/** A comment is sent this often on a quiet event stream, so that either side notices that the other is gone. */
export const HEARTBEAT_MS = 15_000

/** `Host` of a request. Any other comes from a page in a browser that was led here. */
export const HOSTS: readonly string[] = ['sallyport', 'localhost']

export const PATHS = {
  status: '/v1/status',
  pending: '/v1/pending',
  policy: '/v1/policy',
  events: '/v1/events',
  answer: (id: string) => `/v1/pending/${id}/answer`,
} as const

/** Ids of questions as they may stand in a path. They are ours; what looks otherwise names no question. */
export const isQuestionId = (text: string): boolean => /^\w[\w.~-]{0,127}$/.test(text)

/** Body of every response that is not a success. */
export interface ControlError {
  readonly error: {
    readonly code: 'E_UNKNOWN_QUESTION' | 'E_CONTROL_REFUSED'
    readonly message: string
    /** Why an answer may not stand, one sentence each; empty otherwise. */
    readonly problems: readonly string[]
  }
}
