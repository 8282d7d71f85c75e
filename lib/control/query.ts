/**
 * Reads what a query asks of the recent flows, or says what it cannot mean.
 */
import type { FlowQuery } from '../model/desk.ts'

export type ParsedQuery =
  | { readonly kind: 'query', readonly query: FlowQuery, readonly older: string | null }
  | { readonly kind: 'refused', readonly problem: string }

/** All that is remembered. */
export const MAX_FLOWS = 5_000
const DEFAULT_FLOWS = 200
const ACTIONS: readonly string[] = ['allow', 'deny', 'refuse', 'hold', 'serve'] satisfies FlowQuery['action'][]

/**
 * @param query what follows the `?`
 * @param mayGoOn whether it may say where a part before it ended
 */
export function parseFlowQuery(query: string, mayGoOn = false): ParsedQuery {
  const given: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(query)) {
    if (!['limit', 'host', 'action', 'text'].includes(name) && !(mayGoOn && name === 'older')) return refused(`Flows are found by limit, host, action and text${mayGoOn ? ', and from older on' : ''}.`)
    if (Object.hasOwn(given, name)) return refused(`${name} stands there twice.`)
    given[name] = value
  }
  const { limit = String(DEFAULT_FLOWS), host, action, text, older = null } = given
  if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > MAX_FLOWS) return refused(`limit is a number from 1 to ${MAX_FLOWS}.`)
  if (action !== undefined && action !== '' && !ACTIONS.includes(action)) return refused(`action is one of ${ACTIONS.join(', ')}.`)
  if (older !== null && !/^\d{1,16}:\d{1,16}$/.test(older)) return refused('older is what the part before it said.')
  return {
    kind: 'query',
    older,
    query: {
      limit: Number(limit),
      ...host === undefined || host === '' ? {} : { host },
      ...action === undefined || action === '' ? {} : { action: action as NonNullable<FlowQuery['action']> },
      ...text === undefined || text === '' ? {} : { text },
    },
  }
}

const refused = (problem: string): ParsedQuery => ({ kind: 'refused', problem })
