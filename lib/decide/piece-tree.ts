/**
 * Finds, among many patterns, those that may match: a tree over their pieces.
 *
 * It only narrows: what it leaves out cannot match, what it finds still has to be asked. Fixed pieces are edges by
 * name, any piece with a `*` is one edge for all, and a pattern ends in the tree at its first `**`, where its last
 * piece, if fixed, sorts it once more. So a path costs its length, whether there are ten patterns or 100,000.
 */
import { literalOf } from './matchers.ts'

export interface PieceTree<T> {
  add(pattern: readonly string[], value: T): void
  /** Adds to `found` each value whose pattern may match, once for each time it was added. */
  find(pieces: readonly string[], found: T[]): void
}

interface Node<T> {
  readonly fixed: Map<string, Node<T>>
  wild: Node<T> | null
  readonly ends: T[]
  /** Patterns that go on with `**`: by their last piece where that is fixed. */
  readonly deepByLast: Map<string, T[]>
  readonly deep: T[]
}

export function createPieceTree<T>(): PieceTree<T> {
  const root = createNode<T>()
  return {
    add(pattern, value) {
      let node = root
      for (const piece of pattern) {
        if (piece === '**') {
          const last = pattern.at(-1)!
          if (last.includes('*')) node.deep.push(value)
          else push(node.deepByLast, literalOf(last), value)
          return
        }
        node = piece.includes('*') ? node.wild ??= createNode() : childOf(node, literalOf(piece))
      }
      node.ends.push(value)
    },
    find: (pieces, found) => collect(root, pieces, 0, found),
  }
}

/** No deeper than the deepest pattern: 512 pieces. */
function collect<T>(node: Node<T>, pieces: readonly string[], at: number, found: T[]): void {
  for (const value of node.deep) found.push(value)
  if (node.deepByLast.size > 0) for (const value of node.deepByLast.get(pieces.at(-1) ?? '') ?? []) found.push(value)
  const piece = pieces[at]
  if (piece === undefined) {
    for (const value of node.ends) found.push(value)
    return
  }
  const child = node.fixed.get(piece)
  if (child !== undefined) collect(child, pieces, at + 1, found)
  if (node.wild !== null) collect(node.wild, pieces, at + 1, found)
}

function createNode<T>(): Node<T> {
  return { fixed: new Map(), wild: null, ends: [], deepByLast: new Map(), deep: [] }
}

function childOf<T>(node: Node<T>, piece: string): Node<T> {
  const known = node.fixed.get(piece)
  if (known !== undefined) return known
  const made = createNode<T>()
  node.fixed.set(piece, made)
  return made
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}
