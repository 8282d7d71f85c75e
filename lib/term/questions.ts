/**
 * The open questions as rows of a list: those that one answer would settle are one row.
 *
 * Pure. Rows stand in the order in which they were first asked, so that what comes later comes below.
 */
import type { ShownQuestion } from '../model/grants.ts'
import type { Held, HeldGroup, HeldTask, Pending } from '../model/hold.ts'
import type { RuleShape } from '../model/policy.ts'
import type { Granting, Question, State } from './state.ts'

export type Row = RequestRow | TaskRow

export interface RequestRow {
  readonly kind: 'request'
  readonly key: string
  readonly path: string
  /** The oldest first, which is the one that is shown. */
  readonly members: readonly [Question<Held>, ...Question<Held>[]]
  /** As it was told last. */
  readonly group: HeldGroup
}

export interface TaskRow {
  readonly kind: 'task'
  readonly key: string
  readonly path: string
  readonly members: readonly [Question<HeldTask>]
}

/** A rule that can be approved. */
export interface Choice {
  /** The key that chooses it. */
  readonly key: string
  readonly says: string
  readonly rule: RuleShape
  /** What else it covers of what was asked about; absent: nothing. */
  readonly also?: string
  readonly of: 'question' | 'group' | 'operator'
}

/** Keys `1` to `5`. */
const MAX_OFFERED = 5
/** A longer rule would push the question off the screen. */
const MAX_RULE_LENGTH = 1_000

export const keyOf = (path: string, id: string): string => `${path} ${id}`

/** Those that the filter lets through. */
export function rowsOf({ questions, filters }: State): readonly Row[] {
  const all = grouped(questions)
  const wanted = filters.pending.toLowerCase()
  return wanted === '' ? all : all.filter(({ members }) => members.some(({ held }) => textOf(held).includes(wanted)))
}

function textOf(held: Pending): string {
  const more = held.kind === 'task' ? JSON.stringify(held.rules) : `${held.display.userAgent} ${held.display.asker} ${held.answers} ${held.note}`
  return `${held.id} ${held.display.line} ${more}`.toLowerCase()
}

/** Asked for at every event and every frame, while the questions seldom change. */
const known = new WeakMap<readonly Question[], readonly Row[]>()

function grouped(questions: readonly Question[]): readonly Row[] {
  const before = known.get(questions)
  if (before !== undefined) return before
  /** Question or name of a group → key of its row. A group is named by its oldest question, which may have left. */
  const keys = new Map<string, string>()
  const rows = new Map<string, Question<Held>[] | Question<HeldTask>>()
  for (const question of questions) {
    const { path, held } = question
    if (isTask(question)) {
      rows.set(`task ${keyOf(path, held.id)}`, question)
      continue
    }
    if (!isRequest(question)) continue
    const name = keyOf(path, question.held.group.id)
    const key = keys.get(name) ?? name
    keys.set(name, key).set(keyOf(path, held.id), key)
    const row = rows.get(key)
    if (Array.isArray(row)) row.push(question)
    else rows.set(key, [question])
  }
  const made = [...rows].flatMap(([key, row]): Row[] => {
    if (!Array.isArray(row)) return [{ kind: 'task', key, path: row.path, members: [row] }]
    const [first, ...rest] = row
    if (first === undefined) return []
    const latest = rest.reduce((latest, question) => question.told > latest.told ? question : latest, first)
    return [{ kind: 'request', key, path: first.path, members: [first, ...rest], group: latest.held.group }]
  })
  known.set(questions, made)
  return made
}

const isTask = (question: Question): question is Question<HeldTask> => question.held.kind === 'task'
const isRequest = (question: Question): question is Question<Held> => question.held.kind === 'request'

/** The row under the cursor; null where nothing waits. */
export const rowAt = (state: State): Row | null => rowsOf(state).find(({ key }) => key === state.cursor.row) ?? null

/** What `↑↓` go through, in this order. Of a task they go through its rules, which are approved together. */
export function choicesOf({ members: [{ held }], group }: RequestRow, edited: State['cursor']['edited']): readonly Choice[] {
  const own: Choice[] = held.suggestions.filter(({ rule }) => isShort(rule)).slice(0, MAX_OFFERED)
    .map(({ says, rule, also }, at) => ({ key: String(at + 1), says, rule, of: 'question', ...also === undefined ? {} : { also: also.says } }))
  if (group.suggestion !== null && isShort(group.suggestion.rule)) own.push({ key: 'A', says: group.suggestion.says, rule: group.suggestion.rule, of: 'group' })
  if (edited !== null && !isList(edited)) own.push({ key: 'e', says: 'your own rule', rule: edited, of: 'operator' })
  return own
}

/** Rules of a task, each with what it says; the operator's own where there are some. */
export function rulesOf({ members: [{ held }] }: TaskRow, edited: State['cursor']['edited']): readonly { readonly says: string, readonly rule: RuleShape }[] {
  return edited !== null && isList(edited) ? edited.map(rule => ({ says: 'your own rule', rule })) : held.rules
}

/** What `cursor.choice` counts. */
export const lengthOf = (row: Row, edited: State['cursor']['edited']): number => row.kind === 'task' ? rulesOf(row, edited).length : choicesOf(row, edited).length

/** What an approval would open now; null where nothing is offered. */
export function grantingOf({ cursor }: State, row: Row): { readonly granting: Granting, readonly ofGroup: boolean } | null {
  if (row.kind === 'task') return { granting: { rules: cursor.edited !== null && isList(cursor.edited) ? cursor.edited : 'asked' }, ofGroup: false }
  const choice = choicesOf(row, cursor.edited)[cursor.choice]
  return choice === undefined ? null : { granting: { rule: choice.rule }, ofGroup: choice.of === 'group' }
}

export const groupChoice = (row: Row): Choice | null => row.kind === 'task' ? null : choicesOf(row, null).find(({ of }) => of === 'group') ?? null

export const shownOf = ({ held }: Question): ShownQuestion => ({ id: held.id, shown: held.shown })

/** Another text: something else is shown, and whoever is about to press a key has to look again. */
export function questionToken({ members: [{ path, held }] }: Row): string {
  const rules = held.kind === 'task' ? held.rules : held.suggestions
  return JSON.stringify([path, held.id, held.shown, rules.map(({ rule }) => rule)])
}

export const groupToken = (row: Row): string => JSON.stringify(row.kind === 'task' ? null : row.group.suggestion?.rule ?? null)

const isShort = (rule: RuleShape): boolean => JSON.stringify(rule).length <= MAX_RULE_LENGTH
const isList = (edited: NonNullable<State['cursor']['edited']>): edited is readonly RuleShape[] => Array.isArray(edited)
