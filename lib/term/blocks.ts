/** Facts one below the other: where there is little room, those with a low rank stay. Pure. */
import { cut, span, type Line, type Tone } from './lines.ts'

/** `rank`: 0 is never left out. */
export interface Block {
  readonly rank: number
  readonly lines: readonly Line[]
}

export interface Arranged {
  readonly lines: readonly Line[]
  /** What must not be left out fits. */
  readonly isWhole: boolean
}

/** In their order, as many as fit. */
export function arrange(blocks: readonly Block[], height: number): Arranged {
  const kept = new Set<Block>()
  let room = height
  for (const block of [...blocks].sort((one, other) => one.rank - other.rank)) {
    if (block.rank > 0 && block.lines.length > room) continue
    kept.add(block)
    room -= block.lines.length
  }
  return { lines: blocks.filter(block => kept.has(block)).flatMap(({ lines }) => lines), isWhole: room >= 0 }
}

const LABEL = 9

export const factLine = (label: string, text: string, width: number, { label: labelTone = 'faint', text: tone = 'plain' }: { readonly label?: Tone, readonly text?: Tone } = {}): Line =>
  cut([span(` ${label.padEnd(LABEL)}`, labelTone), span(text, tone)], width)

/** The first ones before most else. */
export const riskBlocks = (risks: readonly { readonly says: string }[], width: number): readonly Block[] =>
  risks.map(({ says }, at) => ({ rank: at < 3 ? 1 : 7, lines: [factLine('!', says, width, { label: 'warn', text: 'warn' })] }))
