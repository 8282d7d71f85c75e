/** Grants, rules and records: each a line of a list, and what is known of the one under the cursor. Pure. */
import type { AuditRecord } from '../model/audit.ts'
import { visible } from '../model/display.ts'
import type { Granted } from '../model/grants.ts'
import type { RuleShape } from '../model/policy.ts'
import { cut, fit, span, spread, wrap, type Line, type Tone } from './lines.ts'
import type { Item, ListPane } from './lists.ts'
import type { State } from './state.ts'
import { count, hour, length, size, until } from './words.ts'

/** Right of the list, above its numbers. */
export function headings(pane: ListPane, width: number): string {
  const names = { grants: ['uses', 'live', 'ends'], rules: ['hits', 'last UTC'], traffic: ['status', 'bytes', 'took'], audit: ['status', 'bytes', 'took'] }[pane]
  return numbersOf(names, width).map(name => name.padStart(NUMBER)).join('').trimStart()
}

const NUMBER = 9
/** Narrower than this a line has its first number alone. */
const NARROW = 64
const numbersOf = <T>(numbers: readonly T[], width: number): readonly T[] => width < NARROW ? numbers.slice(0, 1) : numbers

interface Look {
  readonly isPicked: boolean
  readonly width: number
}

export function paintItem(state: State, item: Item, { isPicked, width }: Look): Line {
  const { what, numbers } = partsOf(state, item)
  const right = numbersOf(numbers, width).map(([text, tone]): Line[number] => span(text.padStart(NUMBER), tone))
  const painted = spread([span(isPicked ? '▸ ' : '  '), ...what], [...right, span(' ')], width)
  return isPicked ? fit(painted.map(({ text }) => span(text, 'picked')), width, 'picked') : cut(painted, width)
}

interface Parts {
  readonly what: Line
  readonly numbers: readonly (readonly [string, Tone])[]
}

const ACTIONS: Readonly<Record<NonNullable<AuditRecord['action']>, Tone>> = { allow: 'good', deny: 'bad', refuse: 'bad', hold: 'warn', serve: 'accent' }

function partsOf(state: State, item: Item): Parts {
  switch (item.kind) {
    case 'grant': return {
      what: [span(item.grant.scope.padEnd(8), 'accent'), span(ruleWords(item.grant.rule))],
      numbers: [[String(item.grant.uses), 'plain'], [item.grant.live === 0 ? '' : String(item.grant.live), 'good'], [ends(state, item.grant), 'plain']],
    }
    case 'rule': {
      const { rule, hits, lastHit } = item.rule
      const { id, action = 'allow', ...rest } = rule
      return { what: [span(action.padEnd(7), ACTIONS[action]), span(`${id}  `, 'strong'), span(ruleWords(rest), 'faint')], numbers: [[String(hits), hits === 0 ? 'faint' : 'strong'], [lastHit === null ? 'never' : hour(lastHit), 'faint']] }
    }
    case 'unmatched': {
      const { action, hits, lastHit } = item.unmatched
      return { what: [span(action.padEnd(7), action === 'observe' ? 'good' : ACTIONS[action]), span('whatever no rule matches', 'plain')], numbers: [[String(hits), hits === 0 ? 'faint' : 'strong'], [lastHit === null ? 'never' : hour(lastHit), 'faint']] }
    }
    case 'record': return recordParts(item.record)
    default: return item satisfies never
  }
}

/** Enough to know it by; all of it stands below as it is. */
function ruleWords({ host, anyHost, cidr, port, method, access, path }: RuleShape): string {
  const some = (value: unknown): string => [value ?? []].flat().join(', ')
  return [some(method) || access, `${some(host) || some(cidr) || (anyHost === true ? 'any host' : '')}${port === undefined ? '' : `:${some(port)}`}`, some(path)].filter(Boolean).join(' ')
}

function ends({ time }: State, { expiresAt, maxUses, uses, scope }: Granted): string {
  if (expiresAt !== null) return length(until(expiresAt, time.now))
  if (maxUses !== null) return `${Math.max(maxUses - uses, 0)} left`
  return scope === 'always' ? 'never' : scope === 'session' ? 'at stop' : ''
}

