/** The terminal's state machine, driven by hand: questions come, time passes, keys are pressed, and what it wants done is kept. */
import type { DeskEvent } from '../../lib/model/desk.ts'
import type { Held, HeldGroup } from '../../lib/model/hold.ts'
import { next } from '../../lib/term/next.ts'
import { paint } from '../../lib/term/paint.ts'
import { initial } from '../../lib/term/state.ts'
import type { Effect, Event, NamedKey, State } from '../../lib/term/state.ts'
import { STATUS } from './fake-desk.ts'
import { sampleHeld } from './sample-held.ts'

export const ONE = '/run/one.sock'
export const TWO = '/run/two.sock'

export interface Screen {
  readonly state: State
  /** All that it wanted done so far, but for what it fetches by itself. */
  readonly effects: Effect[]
  send(event: Event): void
  /** Of the firewall ONE, unless told otherwise. */
  tell(event: DeskEvent, path?: string): void
  ask(changes?: Partial<Held>, path?: string): void
  settle(id: string, by?: string | null): void
  /** One key; a name in angle brackets is that key: `<enter>`. */
  press(...keys: readonly string[]): void
  type(text: string): void
  wait(ms: number): void
  /** What is to be seen is on the screen, and has been for a second. */
  look(): void
  /** What is on the screen, without the spaces at the ends of its lines. */
  text(): string
}

export function openScreen({ columns = 80, rows = 24, links = [ONE], by = 'ann' }: { readonly columns?: number, readonly rows?: number, readonly links?: readonly string[], readonly by?: string | null } = {}): Screen {
  let elapsed = 1_000_000
  const start = Date.parse('2030-01-01T00:00:12.000Z') - elapsed
  const time = () => ({ elapsed, now: start + elapsed })
  let state = initial({ columns, rows, by, time: time() })
  const effects: Effect[] = []
  const screen: Screen = {
    get state() { return state },
    effects,
    send(event) {
      const step = next(state, event, time())
      state = step.state
      effects.push(...step.effects.filter(({ kind }) => kind !== 'fetch' && kind !== 'bell'))
    },
    tell: (event, path = ONE) => screen.send({ kind: 'told', path, event }),
    ask: (changes = {}, path = ONE) => screen.tell({ event: 'asked', held: sampleHeld(changes) }, path),
    settle: (id, by = 'bob') => screen.tell({ event: 'settled', id, how: 'approved', by, door: 'control' }),
    press(...keys) {
      for (const key of keys) {
        const name = /^<(.+)>$/.exec(key)?.[1]
        screen.send({ kind: 'key', key: name === undefined ? { kind: 'text', text: key } : { kind: 'named', name: name as NamedKey } })
      }
    },
    type: text => screen.press(...text),
    wait(ms) { elapsed += ms },
    look() {
      screen.send({ kind: 'drawn', question: state.cursor.question, group: state.cursor.group })
      screen.wait(1_000)
    },
    text: () => paint(state).map(line => line.map(({ text }) => text).join('').trimEnd()).join('\n'),
  }
  for (const path of links) {
    screen.send({ kind: 'found', path })
    screen.send({ kind: 'opened', path, status: STATUS })
  }
  return screen
}

/** So many questions that one answer would settle; the first has the id `id`. */
export function askAlike(screen: Screen, id: string, count: number): void {
  for (let n = 0; n < count; n++) {
    const group: HeldGroup = { id, questions: n + 1, waiting: n + 1, suggestion: n === 0 ? null : { shape: 'group', says: `all ${n + 1}`, rule: { host: 'api.example.test', path: '/items/*' } } }
    screen.ask({ id: n === 0 ? id : `${id}-${n}`, path: `/items/${n}`, waiting: 1, group })
  }
}
