/**
 * A line that is being typed: a reason, a time, a rule, a filter. Pure.
 *
 * What it is about was fixed when it was opened: whatever comes meanwhile, Enter answers what was shown then.
 */
import { parseDuration } from '../config/durations.ts'
import type { FlowQuery } from '../model/desk.ts'
import type { Approve } from '../model/hold.ts'
import type { RuleShape } from '../model/policy.ts'
import { lengthOf, rowAt, shownOf } from './questions.ts'
import { send } from './sending.ts'
import { step, type Effect, type Key, type NamedKey, type Prompt, type State, type Step, type Target } from './state.ts'

/** As much as an answer may have, and more than anybody types. */
const MAX_TEXT = 4_000

export function open(state: State, { kind, text, target }: { readonly kind: Prompt['kind'], readonly text: string, readonly target: Target | null }): State {
  return { ...state, message: null, prompt: { kind, before: text, after: '', target, problem: null } }
}

export function typed(state: State, prompt: Prompt, key: Key): Step {
  if (key.kind === 'named') {
    switch (key.name) {
      case 'interrupt': return step({ ...state, prompt: null })
      case 'escape': return step({ ...state, prompt: null, filters: prompt.kind === 'filter' ? { ...state.filters, [state.pane]: '' } : state.filters })
      case 'enter': return submit(state, prompt)
      default: return step(edited(state, prompt, erase(prompt, key.name)))
    }
  }
  // Pasted text may have line ends; here is one line.
  const text = key.text.replace(/\p{Cc}+/gu, ' ')
  if (prompt.before.length + prompt.after.length + text.length > MAX_TEXT) return step(state)
  const written = edited(state, prompt, { before: prompt.before + text.trimEnd(), after: prompt.after })
  // Typed fast, or over a slow line, Enter comes with what is before it. By itself it approves, by such a piece never.
  const isEntered = /[^\r\n][\r\n]$/.test(key.text) && prompt.kind !== 'time'
  return isEntered && written.prompt !== null ? submit(written, written.prompt) : step(edited(state, prompt, { before: prompt.before + text, after: prompt.after }))
}

/** A filter works while it is typed. The search of the audit log waits for Enter: others have to look for it. */
function edited(state: State, prompt: Prompt, text: Pick<Prompt, 'before' | 'after'>): State {
  const filters = prompt.kind === 'filter' && state.pane !== 'audit' ? { ...state.filters, [state.pane]: text.before + text.after } : state.filters
  return { ...state, filters, prompt: { ...prompt, ...text, problem: null } }
}

/** By whole characters, so that none is torn apart. */
function erase({ before, after }: Prompt, name: NamedKey): Pick<Prompt, 'before' | 'after'> {
  const left = [...before]
  const right = [...after]
  switch (name) {
    case 'backspace': return { before: left.slice(0, -1).join(''), after }
    case 'erase': return { before: '', after }
    case 'left': return { before: left.slice(0, -1).join(''), after: (left.at(-1) ?? '') + after }
    case 'right': return { before: before + (right[0] ?? ''), after: right.slice(1).join('') }
    case 'home': return { before: '', after: before + after }
    case 'end': return { before: before + after, after: '' }
    default: return { before, after }
  }
}

function submit(state: State, prompt: Prompt): Step {
  const text = (prompt.before + prompt.after).trim()
  const closed: State = { ...state, prompt: null }
  const { kind, target } = prompt
  switch (kind) {
    case 'filter': return filtered({ ...closed, filters: { ...state.filters, [state.pane]: text } }, text)
    case 'reason': return target === null ? step(closed) : send(closed, target, { verdict: 'deny', ...text === '' ? {} : { reason: text } })
    case 'time': return timed(state, prompt, text)
    case 'rule': return ruled(state, prompt, text)
    default: return kind satisfies never
  }
}

function timed(state: State, prompt: Prompt, text: string): Step {
  const { target } = prompt
  if (target?.grant == null) return step({ ...state, prompt: null })
  const ttlMs = parseDuration(text.replaceAll(' ', ''))
  const isAlways = text === 'always'
  if (!isAlways && (ttlMs === null || ttlMs === 0)) return problem(state, prompt, 'Write a number with a unit: 30s, 10m, 1h or 2d; or always, which writes the rule into the policy.')
  const grant: Approve['grant'] = { ...target.grant, ...isAlways ? { persist: true } : { ttlMs: ttlMs ?? 0 } }
  const [first] = target.questions
  const shown = target.questions.length === 1 && first?.shown !== undefined ? { shown: first.shown } : {}
  return send({ ...state, prompt: null }, target, { verdict: 'approve', grant, ...shown })
}

/** The rule is one more to choose from; whether it may stand, the firewall says when it is approved. */
function ruled(state: State, prompt: Prompt, text: string): Step {
  let rule: unknown
  try {
    rule = JSON.parse(text)
  } catch {
    return problem(state, prompt, 'That is not JSON.')
  }
  const row = rowAt(state)
  const asked = prompt.target?.questions[0]
  // The cursor never leaves a question by itself while it is open; if it has, the rule was for another.
  if (row === null || asked === undefined || JSON.stringify(shownOf(row.members[0])) !== JSON.stringify(asked)) return step({ ...state, prompt: null })
  const isSound = row.kind === 'task' ? Array.isArray(rule) && rule.length > 0 && rule.every(isRule) : isRule(rule)
  if (!isSound) return problem(state, prompt, row.kind === 'task' ? 'The rules of a task are a list: [{"host": …}, …].' : 'A rule is an object: {"host": …}.')
  const edited = rule as RuleShape | readonly RuleShape[]
  return step({ ...state, prompt: null, cursor: { ...state.cursor, edited, choice: row.kind === 'task' ? 0 : lengthOf(row, edited) - 1, drawnAt: null } })
}

const isRule = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

const problem = (state: State, prompt: Prompt, problem: string): Step => step({ ...state, prompt: { ...prompt, problem } })

function filtered(state: State, text: string): Step {
  const search: Effect[] = state.pane === 'audit' ? [{ kind: 'search', query: searchOf(text) }] : []
  return step(state, ...search)
}

/** `host:example.com action:deny upload`: two words with a meaning, the rest is looked for in every text. */
export function searchOf(text: string): Partial<FlowQuery> {
  const words = text.split(' ').filter(Boolean)
  const named = (name: string): string | undefined => words.find(word => word.startsWith(`${name}:`))?.slice(name.length + 1)
  const rest = words.filter(word => !/^(?:host|action):/.test(word)).join(' ')
  const host = named('host')
  const action = (['allow', 'deny', 'refuse', 'hold'] as const).find(action => action === named('action'))
  return { ...host === undefined ? {} : { host }, ...action === undefined ? {} : { action }, ...rest === '' ? {} : { text: rest } }
}
