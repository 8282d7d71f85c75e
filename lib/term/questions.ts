/**
 * The open questions as rows of a list: those that one answer would settle are one row.
 *
 * Pure. Rows stand in the order in which they were first asked, so that what comes later comes below.
 */
import type { ShownQuestion } from '../model/grants.ts'
import type { Held, HeldGroup } from '../model/hold.ts'
import type { RuleShape } from '../model/policy.ts'
import type { Question, State } from './state.ts'

export interface Row {
  readonly key: string
  readonly path: string
  /** The oldest first, which is the one that is shown. */
  readonly members: readonly [Question, ...Question[]]
  /** As it was told last. */
  readonly group: HeldGroup
}

/** A rule that can be approved. */
export interface Choice {
  /** The key that chooses it. */
  readonly key: string
  readonly says: string
  readonly rule: RuleShape
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

const textOf = ({ display, answers, note, id }: Held): string => `${id} ${display.line} ${display.userAgent} ${answers} ${note}`.toLowerCase()

/** Asked for at every event and every frame, while the questions seldom change. */
const known = new WeakMap<readonly Question[], readonly Row[]>()

function grouped(questions: readonly Question[]): readonly Row[] {
  const before = known.get(questions)
  if (before !== undefined) return before
  /** Question or name of a group → key of its row. A group is named by its oldest question, which may have left. */
  const keys = new Map<string, string>()
  const rows = new Map<string, Question[]>()
  for (const question of questions) {
    const name = keyOf(question.path, question.held.group.id)
    const key = keys.get(name) ?? name
    keys.set(name, key).set(keyOf(question.path, question.held.id), key)
    const row = rows.get(key)
    if (row === undefined) rows.set(key, [question])
    else row.push(question)
  }
  const made = [...rows].flatMap(([key, [first, ...rest]]): Row[] => {
    if (first === undefined) return []
    const latest = rest.reduce((latest, question) => question.told > latest.told ? question : latest, first)
    return [{ key, path: first.path, members: [first, ...rest], group: latest.held.group }]
  })
  known.set(questions, made)
  return made
}

/** The row under the cursor; null where nothing waits. */
export const rowAt = (state: State): Row | null => rowsOf(state).find(({ key }) => key === state.cursor.row) ?? null

/** What `↑↓` go through, in this order. */
export function choicesOf({ members: [{ held }], group }: Row, edited: RuleShape | null): readonly Choice[] {
  const own: Choice[] = held.suggestions.filter(({ rule }) => isShort(rule)).slice(0, MAX_OFFERED)
    .map(({ says, rule }, at) => ({ key: String(at + 1), says, rule, of: 'question' }))
  if (group.suggestion !== null && isShort(group.suggestion.rule)) own.push({ key: 'A', says: group.suggestion.says, rule: group.suggestion.rule, of: 'group' })
  if (edited !== null) own.push({ key: 'e', says: 'your own rule', rule: edited, of: 'operator' })
  return own
}

/** The one that is chosen; null where there is none to choose. */
export const choiceAt = (state: State, row: Row): Choice | null => choicesOf(row, state.cursor.edited)[state.cursor.choice] ?? null

export const groupChoice = (row: Row): Choice | null => choicesOf(row, null).find(({ of }) => of === 'group') ?? null

export const shownOf = ({ held }: Question): ShownQuestion => ({ id: held.id, shown: held.shown })

/** Another text: something else is shown, and whoever is about to press a key has to look again. */
export const questionToken = ({ members: [{ path, held }] }: Row): string => JSON.stringify([path, held.id, held.shown, held.suggestions.map(({ rule }) => rule)])
export const groupToken = ({ group }: Row): string => JSON.stringify(group.suggestion?.rule ?? null)

const isShort = (rule: RuleShape): boolean => JSON.stringify(rule).length <= MAX_RULE_LENGTH
