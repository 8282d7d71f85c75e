/**
 * Calls `http://sallyport.internal/` from inside: through the proxy that the environment names, else directly, where
 * the firewall answers for names itself.
 *
 * `NO_PROXY` is not asked: the name exists nowhere but there.
 */
import { request } from 'node:http'
import type { RequestOptions } from 'node:http'
import { AGENT_HOST, AGENT_URL } from '../model/agent.ts'
import { OperatorError } from '../model/errors.ts'

export interface AgentReply {
  readonly status: number
  readonly value: unknown
}

export interface AgentClient {
  /** Where it asks, for messages; without credentials. */
  readonly via: string
  /**
   * @param path from `/v1/` on
   * @throws OperatorError E_AGENT_UNREACHABLE
   */
  call(method: 'GET' | 'POST', path: string, body?: object, signal?: AbortSignal): Promise<AgentReply>
}

/** Longer than the longest wait. */
const TIMEOUT_MS = 90_000
/** A policy of a thousand rules has a few hundred kilobytes. */
const MAX_REPLY_BYTES = 8 * 1_024 * 1_024

/** @throws OperatorError E_OPTION_INVALID for a proxy that cannot be used */
export function connectAgent(env: Readonly<Record<string, string | undefined>>): AgentClient {
  const proxy = proxyIn(env)
  const via = proxy === null ? AGENT_HOST : `the proxy ${proxy.host}`
  return {
    via,
    call: (method, path, body, signal) => exchange(optionsFor(proxy, method, path, signal), body, problem => new OperatorError('E_AGENT_UNREACHABLE', { via, problem })),
  }
}

function proxyIn(env: Readonly<Record<string, string | undefined>>): URL | null {
  const name = ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'].find(name => (env[name] ?? '') !== '')
  if (name === undefined) return null
  try {
    const url = new URL(env[name]!.includes('://') ? env[name]! : `http://${env[name]}`)
    if (url.protocol === 'http:') return url
  } catch {
    // Falls through to the same complaint: `URL` throws a TypeError, and for nothing else.
  }
  throw new OperatorError('E_OPTION_INVALID', { option: name, problem: 'it is no http:// proxy', fix: 'Set it to what `sallyport env` prints.' })
}

function optionsFor(proxy: URL | null, method: string, path: string, signal: AbortSignal | undefined): RequestOptions {
  const common: RequestOptions = { method, agent: false, timeout: TIMEOUT_MS, ...signal === undefined ? {} : { signal } }
  const headers = { host: AGENT_HOST, accept: 'application/json' }
  if (proxy === null) return { ...common, host: AGENT_HOST, port: 80, path, headers }
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return {
    ...common, host: proxy.hostname.replace(/^\[|\]$/g, ''), port: proxy.port === '' ? 80 : Number(proxy.port), path: `${AGENT_URL}${path.slice(1)}`,
    headers: { ...headers, ...proxy.username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` } },
  }
}

function exchange(options: RequestOptions, body: object | undefined, unreachable: (problem: string) => OperatorError): Promise<AgentReply> {
  return new Promise((resolve, reject) => {
    const fail = (problem: string): void => reject(unreachable(problem))
    const sent = request(options, response => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_REPLY_BYTES) sent.destroy(new Error('its answer is too long'))
        else chunks.push(chunk)
      })
      response.on('error', error => fail(error.message))
      response.on('end', () => {
        try {
          resolve({ status: response.statusCode ?? 0, value: JSON.parse(Buffer.concat(chunks).toString()) })
        } catch {
          // Whoever answers there is no firewall of ours, or one that is not asked like this.
          fail(`it answered ${response.statusCode} and no JSON`)
        }
      })
    })
    sent.on('timeout', () => sent.destroy(new Error('it does not answer')))
    sent.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message))
    if (body !== undefined) sent.setHeader('content-type', 'application/json')
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
