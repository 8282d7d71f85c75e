/**
 * Sound patterns → matchers. micromatch's only home.
 *
 * micromatch matches whatever it matches in linear time: patterns with at most one `*` in a piece and no `**` but a
 * last one (in a host, whose names are short, a first one). Its expressions backtrack on anything else
 * (`/*a*a*a*b` took 2.8 s on 300 bytes), which is matched piece by piece in time linear in the target.
 *
 * What micromatch 4.0.8 reads differently from our grammar, and how it is handed over: `*` alone also takes an empty
 * piece in the middle (`?*`); `/v1/**` does not take `/v1` (both spellings); a trailing slash is optional
 * (`strictSlashes`). Making an expression takes it 40 µs, so that is done when the pattern is first tried: 100,000
 * rules load in a second. A matcher of a few hundred lines over a regular grammar would replace it; the one in the
 * tests is its oracle.
 */
import micromatch from 'micromatch'
import { spend, stepsToRead } from './effort.ts'
import type { Effort } from './effort.ts'

/** Free of side effects, for any text. @throws when the effort of the decision is spent, and never where none is given */
export type Matcher = (text: string, effort?: Effort) => boolean

/** @param canonical as `checkHostPattern` gives it; the matcher takes names in canonical form, never IP literals */
export function compileHostPattern(canonical: string): Matcher {
  if (!canonical.includes('*')) return host => host === canonical
  if (canonical === '**') return host => host !== ''
  const labels = canonical.split('.')
  if (!labels.every(isSimple)) return byPieces(labels[0] === '**' ? ['*', ...labels] : labels, host => host.split('.'))
  // `**` takes at least one label.
  const matches = byMicromatch(labels.map(label => label === '**' ? '?*/**' : handedOver(label)).join('/'))
  return (host, effort) => matches(host.replaceAll('.', '/'), effort)
}

/** @param canonical as `checkPathPattern` gives it; the matcher takes one reading of a path */
export function compilePathPattern(canonical: string): Matcher {
  if (canonical === '/**') return path => path.startsWith('/')
  if (!canonical.includes('*')) {
    const literal = literalOf(canonical)
    return path => path === literal
  }
  const pieces = canonical.slice(1).split('/')
  const isDeep = pieces.at(-1) === '**'
  const shallow = isDeep ? pieces.slice(0, -1) : pieces
  if (shallow.includes('**') || !shallow.every(isSimple)) {
    const matches = byPieces(pieces, piecesOfPath)
    return (path, effort) => path.startsWith('/') && matches(path, effort)
  }
  const spelling = `/${shallow.map(handedOver).join('/')}`
  if (!isDeep) return byMicromatch(spelling)
  const isAtTop = compilePathPattern(`/${shallow.join('/')}`)
  const isBelow = byMicromatch(`${spelling}/**`)
  return (path, effort) => isAtTop(path, effort) || isBelow(path, effort)
}

/** For values of a query or header: one piece, in which `*` crosses everything. Takes text of one character a byte. */
export function compileValuePattern(pattern: string): Matcher {
  return compileRun(pattern, pattern.split('*'))
}

/** @returns steps that the pattern takes for each piece of a path; 0 where it does not have to look through the whole of one */
export function searchSteps(canonical: string): number {
  const pieces = canonical.split('/')
  const middle = pieces.slice(pieces.indexOf('**') + 1, Math.max(0, pieces.lastIndexOf('**')))
  return pieces.includes('**') ? stepsToSearch(middle) : 0
}

/** A path is asked of many patterns in a row, and cut up once for all of them. */
let lastPath = ''
let lastPieces: readonly string[] = ['']

/** @param path begins with a slash */
export function piecesOfPath(path: string): readonly string[] {
  if (path !== lastPath) {
    lastPieces = path.slice(1).split('/')
    lastPath = path
  }
  return lastPieces
}

/** The text that a piece without `*` stands for. */
export function literalOf(piece: string): string {
  return piece.includes('%2A') ? piece.replaceAll('%2A', '*') : piece
}

/** One piece: a literal, `*`, or a literal with runs. */
export function compilePiece(piece: string): Matcher {
  return compileRun(piece, piece.split('*').map(literalOf))
}

const OPTIONS: micromatch.Options = { dot: true, nonegate: true, noext: true, nobrace: true, nobracket: true, strictSlashes: true }

function byMicromatch(glob: string): Matcher {
  let expression: RegExp | null = null
  return (text, effort) => {
    spend(effort, stepsToRead(text.length))
    expression ??= micromatch.makeRe(glob, OPTIONS)
    return expression.test(text)
  }
}

function isSimple(piece: string): boolean {
  return piece === '**' || piece.indexOf('*') === piece.lastIndexOf('*')
}

function handedOver(piece: string): string {
  return piece === '*' ? '?*' : piece.replace(/[()]/g, '\\$&').replaceAll('%2A', '\\*')
}

