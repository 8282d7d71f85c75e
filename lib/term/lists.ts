/** What the other panes list: items with a key, so that the cursor stays on what it is on. Pure. */
import type { AuditRecord } from '../model/audit.ts'
import type { Granted, RuleInForce, RulesInForce } from '../model/grants.ts'
import type { From, Pane, State } from './state.ts'
import { recordText } from './words.ts'

export type Item =
  | { readonly kind: 'grant', readonly key: string, readonly path: string, readonly grant: Granted }
  | { readonly kind: 'rule', readonly key: string, readonly path: string, readonly rule: RuleInForce }
  | { readonly kind: 'unmatched', readonly key: string, readonly path: string, readonly unmatched: RulesInForce['unmatched'] }
  | { readonly kind: 'record', readonly key: string, readonly path: string, readonly record: AuditRecord }

export type ListPane = Exclude<Pane, 'pending'>

/** Those that the filter lets through. Of the audit search the firewalls have done that. */
export function itemsOf(state: State, pane: ListPane): readonly Item[] {
  const all = allOf(state, pane)
  const wanted = pane === 'audit' ? '' : state.filters[pane].toLowerCase()
  return wanted === '' ? all : all.filter(item => textOf(item).toLowerCase().includes(wanted))
}

export const itemAt = (state: State, pane: ListPane): Item | null => itemsOf(state, pane).find(({ key }) => key === state.places[pane].key) ?? null

function allOf(state: State, pane: ListPane): readonly Item[] {
  switch (pane) {
    case 'grants': return state.grants.map(({ path, value }) => ({ kind: 'grant', key: `${path} ${value.id}`, path, grant: value }))
    case 'rules': return state.rules.flatMap(({ path, value }) => [
      ...value.rules.map((rule): Item => ({ kind: 'rule', key: `${path} ${rule.rule.id}`, path, rule })),
      { kind: 'unmatched', key: `${path} `, path, unmatched: value.unmatched },
    ])
    case 'traffic': return state.traffic.map(recordItem)
    case 'audit': return state.found.map(recordItem)
    default: return pane satisfies never
  }
}

/** A flow is one line, however often it is told; a notice is one each. */
const recordItem = ({ path, value }: From<AuditRecord>): Item => ({ kind: 'record', key: recordKey(path, value), path, record: value })

export const recordKey = (path: string, { flow, time, reason }: AuditRecord): string => `${path} ${flow ?? `${time} ${reason}`}`

function textOf(item: Item): string {
  switch (item.kind) {
    case 'grant': return JSON.stringify(item.grant)
    case 'rule': return JSON.stringify(item.rule.rule)
    case 'unmatched': return `unmatched ${item.unmatched.action}`
    case 'record': return recordText(item.record)
    default: return item satisfies never
  }
}
