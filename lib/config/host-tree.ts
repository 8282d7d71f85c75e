/**
 * Host patterns in a tree of labels, right to left, so that ten thousand rules are not each compared with all others.
 *
 * What it finds is a superset: whoever asks compares the patterns themselves.
 */
interface Node<T> {
  readonly children: Map<string, Node<T>>
  /** Labels of `children` that hold a `*`. */
  readonly wild: string[]
  readonly ends: T[]
  /** Of patterns that begin with `**`. */
  readonly deepEnds: T[]
}

export interface HostTree<T> {
  add(pattern: string, value: T): void
  /** Values of the patterns that may match a name which this one matches too. */
  overlapping(pattern: string): Generator<T>
  /** Values of the patterns that may match every name which this one matches. */
  covering(pattern: string): Generator<T>
}

/** Patterns are canonical (decide/patterns.ts). */
export function createHostTree<T>(): HostTree<T> {
  const root = emptyNode<T>()
  return {
    add(pattern, value) {
      const { labels, isDeep } = readPattern(pattern)
      let node = root
      for (const label of labels) node = childOf(node, label)
      ;(isDeep ? node.deepEnds : node.ends).push(value)
    },
    overlapping: pattern => walk(root, readPattern(pattern), 0, true),
    covering: pattern => walk(root, readPattern(pattern), 0, false),
  }
}

interface Shape {
  /** From the right, without `**`. */
  readonly labels: readonly string[]
  readonly isDeep: boolean
}

function readPattern(pattern: string): Shape {
  const labels = pattern.split('.').reverse()
  return labels.at(-1) === '**' ? { labels: labels.slice(0, -1), isDeep: true } : { labels, isDeep: false }
}

/** @param isLoose a label with a `*` in it also meets the labels it may match */
function * walk<T>(node: Node<T>, shape: Shape, at: number, isLoose: boolean): Generator<T> {
  const label = shape.labels[at]
  if (label !== undefined || shape.isDeep) yield * node.deepEnds
  if (label === undefined) {
    if (!shape.isDeep) yield * node.ends
    else if (isLoose) for (const child of node.children.values()) yield * everything(child)
    return
  }
  if (isLoose && label.includes('*')) {
    for (const child of node.children.values()) yield * walk(child, shape, at + 1, isLoose)
    return
  }
  for (const step of label.includes('*') ? node.wild : [label, ...node.wild]) {
    const child = node.children.get(step)
    if (child !== undefined) yield * walk(child, shape, at + 1, isLoose)
  }
}

function * everything<T>(node: Node<T>): Generator<T> {
  yield * node.ends
  yield * node.deepEnds
  for (const child of node.children.values()) yield * everything(child)
}

function childOf<T>(node: Node<T>, label: string): Node<T> {
  const known = node.children.get(label)
  if (known !== undefined) return known
  const made = emptyNode<T>()
  node.children.set(label, made)
  if (label.includes('*')) node.wild.push(label)
  return made
}

function emptyNode<T>(): Node<T> {
  return { children: new Map(), wild: [], ends: [], deepEnds: [] }
}
