/**
 * Room for what streams through. Every read of a stream is a buffer of its own, outside of V8's heap and counted as part of
 * it; with a heap as small as ours V8 collects all of it some sixty times in each GiB, which took a third of the CPU of an
 * HTTPS download. Told to let the heap grow by this much, it collects what is young instead, which is next to nothing.
 * The memory of the process at its peak is the same (`npm run bench:transparent`).
 *
 * For a process that is ours: a library leaves the flags of its host alone.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

const ROOM_BYTES = 64 * 2 ** 20
/** V8 knows a share of the heap, and reads it anew at each collection. */
const ADJUST_MS = 1_000
/** Below it, what V8 does by itself is better. */
const MIN_PERCENT = 50
const MAX_PERCENT = 400
/** The newest that was seen to know the flag; one that does not would say so on stderr. */
const MAX_NODE = 25

/** Until the process ends. */
export function makeRoomForStreams(): void {
  if (Number.parseInt(process.versions.node) > MAX_NODE) return
  let now = 0
  const adjust = (): void => {
    const percent = Math.min(Math.round(ROOM_BYTES / getHeapStatistics().used_heap_size * 100), MAX_PERCENT)
    const next = percent < MIN_PERCENT ? 0 : percent
    if (next !== now) setFlagsFromString(`--heap-growing-percent=${next}`)
    now = next
  }
  adjust()
  setInterval(adjust, ADJUST_MS).unref()
}
