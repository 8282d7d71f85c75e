/**
 * Every code a client can read, and every error an operator can meet, with what to do next.
 *
 * A code is an API: never renamed, never reused. `docs/errors.md` holds the same two tables
 * (test/house/errors.test.ts checks them against each other, both ways).
 */

import { AGENT_URL } from './agent.ts'

/** Error types of RFC 9209 §2.3 that we use. */
export type ProxyStatusError =
  | 'http_request_denied' | 'destination_ip_prohibited' | 'dns_error' | 'connection_refused'
  | 'connection_timeout' | 'tls_certificate_error' | 'http_request_error'
  | 'http_response_incomplete' | 'connection_limit_reached' | 'proxy_internal_error'

export interface RefusalRow {
  /** RFC 9110 status code. */
  readonly status: number
  readonly proxyStatus: ProxyStatusError
  /** Whether the same request may succeed later without anybody changing it. */
  readonly retry: boolean
  /** The client's connection ends with the answer: what follows on it cannot be trusted or read. */
  readonly close: boolean
  /** One sentence; `{host}`, `{port}`, `{method}`, `{path}` are what the client itself sent. */
  readonly says: string
  /** What an agent should do next. */
  readonly hint: string
  /** The same where it may ask for access by itself (docs/agent.md); absent: as `hint`. */
  readonly ask?: string
}

const MALFORMED = { status: 400, proxyStatus: 'http_request_error', retry: false, close: true } as const
const UPSTREAM = { status: 502, retry: true, close: false } as const

