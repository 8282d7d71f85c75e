/**
 * Which open questions one answer would settle, and with which rule.
 *
 * The promise: the rule of a group covers every request in it, in each way it can be read, and opens nothing that is not
 * public; a question is in one group. Pure: the same open questions make the same groups.
 */
import { coverage } from '../decide/covers.ts'
import { visible } from '../model/display.ts'
import type { Suggestion } from '../model/hold.ts'
import type { RuleShape } from '../model/policy.ts'
import type { Facts } from '../model/request.ts'
import { generalise } from './generalise.ts'
import { oneOrMore, placeOf, placeRule } from './place.ts'

export interface OpenQuestion {
  readonly id: string
  readonly facts: Facts
  /** The hold rule that asks, or null. */
  readonly answers: string | null
  /** Requests that wait for it. */
  readonly waiting: number
}

export interface QuestionGroup {
  readonly members: readonly OpenQuestion[]
  /** null where no rule settles them all. */
  readonly suggestion: Suggestion | null
}

/** Questions of different keys are never in one group: who says yes to forty GETs has not said yes to the DELETE among them. */
export function groupKey({ facts, answers }: Pick<OpenQuestion, 'facts' | 'answers'>): string {
  return JSON.stringify([facts.scheme, facts.host, facts.port, answers, facts.kind === 'request' ? facts.methods : null])
}

/**
 * @param open the oldest first
 * @returns groups that together are all of them; one that nothing groups is alone
 */
export function groupQuestions(open: readonly OpenQuestion[]): readonly QuestionGroup[] {
  const byKey = new Map<string, OpenQuestion[]>()
  for (const question of open) {
    const key = groupKey(question)
    const alike = byKey.get(key) ?? []
    byKey.set(key, alike)
    alike.push(question)
  }
  return [...byKey.values()].flatMap(groupAlike)
}

function groupAlike(open: readonly OpenQuestion[]): readonly QuestionGroup[] {
  if (open.length < 2) return open.map(alone)
  const groups: QuestionGroup[] = []
  let left = open
  for (const { rule, paths } of generalise(open.map(({ facts }) => ({ facts, requests: 1 }))).learned) {
    const facts = left[0]?.facts
    if (facts === undefined) break
    const short = shortened(rule, paths.map(({ path }) => path), facts)
    const isCovered = coverage(short)
    const members = left.filter(question => isCovered(question.facts))
    if (members.length < 2) continue
    groups.push({ members, suggestion: { shape: 'group', says: saysOf(short, facts, members.length), rule: short } })
    left = left.filter(question => !members.includes(question))
  }
  return [...groups, ...left.map(alone)]
}

function alone(question: OpenQuestion): QuestionGroup {
  return { members: [question], suggestion: null }
}

/** A rule that fills a screen is not read before it is granted. */
const MAX_RULE = 500

/** The same methods below the folder that all its paths have in common, where the paths are too many to be read. */
function shortened(rule: RuleShape, paths: readonly string[], facts: Facts): RuleShape {
  if (JSON.stringify(rule).length <= MAX_RULE) return rule
  const [first = [], ...others] = paths.map(path => path.split('/').slice(0, -1))
  const differs = first.findIndex((piece, at) => others.some(other => other[at] !== piece))
  const folder = (differs === -1 ? first : first.slice(0, differs)).join('/')
  const method = rule.method === undefined ? {} : { method: rule.method }
  return { ...placeRule(facts), ...method, ...folder === '' ? {} : { path: `${folder}/**` } }
}

const MAX_SHOWN = 160

function saysOf({ method, path }: RuleShape, facts: Facts, count: number): string {
  const methods = method === undefined ? 'anything' : [method].flat().join(' or ')
  const where = path === undefined ? ', any path' : visible([oneOrMore([path].flat())].flat().join(' or '), MAX_SHOWN)
  return `all ${count}: ${visible(methods, 60)} ${placeOf(facts)}${where}, whatever the query`
}