/** @param chunks what stands between the runs */
function compileRun(pattern: string, chunks: readonly string[]): Matcher {
  const [first = '', ...rest] = chunks
  const last = rest.pop()
  if (last === undefined) return text => text === first
  if (pattern === '*') return text => text !== ''
  const least = chunks.reduce((length, chunk) => length + chunk.length, 0)
  return (text, effort) => {
    if (text.length < least || !text.startsWith(first) || !text.endsWith(last)) return false
    if (rest.length === 0) return true
    spend(effort, stepsToRead(text.length))
    const end = text.length - last.length
    let at = first.length
    // The first place that fits leaves most room for what follows, so no other place is ever tried.
    for (const chunk of rest) {
      at = text.indexOf(chunk, at)
      if (at === -1) return false
      at += chunk.length
    }
    return at <= end
  }
}

/**
 * What stands before the first `**` and behind the last is at a fixed place; what stands between two is looked for,
 * and its first place is as good as any other.
 */
function byPieces(pattern: readonly string[], split: (text: string) => readonly string[]): Matcher {
  const first = pattern.indexOf('**')
  const last = pattern.lastIndexOf('**')
  if (first === -1) {
    const all = pattern.map(compilePiece)
    return (text, effort) => {
      const pieces = split(text)
      return pieces.length === all.length && matchesAt(all, pieces, 0, effort)
    }
  }
  const head = pattern.slice(0, first).map(compilePiece)
  const tail = pattern.slice(last + 1).map(compilePiece)
  const find = first === last ? null : createSearch(pattern.slice(first + 1, last))
  return (text, effort) => {
    const pieces = split(text)
    const end = pieces.length - tail.length
    if (end < head.length || !matchesAt(head, pieces, 0, effort) || !matchesAt(tail, pieces, end, effort)) return false
    return find === null || find(pieces, head.length, end, effort)
  }
}

function matchesAt(matchers: readonly Matcher[], pieces: readonly string[], from: number, effort: Effort | undefined): boolean {
  return matchers.every((matches, at) => matches(pieces[from + at]!, effort))
}

/**
 * Looks for pieces in a row: Shift-And (Baeza-Yates and Gonnet, 1992), a bit for each piece of the pattern.
 *
 * Bit n is set after a piece of the text when the last n + 1 pieces of the text match the first n + 1 of the pattern.
 * A pattern has at most 512 pieces, so a step takes at most 16 words; trying each place by itself took 10 ms.
 */
function createSearch(pattern: readonly string[]): (pieces: readonly string[], from: number, end: number, effort: Effort | undefined) => boolean {
  if (pattern.length === 0) return () => true
  const words = Math.ceil(pattern.length / 32)
  const literals = new Map<string, Uint32Array>()
  const wild = new Map<string, { readonly places: Uint32Array, readonly matches: Matcher }>()
  const none = new Uint32Array(words)
  for (const [at, piece] of pattern.entries()) {
    const isWild = piece.includes('*')
    const places = (isWild ? wild.get(piece)?.places : literals.get(literalOf(piece))) ?? new Uint32Array(words)
    places[at >>> 5]! |= 1 << (at & 31)
    if (!isWild) literals.set(literalOf(piece), places)
    // A piece that stands in several places is tried once for all of them.
    else if (!wild.has(piece)) wild.set(piece, { places, matches: compilePiece(piece) })
  }
  const wildcards = [...wild.values()]
  const final = 1 << ((pattern.length - 1) & 31)

  const stepsAPiece = stepsToSearch(pattern)

  return (pieces, from, end, effort) => {
    if (end - from < pattern.length) return false
    spend(effort, (end - from) * stepsAPiece)
    const state = new Uint32Array(words)
    const reached = new Uint32Array(words)
    for (let at = from; at < end; at++) {
      const piece = pieces[at]!
      const places = literals.get(piece) ?? none
      let carry = 1
      for (let word = 0; word < words; word++) {
        const before = state[word]!
        reached[word] = before << 1 | carry
        carry = before >>> 31
        state[word] = reached[word]! & places[word]!
      }
      for (const { places: wanted, matches } of wildcards) {
        if (meets(reached, wanted) && matches(piece, effort)) for (let word = 0; word < words; word++) state[word]! |= reached[word]! & wanted[word]!
      }
      if ((state[words - 1]! & final) !== 0) return true
    }
    return false
  }
}

/** @param pattern the pieces between two `**` @returns steps for each piece that is looked at */
function stepsToSearch(pattern: readonly string[]): number {
  return Math.ceil(pattern.length / 32) + new Set(pattern.filter(piece => piece.includes('*'))).size
}

function meets(a: Uint32Array, b: Uint32Array): boolean {
  for (let word = 0; word < a.length; word++) if ((a[word]! & b[word]!) !== 0) return true
  return false
}
