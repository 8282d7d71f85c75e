/**
 * Flows in the order in which they began, each taken out as soon as it is over or recorded as open.
 *
 * A list that is linked through its members, because each request goes in and out of it: a Set or a Map in
 * its place is copied every few requests, and each dead copy that has become old keeps the flows it held, and
 * the copy after it, until the next full collection (docs/performance.md has what that cost).
 */

export interface Link {
  before: Link | null
  after: Link | null
  /** Not in the list (any more). */
  isOut: boolean
}

export interface Young<T extends Link> {
  add(link: T): void
  /** @returns whether it was in the list; what leaves it refers to nothing of it */
  remove(link: T): boolean
  readonly first: T | null
  readonly size: number
}

export function createYoung<T extends Link>(): Young<T> {
  let first: Link | null = null
  let last: Link | null = null
  let size = 0
  return {
    get first() { return first as T | null },
    get size() { return size },
    add(link) {
      link.isOut = false
      link.before = last
      if (last === null) first = link
      else last.after = link
      last = link
      size++
    },
    remove(link) {
      if (link.isOut) return false
      if (link.before === null) first = link.after
      else link.before.after = link.after
      if (link.after === null) last = link.before
      else link.after.before = link.before
      link.before = link.after = null
      link.isOut = true
      size--
      return true
    },
  }
}
