/**
 * Server-sent events, as far as the control socket uses them (HTML Living Standard §9.2).
 *
 * Pure: text in, text out. One event is `id`, `event` and one line of JSON in `data`.
 */

export interface SentEvent {
  readonly name: string
  readonly data: string
}

/** A comment: it wakes the reader up and tells it nothing. */
export const HEARTBEAT = ':\n\n'

/** JSON has no raw line ends, so `data` is always one line. */
export const formatEvent = (id: number, name: string, value: unknown): string =>
  `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(value)}\n\n`

export interface EventReader {
  /**
   * @returns the events that these characters complete
   * @throws RangeError when an event grows past the limit; nothing may be fed after that
   */
  feed(text: string): readonly SentEvent[]
}

/**
 * Reads a stream piece by piece; where the pieces are cut makes no difference.
 *
 * @param maxLength  longest line and longest data of one event, in characters
 */
export function createEventReader(maxLength: number): EventReader {
  /** The line under way, in the pieces it came in: joined once, when it ends. */
  let pieces: string[] = []
  let pending = 0
  let name = 'message'
  let data: string[] = []
  let dataLength = 0

  const endLine = (line: string): SentEvent | null => {
    if (line === '') {
      const event = data.length === 0 ? null : { name, data: data.join('\n') }
      name = 'message'
      data = []
      dataLength = 0
      return event
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') name = value
    if (field === 'data') {
      dataLength += value.length + 1
      if (dataLength > maxLength) throw new RangeError(`an event has more than ${maxLength} characters`)
      data.push(value)
    }
    return null
  }

  return {
    feed(text) {
      const events: SentEvent[] = []
      const lines = text.split('\n')
      for (const [index, part] of lines.entries()) {
        pieces.push(part)
        pending += part.length
        if (pending > maxLength) throw new RangeError(`a line has more than ${maxLength} characters`)
        if (index === lines.length - 1) break
        const event = endLine(withoutReturn(pieces.join('')))
        pieces = []
        pending = 0
        if (event !== null) events.push(event)
      }
      return events
    },
  }
}

/** CRLF ends a line as LF does. A lone CR, which the standard takes too, is not one: our server never sends it. */
const withoutReturn = (line: string): string => line.endsWith('\r') ? line.slice(0, -1) : line
