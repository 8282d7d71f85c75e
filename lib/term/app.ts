/**
 * The view: lines with colours, and keys as events. The only file that knows ink, which knows React.
 *
 * Thin: what stands where is `paint`'s, what a key does is `next`'s.
 */
import { Box, Text, useInput, type Key as InkKey } from 'ink'
import { createElement, useSyncExternalStore, type ReactNode } from 'react'
import type { Line, Span, Tone } from './lines.ts'
import { paint } from './paint.ts'
import type { Key, NamedKey, State } from './state.ts'
import type { Store } from './store.ts'

export interface AppProps {
  readonly store: Store
  readonly isColorful: boolean
  /** This is what will be on the screen. */
  readonly onPaint: (state: State) => void
}

export function App({ store, isColorful, onPaint }: AppProps): ReactNode {
  const state = useSyncExternalStore(store.subscribe, store.get)
  useInput((text, key) => {
    const read = readKey(text, key)
    if (read !== null) store.dispatch({ kind: 'key', key: read })
  })
  onPaint(state)
  return createElement(Box, { flexDirection: 'column' }, ...paint(state).map((line, row) => paintedLine(line, row, isColorful)))
}

function paintedLine(line: Line, row: number, isColorful: boolean): ReactNode {
  // Without a character a line would have no height.
  const spans = line.length === 0 ? [{ text: ' ', tone: 'plain' } as const] : line
  return createElement(Text, { key: row, wrap: 'truncate' }, ...spans.map((span, at) => painted(span, at, isColorful)))
}

type Style = NonNullable<Parameters<typeof Text>[0]>

const STYLES: Readonly<Record<Tone, Omit<Style, 'children'>>> = {
  plain: {},
  faint: { dimColor: true },
  strong: { bold: true },
  good: { color: 'green' },
  bad: { color: 'red' },
  warn: { color: 'yellow' },
  accent: { color: 'cyan' },
  picked: { inverse: true, bold: true },
}

function painted({ text, tone }: Span, at: number, isColorful: boolean): ReactNode {
  const { color, ...rest } = STYLES[tone]
  return createElement(Text, { key: at, ...rest, ...isColorful && color !== undefined ? { color } : {} }, text)
}

/** @returns null for what is no key of ours: a letter with Ctrl or Alt is another key than the letter */
function readKey(text: string, key: InkKey): Key | null {
  const name = nameOf(text, key)
  if (name !== null) return { kind: 'named', name }
  return key.ctrl || key.meta || key.super || key.hyper || text === '' ? null : { kind: 'text', text }
}

function nameOf(text: string, key: InkKey): NamedKey | null {
  if (key.ctrl) return ({ c: 'interrupt', u: 'erase', a: 'home', e: 'end', b: 'left', f: 'right' } as const)[text] ?? null
  if (key.return) return 'enter'
  if (key.tab) return key.shift ? 'back-tab' : 'tab'
  if (key.escape) return 'escape'
  // ink takes what the key Backspace sends (DEL) for the key Delete, and cannot tell them apart.
  if (key.backspace || key.delete) return 'backspace'
  if (key.upArrow) return 'up'
  if (key.downArrow) return 'down'
  if (key.leftArrow) return 'left'
  if (key.rightArrow) return 'right'
  if (key.pageUp) return 'page-up'
  if (key.pageDown) return 'page-down'
  if (key.home) return 'home'
  return key.end ? 'end' : null
}
