/**
 * The paths that were asked for on one place, as a tree over their segments.
 *
 * Branches can be laid together, so that one stands for many; it then remembers on how many branches of the first tree
 * it stood, which is what tells a word of the API (it stands under many items) from the name of one thing.
 */

/** What is known of the requests of one method that end at one point of the tree. */
export interface Tally {
  requests: number
  /** Distinct paths, before any were laid together. */
  paths: number
  /** The first in the order of the alphabet, at most MAX_EXAMPLES. */
  examples: readonly string[]
}

export interface PathNode {
  /** By the piece of a pattern that the segment is, or that stands for it. */
  readonly children: Map<string, PathNode>
  /** What ends here, by method. */
  readonly ends: Map<string, Tally>
  /** Branches of the first tree that were laid together here; 1 in that tree. */
  places: number
  /** Requests here and below. */
  requests: number
  /** Ends here and below, in the first tree; and those of them that look like files. */
  all: number
  files: number
}

export const MAX_EXAMPLES = 3

/** An empty tree, or a branch to lay others on. */
export function createNode(places = 1): PathNode {
  return { children: new Map(), ends: new Map(), places, requests: 0, all: 0, files: 0 }
}

export function addPath(root: PathNode, pieces: readonly string[], method: string, requests: number, example: string): void {
  let node = root
  const way = [node]
  for (const piece of pieces) {
    let child = node.children.get(piece)
    if (child === undefined) node.children.set(piece, child = createNode())
    way.push(node = child)
  }
  const known = node.ends.get(method)
  const isFile = isFileName(pieces.at(-1) ?? '')
  for (const each of way) {
    each.requests += requests
    if (known === undefined) each.all++
    if (known === undefined && isFile) each.files++
  }
  if (known === undefined) node.ends.set(method, { requests, paths: 1, examples: [example] })
  else {
    // The same path once more, perhaps with another spelling.
    known.requests += requests
    addExample(known, example)
  }
}

/** `README.md`, `app.min.js`. */
export function isFileName(segment: string): boolean {
  return FILE.test(segment)
}

const FILE = /\.[a-z][a-z0-9]{0,7}$/i

/** Adds what `from` holds to `into`; `from` is not to be used afterwards. Takes as long as what both have in common. */
export function layTogether(into: PathNode, from: PathNode): void {
  into.places += from.places
  into.requests += from.requests
  into.all += from.all
  into.files += from.files
  for (const [method, tally] of from.ends) addTally(into, method, tally)
  for (const [piece, child] of from.children) {
    const known = into.children.get(piece)
    if (known === undefined) into.children.set(piece, child)
    else layTogether(known, child)
  }
}

export function addTally(node: PathNode, method: string, tally: Tally): void {
  const known = node.ends.get(method)
  if (known === undefined) node.ends.set(method, { ...tally })
  else {
    known.requests += tally.requests
    known.paths += tally.paths
    for (const example of tally.examples) addExample(known, example)
  }
}

/** Visits every point of the tree, a branch before what it bears. */
export function walk(node: PathNode, visit: (node: PathNode, pieces: readonly string[]) => void, pieces: readonly string[] = []): void {
  visit(node, pieces)
  for (const [piece, child] of node.children) walk(child, visit, [...pieces, piece])
}

function addExample(tally: Tally, example: string): void {
  const last = tally.examples.at(-1)
  if (tally.examples.includes(example) || (tally.examples.length === MAX_EXAMPLES && last !== undefined && last < example)) return
  tally.examples = [...tally.examples, example].sort().slice(0, MAX_EXAMPLES)
}
