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
  eventsWithFlows: '/v1/events?flows=1',
  answer: (id: string) => `/v1/pending/${id}/answer`,
  answerAll: '/v1/pending/answer',
  grants: '/v1/grants',
  undo: (id: string) => `/v1/grants/${id}/undo`,
  rules: '/v1/rules',
  flows: '/v1/flows',
  log: '/v1/log',
  consoleLink: '/v1/console/link',
} as const

/** Ids of questions and grants as they may stand in a path. They are ours; what looks otherwise names nothing. */
export const isId = (text: string): boolean => /^\w[\w.~-]{0,127}$/.test(text)

/** Body of every response that is not a success. */
export interface ControlError {
  readonly error: {
    readonly code: 'E_UNKNOWN_QUESTION' | 'E_UNKNOWN_GRANT' | 'E_CONTROL_REFUSED'
    readonly message: string
    /** Why an answer may not stand, one sentence each; empty otherwise. */
    readonly problems: readonly string[]
  }
}
