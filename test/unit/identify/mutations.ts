/** Seeded mutations of texts, each character one byte (latin-1). */

interface Comments { comment(text: string): void }

/** @param seed printed, so that a failure can be had again */
export function* mutationsOf(t: Comments, texts: readonly string[], count: number, seed = Number(process.env['SALLYPORT_SEED'] ?? 20260301)): Generator<string> {
  t.comment(`seed ${seed}`)
  const random = randomFrom(seed)
  const pick = (below: number): number => Math.floor(random() * below)
  for (let i = 0; i < count; i++) {
    let text = texts[pick(texts.length)]!
    for (let change = pick(3); change >= 0; change--) {
      const at = pick(text.length + 1)
      const other = texts[pick(texts.length)]!
      const byte = String.fromCharCode(random() < 0.5 ? ODD.charCodeAt(pick(ODD.length)) : pick(256))
      switch (pick(4)) {
        case 0: text = text.slice(0, at) + byte + text.slice(at); break
        case 1: text = text.slice(0, at) + byte + text.slice(at + 1); break
        case 2: text = text.slice(0, at) + text.slice(at + 1 + pick(8)); break
        default: text = text.slice(0, at) + other.slice(pick(other.length + 1))
      }
    }
    yield text
  }
}

/** What parsers stumble over. */
const ODD = ' \t\r\n\0:;,%/\\.@[]?#+-0x\x7f\x80\xff'

/** mulberry32 */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
