/**
 * Text as the screen takes it: lines of spans, each with a tone.
 *
 * The promise: a span is made by `span` alone, and `span` makes its text safe to show, so nothing of the
 * wire reaches the terminal raw. Pure; widths are in columns of the terminal, never less than it needs.
 */
import { visible } from '../model/display.ts'

/** What a piece of text is; the view gives it a colour, or none. */
export type Tone = 'plain' | 'faint' | 'strong' | 'good' | 'bad' | 'warn' | 'accent' | 'picked'

export interface Span {
  readonly text: string
  readonly tone: Tone
}

export type Line = readonly Span[]

/** Longer than any screen; what is longer loses its middle. */
const MAX_SPAN = 8_000

export const span = (text: string, tone: Tone = 'plain'): Span => ({ text: visible(text, MAX_SPAN), tone })

export const line = (text: string, tone: Tone = 'plain'): Line => [span(text, tone)]

export const EMPTY: Line = []

const MARK = /\p{M}/u
/** Two columns each. More than these are counted so, never fewer: a line may end early, it never runs over. */
const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{1f200}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u

export function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

export const lineWidth = (spans: Line): number => spans.reduce((sum, { text }) => sum + widthOf(text), 0)

/** At most `width` columns; what is cut away leaves a `…`. */
export function cut(spans: Line, width: number): Line {
  if (lineWidth(spans) <= width) return spans
  if (width < 1) return EMPTY
  const kept: Span[] = []
  let room = width - 1
  for (const { text, tone } of spans) {
    const piece = head(text, room)
    room -= widthOf(piece)
    kept.push({ text: piece === text ? text : `${piece}…`, tone })
    if (piece !== text) return kept
  }
  return kept
}

/** Exactly `width` columns. @param tone  of what fills it up */
export function fit(spans: Line, width: number, tone: Tone = 'plain'): Line {
  const short = cut(spans, width)
  const missing = width - lineWidth(short)
  return missing > 0 ? [...short, { text: ' '.repeat(missing), tone }] : short
}

/** `left` and `right` at the two ends of a line; the left one gives way. */
export function spread(left: Line, right: Line, width: number): Line {
  const end = cut(right, width)
  return [...fit(left, Math.max(width - lineWidth(end), 0)), ...end]
}

/**
 * The whole text, as many lines as it takes.
 *
 * @param indent  columns left free at the beginning of each line
 * @param behind  where a line may rather end, if that leaves it more than half full
 */
export function wrap(text: string, width: number, { tone = 'plain', indent = 0, behind }: { readonly tone?: Tone, readonly indent?: number, readonly behind?: string } = {}): readonly Line[] {
  const room = Math.max(width - indent, 8)
  const lines: Line[] = []
  let rest = span(text).text
  do {
    const full = head(rest, room)
    const end = behind === undefined || full === rest ? -1 : full.lastIndexOf(behind)
    const piece = end > full.length / 2 ? full.slice(0, end + 1) : full
    lines.push(indent === 0 ? [{ text: piece, tone }] : [{ text: ' '.repeat(indent), tone: 'plain' }, { text: piece, tone }])
    rest = rest.slice(piece.length)
  } while (rest !== '')
  return lines
}

/** The two columns of a wide screen, as high as the higher one. */
export function beside(left: readonly Line[], right: readonly Line[], leftWidth: number): readonly Line[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, row) =>
    [...fit(left[row] ?? EMPTY, leftWidth), { text: ' │ ', tone: 'faint' as const }, ...right[row] ?? EMPTY])
}

/** Exactly `height` lines. */
export const tall = (lines: readonly Line[], height: number): readonly Line[] =>
  Array.from({ length: Math.max(height, 0) }, (_, row) => lines[row] ?? EMPTY)

/** The first characters that fit; at least one, so that whoever takes the rest comes to an end. */
function head(text: string, width: number): string {
  let end = 0
  let room = width
  for (const character of text) {
    room -= characterWidth(character)
    if (room < 0 && end > 0) break
    end += character.length
  }
  return width < 1 ? '' : text.slice(0, end)
}

function characterWidth(character: string): number {
  if (MARK.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}
