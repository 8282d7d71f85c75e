/**
 * Asks the doors of one question, each once, all at the same time.
 *
 * What a door says is handed on unread. A door that throws, at once or later, is closed and opens
 * nothing; one that never settles costs nothing but the wait.
 */
import type { Door, Pending } from '../model/hold.ts'

/** What came of asking one door. `said` was not parsed. */
export type DoorReply =
  | { readonly kind: 'said', readonly value: unknown }
  | { readonly kind: 'failed', readonly problem: string }

/**
 * @param onReply called once for each door that settles, never in the turn of the asking, and no more once `signal` is aborted
 */
export function askDoors(doors: readonly Door[], held: Pending, signal: AbortSignal, onReply: (door: Door, reply: DoorReply) => void): void {
  for (const door of doors) {
    void askDoor(door, held, signal).then(reply => {
      if (!signal.aborted) onReply(door, reply)
    })
  }
}

/** Never rejects. */
async function askDoor(door: Door, held: Pending, signal: AbortSignal): Promise<DoorReply> {
  try {
    return { kind: 'said', value: await door.ask(held, { signal }) as unknown }
  } catch (error) {
    return { kind: 'failed', problem: `it failed: ${describeError(error)}` }
  }
}

/** What was thrown, in words. Never throws itself, whatever a hook throws. */
export function describeError(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error)
  } catch {
    // A thrown value may have no string form (an object without prototype, a throwing getter).
    return 'with a value that has no text'
  }
}
