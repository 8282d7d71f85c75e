/**
 * Which segments under one branch are values of one slot, and which are words of the API.
 *
 * Identifiers are told by their look. A slug (`octo-cat`) is told from a word (`issues`) by what was seen around it, and
 * by that alone: nothing here knows any API. In doubt a segment is a word and stays as it is, because a rule that is too
 * narrow asks once more, and one that is too wide never asks again. Pure; the order of the requests does not matter.
 */
import { identifierPattern } from './shapes.ts'
import type { PathNode } from './path-tree.ts'

export interface Slot {
  /** The piece of a pattern that stands for all of them. */
  readonly pattern: string
  /** Two and more. */
  readonly values: readonly string[]
}

export interface Surroundings {
  /** The segment before: `repos` of `/repos/acme`. */
  readonly above: string
  /** Requests of this log come again and again, so what was asked for once is no word that it uses. */
  readonly isRepetitive: boolean
}

/** A seed of a slot is asked for this often at most. */
const RARE = 2
/** Seeds and identifiers that make a slot. */
const FEW = 4
const MANY = 24
/** So many must have a mark for it to be one that they share. */
const ALIKE = 3
/** Pieces of evidence for slugs. One at least is of them, and not of where they stand. */
const ENOUGH = 2

/** @returns slots that do not overlap */
export function slotsOf(parent: PathNode, surroundings: Surroundings): Slot[] {
  const identifiers = new Map<string, string[]>()
  const words: string[] = []
  for (const segment of [...parent.children.keys()].sort()) {
    // A star never stands for nothing, nor for several segments; and what is a pattern already is no value.
    if (segment === '' || /[/*]/.test(segment)) continue
    const pattern = identifierPattern(segment)
    const alike = pattern === null ? words : identifiers.get(pattern)
    if (alike !== undefined) alike.push(segment)
    else if (pattern !== null) identifiers.set(pattern, [segment])
  }
  const varied = [...identifiers.values()].filter(values => values.length > 1)
  const slugs = slugsAmong(words, parent, varied.flat().length, surroundings)
  const slots = slugs.length === 0 ? varied : [[...slugs, ...[...identifiers.values()].flat()]]
  return slots.filter(values => values.length > 1).map(values => ({ pattern: commonPattern(values), values }))
}

function slugsAmong(words: readonly string[], parent: PathNode, identifiers: number, surroundings: Surroundings): readonly string[] {
  const child = (word: string): PathNode => parent.children.get(word)!
  const marks = new Map<string, ReadonlySet<string>>()
  const frequency = new Map<string, number>()
  for (const word of words) {
    if (child(word).requests > RARE || child(word).places > RARE) continue
    const own = marksOf(child(word))
    marks.set(word, own)
    for (const mark of own) frequency.set(mark, (frequency.get(mark) ?? 0) + 1)
  }
  const isShared = (mark: string): boolean => (frequency.get(mark) ?? 0) >= ALIKE
  const seeds = [...marks.keys()].filter(word => [...marks.get(word)!].some(isShared))
  if (seeds.length === 0 || seeds.length + identifiers < FEW) return []
  // Values that are asked for often, with behind them what is behind the seeds.
  const familiar = words.filter(word => {
    if (marks.has(word)) return false
    const own = [...marksOf(child(word))]
    return own.filter(isShared).length * 2 > own.length
  })
  const slugs = [...seeds, ...familiar]
  const asked = (list: readonly string[]): number => list.reduce((sum, word) => sum + child(word).requests, 0)
  // Words and values seldom stand side by side.
  if (asked(slugs) * 2 < asked(words)) return []
  const ofThem = oddness(seeds) + behindThem(seeds.map(word => marks.get(word)!), isShared) + (surroundings.isRepetitive ? 1 : 0)
  // Under many items a word would have come up twice.
  const ofTheirPlace = (isPlural(surroundings.above) ? 1 : 0) + (parent.places >= ALIKE ? 1 : 0)
  return ofThem > 0 && ofThem + ofTheirPlace >= ENOUGH ? slugs : []
}

/** The same words behind most of them, as behind `/repos/acme` and `/repos/zeta`; or, where they are many, the very same behind all. */
function behindThem(marks: readonly ReadonlySet<string>[], isShared: (mark: string) => boolean): number {
  const withWords = marks.filter(own => [...own].some(mark => mark.startsWith(WORD) && isShared(mark))).length
  const kinds = new Map<string, number>()
  for (const own of marks) {
    const kind = [...own].sort().join('\n')
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  const isUniform = marks.length >= MANY && Math.max(...kinds.values()) >= marks.length * 0.9
  return (withWords * 2 >= marks.length ? 1 : 0) + (isUniform ? 2 : 0)
}

/** Items stand behind the name of their collection. English alone; another language has one piece of evidence less. */
function isPlural(segment: string): boolean {
  return /[a-z]s$/.test(segment) && !/(?:ss|us|is)$/.test(segment)
}

/** Many, or some, are odd beside the others: with digits, or with a capital where others have none. Words of one API are of one style. */
function oddness(words: readonly string[]): 0 | 1 | 2 {
  const isCapital = (word: string): boolean => /^[A-Z]/.test(word)
  const hasPlain = words.some(word => !isCapital(word))
  const share = words.filter(word => /[0-9]/.test(word) || (hasPlain && isCapital(word))).length / words.length
  return share >= 0.4 ? 2 : share >= 0.15 ? 1 : 0
}

const WORD = 'word'
/** Segments behind one that are looked at. */
const MAX_DEPTH = 4
const MAX_MARKS = 400

/** What is behind a segment, in marks that others may share: which methods end how deep, and the words on the way. */
function marksOf(node: PathNode): ReadonlySet<string> {
  const marks = new Set<string>()
  const collect = (at: PathNode, depth: number): void => {
    for (const method of at.ends.keys()) marks.add(`end ${depth} ${method}`)
    if (depth === MAX_DEPTH) return
    // In order, because not all may be looked at.
    for (const segment of [...at.children.keys()].sort()) {
      if (marks.size > MAX_MARKS) return
      marks.add(identifierPattern(segment) === null ? `${WORD} ${depth} ${segment}` : `identifier ${depth}`)
      collect(at.children.get(segment)!, depth + 1)
    }
  }
  collect(node, 0)
  return marks
}

/** As much of the beginning and the ending as all have, where it is a part of its own: `cus_*`, `*.json`. Else `*`. */
function commonPattern(values: readonly string[]): string {
  const [first = ''] = values
  const ending = /\.[a-z][a-z0-9]{0,7}$/i.exec(first)?.[0] ?? ''
  const beginning = /^[a-z]{2,}[_:~-]/i.exec(first)?.[0] ?? ''
  const after = values.every(value => value.endsWith(ending)) ? ending : ''
  const before = values.every(value => value.startsWith(beginning) && value.length > beginning.length + after.length) ? beginning : ''
  return `${before}*${after}`
}
