/**
 * `sallyport term`: takes the terminal, and gives it back as it was, however it ends.
 */
import { render } from 'ink'
import { createElement } from 'react'
import type { Environment } from '../control/paths.ts'
import type { Clock } from '../model/clock.ts'
import { App } from './app.ts'
import { openFeed, type Feed } from './feed.ts'
import { initial, type Effect, type State } from './state.ts'
import { createStore } from './store.ts'

export interface TermOptions {
  /** Control sockets; null: those of all firewalls of this user, as they come and go. */
  readonly controls: readonly string[] | null
  /** Who answers, for the log. */
  readonly by: string | null
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly isColorful: boolean
  readonly env: Environment
  readonly clock: Clock
}

const TICK_MS = 1_000
/** A screen of its own, so that what was there before is there afterwards. */
const ENTER = '\x1b[?1049h\x1b[H\x1b[2J'
const CLEAR = '\x1b[H\x1b[2J'
const LEAVE = '\x1b[?1049l\x1b[?25h'
const BELL = '\x07'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ends when the operator quits. */
export async function openTerm({ controls, by, input, output, isColorful, env, clock }: TermOptions): Promise<void> {
  let feed: Feed | null = null
  const perform = (effect: Effect): void => {
    if (effect.kind === 'quit') return app.unmount()
    if (effect.kind === 'bell') return void output.write(BELL)
    feed?.perform(effect)
  }
  const time = { elapsed: clock.elapsed(), now: clock.now() }
  const store = createStore({ state: initial({ ...sizeOf(output), by, time }), perform, clock })
  let painted: State = store.get()

  const resized = (): void => {
    // The terminal has moved the lines about; ink, which counts them, begins anew.
    app.clear()
    output.write(CLEAR)
    store.dispatch({ kind: 'resized', ...sizeOf(output) })
  }
  const leave = (): void => { output.write(LEAVE) }
  const quit = (): void => app.unmount()
  output.write(ENTER)
  process.once('exit', leave)
  for (const signal of SIGNALS) process.on(signal, quit)

  const app = render(createElement(App, { store, isColorful, onPaint: state => { painted = state } }), {
    stdin: input, stdout: output, exitOnCtrlC: false, patchConsole: false,
    // A key counts from here on for what is on the screen now, and not before.
    onRender: () => store.dispatch({ kind: 'drawn', question: painted.cursor.question, group: painted.cursor.group }),
  })
  output.on('resize', resized)
  feed = openFeed({ controls, env, clock, dispatch: store.dispatch })
  const ticking = clock.every(TICK_MS, () => store.dispatch({ kind: 'tick' }))
  try {
    await app.waitUntilExit()
  } finally {
    ticking.cancel()
    feed.close()
    output.off('resize', resized)
    for (const signal of SIGNALS) process.off(signal, quit)
    process.off('exit', leave)
    leave()
  }
}

const sizeOf = ({ columns, rows }: NodeJS.WriteStream): { readonly columns: number, readonly rows: number } => ({ columns: columns || 80, rows: rows || 24 })
