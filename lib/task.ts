/**
 * What an agent asked for beforehand, as every approver sees it: made from its rules, under the policy as it is now.
 */
import { METADATA_NAME } from './decide/address.ts'
import { rulesMet } from './decide/overlap.ts'
import type { Ruleset } from './decide/ruleset.ts'
import { AGENT_HOST } from './model/agent.ts'
import { unicodeForm, visible } from './model/display.ts'
import type { AskedRule, HeldTask, RiskNote } from './model/hold.ts'
import type { RuleShape } from './model/policy.ts'
import { sayRule } from './model/rule-text.ts'

/** Names that no approval opens: said when somebody asks for them, and judged so whatever was granted. */
export const CLOSED_NAMES: ReadonlySet<string> = new Set([AGENT_HOST, METADATA_NAME])

export interface TaskParts {
  readonly id: string
  readonly shown: string
  readonly flow: string
  readonly client: string
  readonly reason: string
  readonly rules: readonly AskedRule[]
  readonly waiting: number
  /** Milliseconds since 1970, as is `deadline`. */
  readonly firstSeen: number
  readonly deadline: number
}

const MAX_SHOWN = 80
const MAX_HOST = 256
const MAX_REASON = 300
const MAX_NAMED = 3

/** @param rule sound, as are all that are asked for */
export function askRule(ruleset: Ruleset, rule: RuleShape, now: number): AskedRule {
  return { rule, says: sayRule(rule), answers: rulesMet(ruleset, rule, 'hold', now) }
}

export function describeTask(parts: TaskParts, ruleset: Ruleset, generation: number, now: number): HeldTask {
  const { rules } = parts
  const client = visible(parts.client, MAX_SHOWN)
  const reason = visible(parts.reason.replaceAll('"', '\u201d'), MAX_REASON)
  const hosts = [...new Set(rules.flatMap(({ rule }) => [rule.host ?? rule.cidr ?? []].flat()))]
  const named = hosts.slice(0, MAX_NAMED).map(host => visible(host, MAX_HOST)).join(', ')
  const more = hosts.length > MAX_NAMED ? ` and ${hosts.length - MAX_NAMED} more` : ''
  return {
    kind: 'task',
    ...parts,
    firstSeen: new Date(parts.firstSeen).toISOString(),
    deadline: new Date(parts.deadline).toISOString(),
    policy: { name: ruleset.name, generation },
    risks: risksOf(rules, hosts, ruleset, now),
    display: { client, reason, line: `${client} asks beforehand for ${rules.length === 1 ? 'a rule' : `${rules.length} rules`} about ${named}${more}: "${reason}"` },
  }
}

/** What an approver should look at twice. */
function risksOf(rules: readonly AskedRule[], hosts: readonly string[], ruleset: Ruleset, now: number): readonly RiskNote[] {
  const notes: RiskNote[] = []
  const wide = hosts.filter(host => host.includes('*')).map(host => visible(host, MAX_HOST))
  if (wide.length > 0) notes.push({ code: 'many-hosts', says: `${wide.slice(0, MAX_NAMED).join(', ')} is not one host but many` })
  const odd = hosts.map(unicodeForm).filter(unicode => unicode !== null)
  if (odd.length > 0) notes.push({ code: 'punycode', says: `a name is written with letters that may look like others: reads "${visible(odd[0]!, MAX_HOST)}"` })
  if (rules.some(({ rule }) => [rule.scheme ?? 'https'].flat().some(scheme => scheme === 'http' || scheme === 'ws'))) notes.push({ code: 'plaintext', says: 'part of it goes in the clear: anybody on the way can read and change it' })
  const holding = [...new Set(rules.flatMap(({ answers }) => answers))]
  if (holding.length > 0) notes.push({ code: 'answers-hold', says: `it answers beforehand what ${quoted(holding)} would ask about` })
  const denying = [...new Set(rules.flatMap(({ rule }) => rulesMet(ruleset, rule, 'deny', now)))]
  if (denying.length > 0) notes.push({ code: 'denied-part', says: `${quoted(denying)} ${denying.length === 1 ? 'denies' : 'deny'} part of it, and will whatever is granted` })
  return notes
}

function quoted(ids: readonly string[]): string {
  const named = ids.slice(0, MAX_NAMED).map(id => `"${visible(id, MAX_SHOWN)}"`).join(', ')
  return ids.length > MAX_NAMED ? `${named} and ${ids.length - MAX_NAMED} more rules` : `the ${ids.length === 1 ? 'rule' : 'rules'} ${named}`
}
