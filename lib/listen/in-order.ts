/**
 * Requests that a client sends without waiting for answers, in the order in which it sent them.
 *
 * Keeps RFC 9112 §9.3.2: they are worked on side by side only where all of them are safe. One that may change something waits until
 * those before it are answered, and those behind it wait for its answer: a GET never overtakes the DELETE before it.
 *
 * A client that sends more of them than are served at a time is read again once it has had answers. Until then the kernel holds
 * what it sends, and beyond that the client itself.
 */
import type { Connection, Underway } from './connection.ts'

/** @param exchange the last that is under way on the connection. @param begin is called once, perhaps later, also for one whose client has gone */
export function beginInOrder(connection: Connection, exchange: Underway, begin: () => void): void {
  // Not in this turn, in which Node's parser resumes the socket behind every request that is complete.
  if (connection.underway.length === connection.most) process.nextTick(() => { if (isFull(connection)) connection.socket.pause() })
  if (connection.underway.length === 1 || (connection.queue.length === 0 && connection.underway.every(isSafe))) return begin()
  connection.queue.push({ exchange, begin })
}

/** No further request is read from it for now. */
export function isFull({ underway, most }: Connection): boolean {
  return underway.length >= most
}

/** After an exchange is over. */
export function endInOrder(connection: Connection, exchange: Underway): void {
  const { underway } = connection
  const at = underway.indexOf(exchange)
  if (at === -1) return
  underway.splice(at, 1)
  if (underway.length === connection.most - 1) connection.socket.resume()
  if (connection.queue.length > 0) beginNext(connection)
}

/** Whatever has nothing before it any more that it has to wait for. */
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