export const REFUSALS = {
  malformed_request: { ...MALFORMED, says: 'The request is not well-formed HTTP/1.1.', hint: 'Send one well-formed HTTP/1.1 request with one Host field and one body length.' },
  malformed_target: { ...MALFORMED, says: 'The request target cannot be judged safely.', hint: 'Send a target without dot segments, control characters, backslashes or broken percent-escapes.' },
  method_refused: { ...MALFORMED, says: 'The method {method} is not served here.', hint: 'Use another method; TRACE and a CONNECT inside a tunnel are never forwarded.' },
  use_connect: { ...MALFORMED, says: 'An https:// target needs a tunnel.', hint: 'Send CONNECT {host}:{port} first and the request inside it.' },
  misdirected: { status: 421, proxyStatus: 'http_request_error', retry: false, close: true, says: 'The request names another host than its connection.', hint: 'Open a connection for the host that the request names.' },
  header_timeout: { status: 408, proxyStatus: 'http_request_error', retry: true, close: true, says: 'The request header did not arrive in time.', hint: 'Send the whole header at once, on a new connection.' },
  target_too_long: { status: 414, proxyStatus: 'http_request_error', retry: false, close: true, says: 'The request target is too long.', hint: 'Send a shorter target, or put the data in the body.' },
  header_too_large: { status: 431, proxyStatus: 'http_request_error', retry: false, close: true, says: 'The request header is too large.', hint: 'Send fewer or shorter fields.' },
  client_refused: { status: 407, proxyStatus: 'http_request_denied', retry: false, close: true, says: 'This client may not use the proxy.', hint: 'Send Proxy-Authorization with a token that the operator issued.' },
  proxy_full: { status: 503, proxyStatus: 'connection_limit_reached', retry: true, close: true, says: 'The proxy serves as many connections as it may.', hint: 'Wait, then try again with fewer connections.' },
  shutting_down: { status: 503, proxyStatus: 'http_request_denied', retry: true, close: true, says: 'The proxy is shutting down.', hint: 'Try again when it is back.' },

  not_served: { status: 404, proxyStatus: 'http_request_denied', retry: false, close: false, says: '{host} is the firewall itself, and does not serve that.', hint: 'Nothing else is served under this name.' },

  policy_denied: { status: 403, proxyStatus: 'http_request_denied', retry: false, close: false, says: '{method} {host}:{port} is denied by policy.', hint: 'Do not retry. Work without this endpoint, or ask the operator to change the policy.', ask: `Do not retry. Work without this endpoint; GET ${AGENT_URL}v1/policy says what is allowed.` },
  approval_denied: { status: 403, proxyStatus: 'http_request_denied', retry: false, close: false, says: 'The operator denied {method} {host}:{port}.', hint: 'Do not retry. Work without this endpoint, or ask the operator why.', ask: `Do not retry. Work without this endpoint; GET ${AGENT_URL}v1/denials has the reasons that were given.` },
  approval_pending: { status: 503, proxyStatus: 'http_request_denied', retry: true, close: false, says: 'Nobody has decided about {method} {host}:{port} yet.', hint: 'The question stays open: repeat the same request later.', ask: `The question stays open: repeat the same request later. To ask for a whole task at once: POST ${AGENT_URL}v1/requests.` },
  approval_queue_full: { status: 503, proxyStatus: 'connection_limit_reached', retry: true, close: false, says: 'Too many requests are waiting for a decision.', hint: 'Wait for the open questions to be answered, then repeat the request.', ask: `Wait for the open questions to be answered, then repeat the request; or ask for a whole task at once: POST ${AGENT_URL}v1/requests.` },
  approver_unavailable: { status: 503, proxyStatus: 'http_request_denied', retry: true, close: false, says: 'Nobody can decide about {method} {host}:{port} now.', hint: 'Tell the operator that no approver answers; repeat the request later.' },
  judgement_failed: { status: 403, proxyStatus: 'proxy_internal_error', retry: false, close: true, says: 'The request could not be judged, so it is denied.', hint: 'Report the flow id to the operator.' },
  audit_unavailable: { status: 503, proxyStatus: 'http_request_denied', retry: true, close: false, says: 'The audit log cannot be written, so nothing may pass.', hint: 'Tell the operator; repeat the request later.' },
  address_forbidden: { status: 403, proxyStatus: 'destination_ip_prohibited', retry: false, close: false, says: 'The address of {host} may not be dialled.', hint: 'Do not retry. Private and special addresses are opened by the policy alone.' },

  request_too_large: { status: 413, proxyStatus: 'http_request_denied', retry: false, close: true, says: 'The request body is larger than the policy allows.', hint: 'Send less.' },
  budget_spent: { status: 403, proxyStatus: 'http_request_denied', retry: false, close: true, says: 'What the rule that let this through may let through in all is used up, or too little of it is left.', hint: 'Do not retry as it is: send or ask for less, for example with a Range field.' },
  response_too_large: { status: 502, proxyStatus: 'http_response_incomplete', retry: false, close: true, says: 'The response body is larger than the policy allows.', hint: 'Ask for less, for example with a Range field.' },

  upstream_dns_failed: { ...UPSTREAM, proxyStatus: 'dns_error', says: 'The name {host} could not be resolved.', hint: 'Check the name; if it is right, try again later.' },
  upstream_refused: { ...UPSTREAM, proxyStatus: 'connection_refused', says: '{host}:{port} accepted no connection.', hint: 'Check the port; if it is right, try again later.' },
  upstream_timeout: { ...UPSTREAM, status: 504, proxyStatus: 'connection_timeout', says: '{host}:{port} did not answer the connection in time.', hint: 'Try again later.' },
  upstream_tls_failed: { ...UPSTREAM, retry: false, proxyStatus: 'tls_certificate_error', says: 'The TLS identity of {host}:{port} could not be verified.', hint: 'Do not retry. The operator can name the CA of that host.' },
  upstream_invalid: { ...UPSTREAM, proxyStatus: 'http_response_incomplete', says: '{host}:{port} sent no valid HTTP response.', hint: 'Try again later; report the flow id if it stays so.' },
  upstream_incomplete: { ...UPSTREAM, proxyStatus: 'http_response_incomplete', says: '{host}:{port} ended the connection before it answered.', hint: 'Try again later.' },
} as const satisfies Record<string, RefusalRow>

export type RefusalCode = keyof typeof REFUSALS

interface OperatorRow {
  /** One sentence; `{name}` stands for a detail. */
  readonly says: string
  readonly fix: string
}

