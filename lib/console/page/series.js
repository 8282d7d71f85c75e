/**
 * Recent records as numbers: over time, by host, by decision. Pure.
 *
 * @import { AuditRecord } from '../../model/audit.ts'
 */

/** @typedef {NonNullable<AuditRecord['action']>} Decision */
/** @typedef {Record<Decision, number>} Counts */

/** In the order in which they are stacked. @type {readonly Decision[]} */
export const DECISIONS = ['allow', 'hold', 'deny', 'refuse', 'serve']

/** @type {Readonly<Record<Decision, string>>} */
export const SAYS = { allow: 'allowed', hold: 'held', deny: 'denied', refuse: 'refused', serve: 'answered here' }

/** @returns {Counts} */
export const none = () => ({ allow: 0, hold: 0, deny: 0, refuse: 0, serve: 0 })

/** @param {Counts} counts */
export const total = counts => DECISIONS.reduce((sum, decision) => sum + counts[decision], 0)

/** Records by flow, the latest of each. @param {number} max  flows that are remembered */
export function createHistory(max) {
  /** @type {Map<string, AuditRecord>} */
  const flows = new Map()
  return {
    /** @param {readonly AuditRecord[]} records  the oldest first */
    add(records) {
      for (const record of records) {
        if (record.flow === null || record.action === null) continue
        if (record.event === 'open' && flows.get(record.flow)?.event === 'closed') continue
        flows.set(record.flow, record)
        if (flows.size > max) for (const oldest of flows.keys()) { flows.delete(oldest); break }
      }
    },
    get records() { return [...flows.values()] },
  }
}

/**
 * @param {readonly AuditRecord[]} records
 * @param {{ readonly from: number, readonly to: number, readonly bins: number }} span  milliseconds since 1970
 * @returns {readonly { readonly at: number, readonly counts: Counts }[]}
 */
export function overTime(records, { from, to, bins }) {
  const width = (to - from) / bins
  const series = Array.from({ length: bins }, (_, index) => ({ at: from + index * width, counts: none() }))
  for (const { time, action } of records) {
    const bin = series[Math.floor((Date.parse(time) - from) / width)]
    if (bin !== undefined && action !== null) bin.counts[action]++
  }
  return series
}

/**
 * @param {readonly AuditRecord[]} records
 * @param {number} max  hosts; the rest is one, called null
 * @returns {readonly { readonly host: string | null, readonly counts: Counts }[]} the busiest first
 */
export function byHost(records, max) {
  /** @type {Map<string, Counts>} */
  const hosts = new Map()
  for (const { host, action } of records) {
    if (action === null) continue
    const name = host ?? 'no host'
    const counts = hosts.get(name) ?? none()
    counts[action]++
    hosts.set(name, counts)
  }
  const sorted = Array.from(hosts, ([host, counts]) => ({ host, counts })).sort((a, b) => total(b.counts) - total(a.counts))
  const rest = sorted.slice(max)
  if (rest.length === 0) return sorted
  const others = none()
  for (const { counts } of rest) for (const decision of DECISIONS) others[decision] += counts[decision]
  return [...sorted.slice(0, max), { host: null, counts: others }]
}

/** @param {readonly AuditRecord[]} records */
export function byDecision(records) {
  const counts = none()
  for (const { action } of records) if (action !== null) counts[action]++
  return counts
}
