/**
 * From the paths of one place to the fewest patterns that match them all.
 *
 * The promise: every path that went in is matched by a pattern for its method; a wildcard stands only where segments
 * varied, and a method only where it was seen. The same paths give the same patterns, in whatever order they come.
 */
import { checkPathPattern } from '../decide/patterns.ts'
import { MAX_EXAMPLES, addPath, addTally, createNode, isFileName, layTogether, walk } from './path-tree.ts'
import type { PathNode, Tally } from './path-tree.ts'
import { slotsOf } from './slots.ts'

export interface PathPattern {
  readonly path: string
  /** In the order of the alphabet. */
  readonly methods: readonly string[]
  readonly requests: number
  /** Distinct paths and methods that it stands for. */
  readonly paths: number
  /** Texts that came with the requests: the first few. */
  readonly examples: readonly string[]
}

export interface PathGatherer {
  /** @param reading one that `isWritable` */
  add(reading: string, method: string, requests: number, example: string): void
  /** Once. */
  patterns(): readonly PathPattern[]
}

export function gatherPaths(): PathGatherer {
  const root = createNode()
  return {
    add(reading, method, requests, example) {
      addPath(root, piecesOf(reading), method, requests, example)
    },
    patterns() {
      const wasRepetitive = isRepetitive(root)
      findSlots(root, '', wasRepetitive)
      // What is laid together may come again and again where no path did by itself.
      if (!wasRepetitive && isRepetitive(root)) findSlots(root, '', true)
      dropCovered(root)
      return patternsOf(root)
    },
  }
}

/** Segments that are told apart; what follows is one piece, as it stands. Keeps the tree low, whatever a client makes up. */
const MAX_PIECES = 16
/** A longer segment is a token whatever it looks like, and would fill a pattern by itself. */
const MAX_PIECE = 300

/** No pattern but one for the whole host matches a path that begins with two slashes. */
export function isWritable(reading: string): boolean {
  return reading.startsWith('/') && !reading.startsWith('//')
}

/** An empty segment further on can't be written: anything goes from there. */
function piecesOf(reading: string): readonly string[] {
  const pieces: string[] = []
  for (let start = 1, end = 0; end < reading.length; start = end + 1) {
    if (reading[start] === '/') return [...pieces, '**']
    const slash = pieces.length === MAX_PIECES - 1 ? -1 : reading.indexOf('/', start)
    end = slash === -1 ? reading.length : slash
    const piece = reading.slice(start, end)
    pieces.push(piece.length > MAX_PIECE && slash !== -1 ? '*' : piece.replaceAll('*', '%2A'))
  }
  return pieces
}

/** Ends that were asked for three times and more: a log in which they are found is no list of things seen once. */
function isRepetitive(root: PathNode): boolean {
  let repeated = 0
  walk(root, ({ ends }) => {
    for (const { requests } of ends.values()) if (requests >= 3) repeated++
  })
  return repeated >= 2
}

/** From the root down, because what lies under a slot is laid together before it is looked at. */
function findSlots(node: PathNode, above: string, isRepetitive: boolean): void {
  if (above !== '' && holdsFiles(node)) return layDown(node)
  for (const { pattern, values } of slotsOf(node, { above, isRepetitive })) {
    const slot = createNode(0)
    for (const value of values) {
      layTogether(slot, node.children.get(value)!)
      node.children.delete(value)
    }
    const known = node.children.get(pattern)
    if (known !== undefined) layTogether(slot, known)
    node.children.set(pattern, slot)
  }
  for (const [piece, child] of node.children) findSlots(child, piece, isRepetitive)
}

/**
 * A folder: files of three kinds and more, in folders and beside them. An API whose every path ends in `.json` is none,
 * and neither is what stands above a folder: there most paths have a segment in common.
 */
function holdsFiles(folder: PathNode): boolean {
  if (folder.files < 4 * (folder.all - folder.files)) return false
  const kinds = new Set<string>()
  const depths = new Set<number>()
  const ways = new Map<string, number>()
  let all = 0
  const look = (node: PathNode, piece: string, depth: number): number => {
    let ends = 0
    if (node.ends.size > 0) {
      ends = 1
      all++
      if (isFileName(piece)) {
        kinds.add(piece.slice(piece.lastIndexOf('.')))
        depths.add(depth)
      }
    }
    for (const [next, child] of node.children) ends += look(child, next, depth + 1)
    if (depth <= MAX_WAY) ways.set(`${depth} ${piece}`, ends + (ways.get(`${depth} ${piece}`) ?? 0))
    return ends
  }
  for (const [piece, child] of folder.children) look(child, piece, 1)
  if (kinds.size < 3 || depths.size < 2) return false
  let most = 0
  for (const share of ways.values()) most = Math.max(most, share)
  return most * 5 <= all * 3
}

