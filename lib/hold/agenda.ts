/**
 * Many dates, one timer: what the queue must do at which moment.
 *
 * A binary heap whose entries know their place, so that 10,000 deadlines cost one timer of the
 * clock, and taking any of them back costs a few swaps and leaves nothing behind.
 */
import type { Clock, Timer } from '../model/clock.ts'

export interface Agenda {
  /** Calls once, `ms` from now. Calls of the same moment come in the order of their making. */
  after(ms: number, call: () => void): Timer
  /** Forgets everything. */
  clear(): void
}

interface Entry {
  /** On the clock's `elapsed`. */
  readonly due: number
  readonly made: number
  readonly call: () => void
  /** Index in the heap; `GONE` once it was called or taken back. */
  place: number
}

const GONE = -1

/** A longer timer of Node's fires at once; beyond it we wake up, see that nothing is due, and sleep again. */
const MAX_SLEEP_MS = 2 ** 31 - 1

export function createAgenda(clock: Clock): Agenda {
  const heap: Entry[] = []
  let made = 0
  let alarm: { readonly due: number, readonly timer: Timer } | null = null

  return {
    after(ms, call) {
      const entry: Entry = { due: clock.elapsed() + (ms > 0 ? ms : 0), made: made++, call, place: heap.length }
      heap.push(entry)
      rise(heap, entry)
      setAlarm()
      return {
        cancel() {
          remove(heap, entry)
          if (heap.length === 0) stopAlarm()
        },
      }
    },
    clear() {
      for (const entry of heap) entry.place = GONE
      heap.length = 0
      stopAlarm()
    },
  }

  /** An alarm that rings too early does no harm, so one is moved only when something is due before it. */
  function setAlarm(): void {
    const first = heap[0]
    if (first === undefined || (alarm !== null && alarm.due <= first.due)) return
    stopAlarm()
    const sleep = Math.min(Math.max(0, Math.ceil(first.due - clock.elapsed())), MAX_SLEEP_MS)
    alarm = { due: first.due, timer: clock.after(sleep, ring) }
  }

  function stopAlarm(): void {
    alarm?.timer.cancel()
    alarm = null
  }

  function ring(): void {
    alarm = null
    const now = clock.elapsed()
    try {
      for (let first = heap[0]; first !== undefined && first.due <= now; first = heap[0]) {
        remove(heap, first)
        first.call()
      }
    } finally {
      setAlarm()
    }
  }
}

function remove(heap: Entry[], entry: Entry): void {
  const { place } = entry
  if (place === GONE) return
  entry.place = GONE
  const last = heap.pop()
  if (last === undefined || last === entry) return
  heap[place] = last
  last.place = place
  rise(heap, last)
  sink(heap, last)
}

function rise(heap: Entry[], entry: Entry): void {
  while (entry.place > 0) {
    const parent = heap[(entry.place - 1) >> 1]
    if (parent === undefined || isBefore(parent, entry)) return
    swap(heap, parent, entry)
  }
}

function sink(heap: Entry[], entry: Entry): void {
  for (;;) {
    const left = heap[2 * entry.place + 1]
    const right = heap[2 * entry.place + 2]
    const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left
    if (child === undefined || isBefore(entry, child)) return
    swap(heap, entry, child)
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.due < b.due || (a.due === b.due && a.made < b.made)
}

function swap(heap: Entry[], a: Entry, b: Entry): void {
  [a.place, b.place] = [b.place, a.place]
  heap[a.place] = a
  heap[b.place] = b
}
