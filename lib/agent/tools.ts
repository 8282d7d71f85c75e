/**
 * The three calls as an agent's tools say them: text for a model, from the replies of `http://sallyport.internal/`.
 */
import { isOperatorError } from '../model/errors.ts'
import type { AgentClient, AgentReply } from './client.ts'

export interface Told {
  readonly text: string
  /** It did not work; the text says what to do. */
  readonly isError: boolean
}

export interface Asking {
  readonly reason?: string | undefined
  readonly rules?: readonly object[] | undefined
  /** Of a request that was asked before: goes on waiting for it. */
  readonly id?: string | undefined
  /** How long to wait for the answer, in seconds. */
  readonly waitSeconds: number
}

export interface Tools {
  whatIsAllowed(): Promise<Told>
  whyRefused(): Promise<Told>
  /** @param onWait called now and then while nobody has answered */
  ask(asking: Asking, signal: AbortSignal, onWait: (says: string) => void): Promise<Told>
}

/** Well below the time after which clients of the protocol give up on a tool that says nothing. */
const POLL_S = 20

export function createTools(client: AgentClient): Tools {
  async function ask({ reason, rules, id, waitSeconds }: Asking, signal: AbortSignal, onWait: (says: string) => void): Promise<Told> {
    let reply = id !== undefined ? await client.call('GET', `/v1/requests/${encodeURIComponent(id)}`, undefined, signal) : await client.call('POST', '/v1/requests', { reason, rules }, signal)
    let left = waitSeconds
    for (let told = taskIn(reply); told?.status === 'open' && left > 0; told = taskIn(reply)) {
      onWait(`the operator is asked (${told.id}); ${left} s left`)
      const wait = Math.min(left, POLL_S)
      left -= wait
      reply = await client.call('GET', `/v1/requests/${told.id}?wait=${wait}`, undefined, signal)
    }
    const task = taskIn(reply)
    return task === null ? failed(reply) : { text: sayTask(task), isError: task.status !== 'approved' && task.status !== 'open' }
  }

  return {
    whatIsAllowed: () => telling(async () => {
      const reply = await client.call('GET', '/v1/policy')
      const text = fieldOf(reply.value, 'text')
      return reply.status === 200 && typeof text === 'string' ? { text, isError: false } : failed(reply)
    }),
    whyRefused: () => telling(async () => {
      const reply = await client.call('GET', '/v1/denials')
      const denials = fieldOf(reply.value, 'denials')
      if (reply.status !== 200 || !Array.isArray(denials)) return failed(reply)
      return { text: denials.length === 0 ? 'Nothing was refused so far.' : denials.map(sayDenial).join('\n'), isError: false }
    }),
    ask: (...given) => telling(() => ask(...given)),
  }
}

/** A tool never throws for what the network or the firewall does: the model reads it. */
async function telling(tell: () => Promise<Told>): Promise<Told> {
  try {
    return await tell()
  } catch (error) {
    if (!isOperatorError(error)) throw error
    return { text: `${error.message} ${error.fix}`, isError: true }
  }
}

interface Task {
  readonly id: string
  readonly status: string
  readonly reason: unknown
  readonly granted: unknown
  readonly grantedUntil: unknown
  readonly hint: unknown
}

function taskIn({ status, value }: AgentReply): Task | null {
  const known = { id: fieldOf(value, 'id'), status: fieldOf(value, 'status') }
  return (status === 200 || status === 201) && typeof known.id === 'string' && typeof known.status === 'string' ? value as Task : null
}

function sayTask({ id, status, reason, granted, grantedUntil, hint }: Task): string {
  return [
    `Request ${id}: ${status}.`,
    ...typeof reason === 'string' ? [`The operator says: ${reason}`] : [],
    ...status === 'approved' ? [`Granted${typeof grantedUntil === 'string' ? ` until ${grantedUntil}` : ''}: ${JSON.stringify(granted)}`] : [],
    status === 'open' ? `Nobody has answered yet. Call ask_for_access again with {"id":"${id}"} to go on waiting; meanwhile do what needs no access.` : String(hint ?? ''),
  ].join('\n')
}

function sayDenial(denial: unknown): string {
  const of = (name: string): string => String(fieldOf(denial, name) ?? '')
  const reason = of('reason')
  return `${of('time')} ${of('code')}: ${of('message')} ${of('path')}${reason === '' ? '' : ` The operator says: ${reason}`} ${of('hint')}`
}

function failed({ status, value }: AgentReply): Told {
  const error = fieldOf(value, 'error')
  const problems = fieldOf(error, 'problems')
  const lines = [fieldOf(error, 'message') ?? `The firewall answered ${status}.`, ...Array.isArray(problems) ? problems : [], fieldOf(error, 'hint') ?? '']
  return { text: lines.map(String).filter(line => line !== '').join('\n'), isError: true }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
}
