/**
 * The records of a log as the requests they were, each of them once with its number.
 *
 * What the log leaves out (values of queries, fields, bodies) is left out here; nothing is guessed.
 */
import { classifyAddress } from './decide/address.ts'
import type { AuditRecord } from './model/audit.ts'
import { displayHost } from './model/display.ts'
import type { Facts } from './model/request.ts'
import { describeRequest } from './normalize/offline.ts'

/** A request that was made, perhaps often. */
export interface Seen {
  readonly facts: Facts
  /** How often. */
  readonly requests: number
  /** It was let through, at least once. Requests that were not are here for the rules that they met. */
  readonly wasAllowed: boolean
  /** Ids of the rules that ruled it then. */
  readonly rules: ReadonlySet<string>
  /** An address that is not public, where one was dialled; else null. */
  readonly privateAddress: string | null
}

export interface Traffic {
  readonly seen: readonly Seen[]
  /** Let through, and no request that can be judged again. */
  readonly odd: readonly { readonly place: string, readonly requests: number, readonly why: string }[]
  /** Requests that were not let through. */
  readonly refused: number
  /** Lines that are no records. */
  readonly unreadable: number
}

export interface TrafficReader {
  add(record: AuditRecord): void
  end(): Traffic
}

interface Growing extends Seen {
  requests: number
  wasAllowed: boolean
  readonly rules: Set<string>
  privateAddress: string | null
}

export function createTraffic(): TrafficReader {
  const seen = new Map<string, Growing>()
  const odd = new Map<string, { place: string, requests: number, why: string }>()
  /** Flows whose end the log does not show yet. */
  const open = new Map<string, AuditRecord>()
  let refused = 0
  let unreadable = 0

  function count(record: AuditRecord): void {
    // The firewall itself answered: no rule is needed for it.
    if (record.action === 'serve') return
    const wasAllowed = record.action === 'allow' && record.code !== 'address_forbidden'
    if (!wasAllowed) refused++
    const key = JSON.stringify([record.scheme, record.host, record.port, record.method, pathOf(record), hasBody(record), wasAllowed])
    const known = seen.get(key)
    if (known === undefined) {
      const facts = factsOf(record)
      if (typeof facts !== 'string') seen.set(key, add({ facts, requests: 0, wasAllowed, rules: new Set(), privateAddress: null }, record))
      else if (wasAllowed) {
        const place = `${record.scheme ?? '?'}://${displayHost(record.host ?? '?', record.port ?? 0)}`
        odd.set(`${place} ${facts}`, { place, why: facts, requests: 1 + (odd.get(`${place} ${facts}`)?.requests ?? 0) })
      }
    } else add(known, record)
  }

  return {
    add(record) {
      if (record.event === 'notice') {
        if (record.policy.hash === '') unreadable++
        return
      }
      if (record.flow !== null && record.event === 'open') open.set(record.flow, record)
      else {
        if (record.flow !== null) open.delete(record.flow)
        count(record)
      }
    },
    end() {
      for (const record of open.values()) if (record.action === 'allow') count(record)
      open.clear()
      return { seen: [...seen.values()], odd: [...odd.values()], refused, unreadable }
    },
  }
}

function add(seen: Growing, { rule, address }: AuditRecord): Growing {
  seen.requests++
  if (rule !== null) seen.rules.add(rule)
  if (address !== null && classifyAddress(address) !== 'public') seen.privateAddress = address
  return seen
}

/** Without the query, whose values the log does not have. */
function pathOf({ path }: AuditRecord): string | null {
  return path === null ? null : path.split('?', 1)[0]!
}

/** A GET with content is no reading. What streams up a WebSocket or a tunnel is none of a request's. */
function hasBody({ scheme, bytesUp }: AuditRecord): boolean {
  return bytesUp > 0 && (scheme === 'https' || scheme === 'http')
}

/** @returns why there are none, where the record is not of a request that could be judged */
function factsOf(record: AuditRecord): Facts | string {
  const { scheme, host, port, method } = record
  const path = pathOf(record)
  const client = record.client ?? ''
  if (scheme === null || host === null || port === null || method === null) return 'the log does not say where it went'
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  if (path === null) {
    const described = describeRequest({ url: `tcp://${authority}`, client })
    if (described.kind === 'refused') return described.reason
    return described.facts.kind === 'stream' ? { ...described.facts, scheme: scheme === 'https' ? 'https' : 'tcp' } : 'it is no stream'
  }
  if (path.includes('…')) return 'its path is cut in the log'
  const headers = hasBody(record) ? ['Content-Length', String(record.bytesUp)] : []
  const described = describeRequest({ method, url: `${scheme}://${authority}${path}`, headers, client })
  return described.kind === 'refused' ? described.reason : described.facts
}
