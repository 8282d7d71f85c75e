/**
 * A function of the program that embeds the firewall, as a door.
 */
import type { Answer, Door, Pending } from '../model/hold.ts'

/**
 * The function gets a copy of the question that it cannot change, and its answer is handed on
 * unread: the queue parses it like any other. What it throws closes this door for the question.
 *
 * @param name  shown with what it answers; two doors of one firewall are better told apart
 */
export function functionDoor(
  approve: (held: Pending, context: { readonly signal: AbortSignal }) => Promise<Answer> | Answer,
  name = 'function',
): Door {
  return {
    name,
    // Async, so that a function which throws at once rejects like one that throws later.
    ask: async (held, { signal }) => approve(deepFreeze(structuredClone(held)), { signal }),
  }
}

/** For JSON-like values: no cycles. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
