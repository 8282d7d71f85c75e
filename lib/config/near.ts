/** The word that was probably meant: for properties and presets that do not exist. */

/** Longer words are no slip of the finger, and comparing them costs. */
const MAX_LENGTH = 40
/** Slips that a word may have; a short word fewer. */
const MAX_SLIPS = 2

/** @returns the closest of `words`; null where none is close. Upper and lower case count as the same. */
export function nearest(word: string, words: Iterable<string>): string | null {
  if (word.length > MAX_LENGTH) return null
  const wanted = word.toLowerCase()
  let best: string | null = null
  let fewest = Math.min(MAX_SLIPS, Math.floor(word.length / 2)) + 1
  for (const candidate of words) {
    const slips = distance(wanted, candidate.toLowerCase().slice(0, MAX_LENGTH))
    if (slips < fewest) {
      best = candidate
      fewest = slips
    }
  }
  return best
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