/** Segments below a folder that are compared. */
const MAX_WAY = 6

/** All that lies below becomes one pattern; but for the folder itself, with its slash. */
function layDown(folder: PathNode): void {
  const all = createNode(0)
  const itself = folder.children.get('')
  folder.children.delete('')
  walk(folder, (node, pieces) => {
    if (pieces.length === 0) return
    for (const [method, tally] of node.ends) addTally(all, method, tally)
  })
  all.requests = [...all.ends.values()].reduce((sum, { requests }) => sum + requests, 0)
  folder.children.clear()
  folder.children.set(ANYTHING, all)
  if (itself !== undefined) folder.children.set('', itself)
}

/** At least one segment, and whatever follows. */
const ANYTHING = '*/**'

/** A path that a wider pattern stands for, with the same method, needs none of its own. */
function dropCovered(root: PathNode): void {
  const wild = new Map<PathNode, readonly string[]>()
  walk(root, node => {
    const keys = [...node.children.keys()].filter(key => key.includes('*')).sort()
    if (keys.length > 0) wild.set(node, keys)
  })
  const findWider = (at: PathNode, pieces: readonly string[], depth: number, method: string, narrow: PathNode): PathNode | null => {
    const piece = pieces[depth]
    if (piece === undefined) return at !== narrow && at.ends.has(method) ? at : null
    for (const key of [...wild.get(at) ?? [], piece]) {
      const child = at.children.get(key)
      const isDeep = (key === ANYTHING && piece !== '') || key === '**'
      if (child === undefined || (key !== piece && !isDeep && !pieceCovers(key, piece))) continue
      const found = isDeep ? reached(child, method, narrow) : findWider(child, pieces, depth + 1, method, narrow)
      if (found !== null) return found
    }
    return null
  }
  walk(root, (node, pieces) => {
    for (const [method, tally] of node.ends) {
      const wider = findWider(root, pieces, 0, method, node)
      if (wider === null) continue
      addTally(wider, method, tally)
      node.ends.delete(method)
    }
  })
}

function reached(child: PathNode, method: string, narrow: PathNode): PathNode | null {
  return child !== narrow && child.ends.has(method) ? child : null
}

/** Our wildcards have a beginning, one run and an ending. */
function pieceCovers(wide: string, narrow: string): boolean {
  if (narrow === '' || narrow.includes('/') || narrow === '**') return false
  const run = wide.indexOf('*')
  return narrow.length >= wide.length && narrow.startsWith(wide.slice(0, run)) && narrow.endsWith(wide.slice(run + 1))
}

function patternsOf(root: PathNode): readonly PathPattern[] {
  const byPath = new Map<string, PathNode>()
  walk(root, (node, pieces) => {
    if (node.ends.size === 0) return
    const path = written(pieces)
    const known = byPath.get(path) ?? createNode(0)
    byPath.set(path, known)
    for (const [method, tally] of node.ends) addTally(known, method, tally)
  })
  return [...byPath].sort(([a], [b]) => a < b ? -1 : 1).map(([path, { ends }]) => {
    const methods = [...ends.keys()].sort()
    const tallies = methods.map(method => ends.get(method)!)
    const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0)
    return { path, methods, requests: sum(tally => tally.requests), paths: sum(tally => tally.paths), examples: methods.flatMap(method => ends.get(method)!.examples.map(path => `${method} ${path}`)).slice(0, MAX_EXAMPLES) }
  })
}

/** The pattern; where it has more stars or bytes than a pattern may have, its beginning and anything below. */
function written(pieces: readonly string[]): string {
  for (let length = pieces.length; length > 0; length--) {
    const path = `/${[...pieces.slice(0, length), ...(length < pieces.length ? ['**'] : [])].join('/')}`
    if (checkPathPattern(path).kind === 'sound') return path
  }
  return '/**'
}