function recordParts(record: AuditRecord): Parts {
  const { time, action, method, host, port, path, reason, status, bytesUp, bytesDown, durationMs, event, code } = record
  if (event === 'notice') return { what: [span(`${hour(time)}  `, 'faint'), span('notice  ', 'accent'), span(reason ?? '')], numbers: [] }
  return {
    what: [
      span(`${hour(time)}  `, 'faint'), span(`${(action ?? '').padEnd(7)} `, action === null ? 'plain' : ACTIONS[action]), span(`${(method ?? 'stream').padEnd(6)} `),
      span(`${host ?? '?'}${port === null || port === 443 ? '' : `:${port}`}`, 'strong'), span(` ${path ?? ''}`),
    ],
    numbers: event === 'open'
      ? [['open', 'warn'], ['', 'plain'], ['', 'plain']]
      : [[status === null ? code === null ? '–' : 'refused' : String(status), status !== null && status < 400 ? 'good' : 'bad'], [size(bytesUp + bytesDown), 'faint'], [durationMs < 1_000 ? `${durationMs} ms` : length(durationMs), 'faint']],
  }
}

export function paintItemDetail(state: State, item: Item, width: number): readonly Line[] {
  const fact = (label: string, text: string | null): readonly Line[] => text === null || text === '' ? [] : [cut([span(` ${label.padEnd(9)}`, 'faint'), span(text)], width)]
  const where = state.links.length > 1 ? fact('firewall', item.path) : []
  const json = (value: unknown): readonly Line[] => wrap(JSON.stringify(value), width, { indent: 1, tone: 'accent', behind: ',' })
  switch (item.kind) {
    case 'grant': {
      const { grant } = item
      return [
        ...fact('approved', `${hour(grant.createdAt)} UTC${grant.by === null ? '' : ` by ${grant.by}`}, at ${grant.door}`),
        ...fact('used', `${grant.uses === 1 ? 'once' : `${grant.uses} times`}${grant.lastUsed === null ? '' : `, last ${hour(grant.lastUsed)} UTC`}; ${count(grant.live, 'live connection')}`),
        ...fact('budget', sayBudget(grant.budget)),
        ...fact('answers', grant.answers === null ? 'what no rule matches' : `the rule ${grant.answers}`), ...where, ...json(grant.rule),
      ]
    }
    case 'rule': return [...where, ...fact('note', item.rule.rule.note ?? null), ...fact('budget', sayBudget(item.rule.budget)), ...json(item.rule.rule)]
    case 'unmatched': return [...where, ...fact('means', UNMATCHED[item.unmatched.action])]
    case 'record': return [...recordDetail(item.record, fact), ...where]
    default: return item satisfies never
  }
}

function sayBudget(budget: Granted['budget']): string | null {
  if (budget === null) return null
  const meters = [[budget.uses, 'uses'], [budget.bytes, 'bytes'], [budget.lastMinute, 'requests in the last minute']] as const
  return meters.flatMap(([meter, what]) => meter === null ? [] : [`${meter.spent} of ${meter.of} ${what}`]).join('; ')
}

const UNMATCHED = { hold: 'it waits, and is asked about', deny: 'it is denied', observe: 'it passes, and the log says so' } as const

function recordDetail(record: AuditRecord, fact: (label: string, text: string | null) => readonly Line[]): readonly Line[] {
  const { held, details } = record
  if (record.event === 'notice') return [...fact('notice', record.reason), ...Object.entries(details ?? {}).flatMap(([name, value]) => fact(visible(name, 9), value === null ? null : String(value)))]
  const heldWords = held === null ? null : `${held.ms} ms${held.by === null ? '' : `, decided by ${held.by}`}${held.door === null ? '' : ` at ${held.door}`}`
  return [
    [span(` ${record.method ?? 'stream'} ${record.scheme ?? ''} ${record.host ?? ''}:${record.port ?? ''}`, 'strong')],
    ...fact('path', record.path), ...fact('rule', record.rule), ...fact('why', record.reason), ...fact('code', record.code), ...fact('held', heldWords),
    ...fact('client', record.client), ...fact('address', record.address), ...fact('error', record.error), ...fact('flow', record.flow),
  ]
}