/** Mistakes of the caller or the machine, told to the operator: one sentence, and what to do. */
export const OPERATOR_ERRORS = {
  E_POLICY_UNREADABLE: { says: 'The policy {file} cannot be read ({problem}).', fix: 'Check the path and its permissions, or write a first policy with `sallyport init`.' },
  E_POLICY_INVALID: { says: '{file}{pointer}: {problem}', fix: '`sallyport check {file}` lists every problem at once.' },
  E_CONFIG_INVALID: { says: '{problem}', fix: 'docs/config.md has every property.' },
  E_OPTION_INVALID: { says: '{option}: {problem}', fix: '{fix}' },
  E_LISTEN_FAILED: { says: 'Cannot listen on {address} ({problem}).', fix: 'Choose another address or port, or stop what uses it.' },
  E_LISTEN_OPEN: { says: '{address} is reachable from other machines, and anybody there could use the proxy.', fix: 'Say who may: --allow-from CIDR or --client-token-file FILE; or listen on 127.0.0.1.' },
  E_CA_UNREADABLE: { says: 'The CA in {file} cannot be used ({problem}).', fix: 'Repair its permissions (key 0600, owned by you) or name another directory with --certs; a CA is never replaced silently.' },
  E_CA_WRITE: { says: 'The CA cannot be written to {file} ({problem}).', fix: 'Name a directory that you can write to with --certs.' },
  E_ROOTS_UNREADABLE: { says: 'The upstream roots in {file} cannot be used ({problem}).', fix: 'Name a PEM file with at least one certificate.' },
  E_AUDIT_UNWRITABLE: { says: 'The audit log {file} cannot be written ({problem}).', fix: 'Free the disk or name another file with --audit; --audit-optional lets traffic pass without a log.' },
  E_AUDIT_LOCKED: { says: 'The audit log {file} is being written by another process ({problem}).', fix: 'Give every firewall a log of its own.' },
  E_AUDIT_UNREADABLE: { says: 'The audit log {file} cannot be read ({problem}).', fix: 'Check the path and its permissions.' },
  E_AUDIT_BROKEN: { says: '{file}, line {line}: {problem}', fix: 'From that line on the log does not prove what happened; compare it with a copy.' },
  E_CONTROL_FAILED: { says: 'The control socket {path} cannot be opened ({problem}).', fix: 'Name another path with --control, in a directory that only you can enter.' },
  E_CONTROL_UNREACHABLE: { says: 'No firewall answers at {path} ({problem}).', fix: 'Start one with `sallyport serve`, or name its socket with --control PATH.' },
  E_CONTROL_REFUSED: { says: 'The firewall did not accept it: {problem}', fix: '{fix}' },
  E_UNKNOWN_QUESTION: { says: 'There is no open question {id}.', fix: '`sallyport pending` lists the open ones.' },
  E_UNKNOWN_GRANT: { says: 'There is no grant {id} to take back: it ended, or was spent.', fix: '`GET /v1/grants` of the control socket lists those that are open.' },
  E_AGENT_UNREACHABLE: { says: 'The firewall does not answer at {via} ({problem}).', fix: 'Start it inside: in `sallyport run`, or where the variables of `sallyport env` are set.' },
  E_SANDBOX_TOOL: { says: 'A sandbox needs {tool}, which is not installed.', fix: 'Install the package {package}.' },
  E_SANDBOX_REFUSED: { says: 'This machine refuses the namespaces that a sandbox is made of ({problem}).', fix: '{fix}' },
  E_SANDBOX_FAILED: { says: 'The sandbox could not be closed, so nothing was started in it ({problem}).', fix: '`sallyport doctor` says what this machine lacks; `sallyport run --fallback proxy` takes less.' },
  E_SANDBOX_COMMAND: { says: '{command} cannot be run in the sandbox ({problem}).', fix: '{fix}' },
  E_SANDBOX_GPU: { says: 'There is no GPU to pass ({problem}).', fix: 'Load its driver, or leave --gpu out.' },
  E_ATTACH_REFUSED: { says: 'The network was not put behind the firewall ({problem}).', fix: '{fix}' },
  E_REDIRECT_REFUSED: { says: 'The packet filter was not accepted ({problem}).', fix: 'Run it as root, or with NET_ADMIN, in the network that is to be guarded.' },
  E_CLOSED: { says: 'The firewall is closed.', fix: 'Create a new one with createFirewall().' },
} as const satisfies Record<string, OperatorRow>

export type OperatorErrorCode = keyof typeof OPERATOR_ERRORS

/** Thrown for a caller's mistake or a machine's fault. `message` is one sentence, `fix` says what to do. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  readonly code: OperatorErrorCode
  readonly fix: string
  readonly details: Readonly<Record<string, string>>

  constructor(code: OperatorErrorCode, details: Readonly<Record<string, string>>, cause?: unknown) {
    super(fill(OPERATOR_ERRORS[code].says, details), cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
    this.fix = fill(OPERATOR_ERRORS[code].fix, details)
  }
}

/** Also true for one of another copy of this module, as `bin` and a test may load them. */
export function isOperatorError(value: unknown): value is OperatorError {
  return value instanceof Error && value.name === 'OperatorError' && 'fix' in value
}

/** Puts details in place of `{name}`; a name without a detail is left out. One pass: a detail is never read as a template. */
export function fill(template: string, details: Readonly<Record<string, string>>): string {
  return template.replace(/\{([a-z]+)\}/gi, (_, name: string) => details[name] ?? '')
}
