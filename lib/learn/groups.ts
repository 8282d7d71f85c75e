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
  /** Of its questions, the oldest first. */
  readonly ids: readonly string[]
  /** null where it is a question by itself. */
  readonly rule: RuleShape | null
  /** Whether the rule settles a question about this request too. */
  covers(facts: Facts): boolean
}

/** Only questions that are alike may be in one group: who says yes to forty GETs has not said yes to the DELETE among them. */
export function isAlike(a: Pick<OpenQuestion, 'facts' | 'answers'>, b: Pick<OpenQuestion, 'facts' | 'answers'>): boolean {
  return a.answers === b.answers && a.facts.host === b.facts.host && a.facts.port === b.facts.port && a.facts.scheme === b.facts.scheme
    && isSame(methodsOf(a.facts), methodsOf(b.facts))
}

const NO_METHODS: readonly string[] = []
const methodsOf = (facts: Facts): readonly string[] => facts.kind === 'request' ? facts.methods : NO_METHODS
const isSame = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((method, at) => method === b[at])

/**
 * @param open questions that are alike, the oldest first
 * @returns groups that together are all of them; one that nothing groups is alone
 */
export function groupQuestions(open: readonly OpenQuestion[]): readonly QuestionGroup[] {
  if (open.length < 2) return open.map(alone)
  const groups: QuestionGroup[] = []
  let left = open
  for (const { rule, paths } of generalise(open.map(({ facts }) => ({ facts, requests: 1 }))).learned) {
    const [first] = left
    if (first === undefined) break
    const short = shortened(rule, paths.map(({ path }) => path), first.facts)
    const covers = coverage(short)
    const members = left.filter(({ facts }) => covers(facts))
    if (members.length < 2) continue
    groups.push({ ids: members.map(({ id }) => id), rule: short, covers })
    left = left.filter(question => !members.includes(question))
  }
  return [...groups, ...left.map(alone)]
}

function alone({ id }: OpenQuestion): QuestionGroup {
  return { ids: [id], rule: null, covers: () => false }
}

/** @returns null for one without a rule */
export function sayGroup({ rule }: QuestionGroup, facts: Facts, count: number): Suggestion | null {
  return rule === null ? null : { shape: 'group', says: saysOf(rule, facts, count), rule }
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
