/** The one place where the state changes: an event goes in, its effects go out, and whoever looks is told soon after. */
import type { Clock } from '../model/clock.ts'
import { next } from './next.ts'
import type { Effect, Event, State } from './state.ts'

/** A flood of events is one picture. */
const FRAME_MS = 15

export interface Store {
  get(): State
  dispatch(event: Event): void
  /** @returns how to stop listening */
  subscribe(listener: () => void): () => void
}

export function createStore({ state: first, perform, clock }: { readonly state: State, readonly perform: (effect: Effect) => void, readonly clock: Clock }): Store {
  let state = first
  let isDue = false
  const listeners = new Set<() => void>()
  return {
    get: () => state,
    dispatch(event) {
      const before = state
      const step = next(state, event, { elapsed: clock.elapsed(), now: clock.now() })
      state = step.state
      for (const effect of step.effects) perform(effect)
      if (isDue || state === before) return
      isDue = true
      clock.after(FRAME_MS, () => {
        isDue = false
        for (const listener of [...listeners]) listener()
      })
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
