/**
 * Requests that a client sends without waiting for answers, in the order in which it sent them.
 *
 * Keeps RFC 9112 §9.3.2: they are worked on side by side only where all of them are safe. One that may change something waits until
 * those before it are answered, and those behind it wait for its answer: a GET never overtakes the DELETE before it.
 */
import type { Connection, Underway } from './connection.ts'

/** @param exchange the last that is under way on the connection. @param begin is called once, perhaps later, also for one whose client has gone */
export function beginInOrder(connection: Connection, exchange: Underway, begin: () => void): void {
  if (connection.underway.length === 1 || (connection.queue.length === 0 && connection.underway.every(isSafe))) return begin()
  connection.queue.push({ exchange, begin })
}

/** After an exchange is over. */
export function beginNext(connection: Connection): void {
  const { queue, underway } = connection
  for (let [next] = queue; next !== undefined; [next] = queue) {
    const at = underway.indexOf(next.exchange)
    // One that is over already, because its connection is, holds nobody up.
    if (at > 0 && !underway.slice(0, at + 1).every(isSafe)) return
    queue.shift()
    next.begin()
  }
}

function isSafe(exchange: Underway): boolean {
  return exchange.isSafe
}
