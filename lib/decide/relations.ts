/**
 * How two sound patterns stand to each other: may one name match both, does one take all that the other takes.
 *
 * For `check`, which warns and refuses at load; nothing here is asked at request time. `Overlap` is exact but for the
 * lengths of labels; `Covers` is true only where it is certain.
 */
import { contains, parseNetwork } from './ip.ts'
import { compilePiece } from './matchers.ts'

/** @returns whether there is a name that both match */
export function hostPatternsOverlap(a: string, b: string): boolean {
  const left = readHost(a)
  const right = readHost(b)
  if (!reaches(left, right) || !reaches(right, left)) return false
  const shared = Math.min(left.labels.length, right.labels.length)
  for (let at = 0; at < shared; at++) if (!piecesOverlap(left.labels[at]!, right.labels[at]!)) return false
  return true
}

/** @returns true only if every name that `narrow` matches is matched by `wide` */
export function hostPatternCovers(wide: string, narrow: string): boolean {
  const outer = readHost(wide)
  const inner = readHost(narrow)
  const least = inner.labels.length + (inner.isDeep ? 1 : 0)
  const fits = outer.isDeep ? least > outer.labels.length : !inner.isDeep && inner.labels.length === outer.labels.length
  return fits && outer.labels.every((label, at) => inner.labels[at] !== undefined && pieceCovers(label, inner.labels[at]))
}

/** @returns true only if every path that `narrow` matches is matched by `wide` */
export function pathPatternCovers(wide: string, narrow: string): boolean {
  const outer = wide.slice(1).split('/')
  const inner = narrow.slice(1).split('/')
  // The matcher's own walk: when a piece does not fit, the last `**` takes one piece more.
  let at = 0
  let next = 0
  let retry: { readonly at: number, next: number } | null = null
  while (next < inner.length) {
    if (outer[at] === '**') {
      retry = { at, next }
      at++
    } else if (outer[at] !== undefined && pieceCovers(outer[at]!, inner[next]!)) {
      at++
      next++
    } else if (retry !== null) {
      retry.next++
      at = retry.at + 1
      next = retry.next
    } else {
      return false
    }
  }
  return outer.slice(at).every(piece => piece === '**')
}

/** @returns whether every address of `narrow` is one of `wide`; two networks overlap where one covers the other */
export function networkCovers(wide: string, narrow: string): boolean {
  const outer = parseNetwork(wide)
  const inner = parseNetwork(narrow)
  return outer !== null && inner !== null && outer.prefix <= inner.prefix && contains(outer, inner)
}

interface HostShape {
  readonly isDeep: boolean
  /** From the right; without `**`. */
  readonly labels: readonly string[]
}

function readHost(pattern: string): HostShape {
  const labels = pattern.split('.').reverse()
  return labels.at(-1) === '**' ? { isDeep: true, labels: labels.slice(0, -1) } : { isDeep: false, labels }
}

/** Whether `shape` can be as long as the other must be. */
function reaches(shape: HostShape, other: HostShape): boolean {
  return shape.isDeep || shape.labels.length >= other.labels.length + (other.isDeep ? 1 : 0)
}

/** A `*` of the inner piece is one character that only a run of the outer takes: so no text of it escapes the outer. */
function pieceCovers(outer: string, inner: string): boolean {
  if (inner === '**') return false
  if (outer === inner) return true
  if (outer === '*') return inner !== ''
  if (!outer.includes('*')) return false
  // A literal star must not be taken for a run.
  return compilePiece(outer.replaceAll('%2A', STAR))(inner.replaceAll('%2A', STAR))
}

const STAR = '\u0001'

/** Whether some text matches both: each character of one is met by the other's character or run. */
function piecesOverlap(a: string, b: string): boolean {
  // open[j]: the first i characters of `a` and the first j of `b` can stand for the same text.
  let open = closeOver(b, [true, ...Array<boolean>(b.length).fill(false)])
  for (const character of a) {
    const next = [character === '*' && open[0]!]
    for (let j = 1; j <= b.length; j++) {
      const other = b[j - 1]!
      next[j] = character === '*'
        ? open[j]! || next[j - 1]!
        : other === '*' ? open[j]! : open[j - 1]! && character === other
    }
    open = closeOver(b, next)
  }
  return open[b.length]!
}

/** A run of `b` may be empty. */
function closeOver(b: string, open: boolean[]): boolean[] {
  for (let j = 1; j <= b.length; j++) if (b[j - 1] === '*' && open[j - 1]!) open[j] = true
  return open
}
