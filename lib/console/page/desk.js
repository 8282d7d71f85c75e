/**
 * The questions as they stand, and which of them is under the cursor. Pure: knows no page, is told the time.
 *
 * Two promises. Whatever arrives, the cursor stays on its question until that is settled or somebody moves it. And
 * nothing is answered that stood under the cursor for less than GRACE_MS: a key meant for one never hits the next.
 *
 * @import { DeskEvent } from '../../model/desk.ts'
 * @import { Pending, Suggestion } from '../../model/hold.ts'
 */

/** How long a question has to be seen before it can be answered, in milliseconds. */
export const GRACE_MS = 300

/**
 * Questions that one answer would settle.
 *
 * @typedef {object} Row
 * @property {string} id  of the question that stands for it
 * @property {Pending} held
 * @property {readonly Pending[]} members  the oldest first, itself among them
 * @property {number} waiting  requests, of all of them
 * @property {Suggestion | null} suggestion  the rule for all of them
 */

/**
 * The rule for its whole group.
 *
 * @param {Pending} held
 */
const suggestionOf = held => held.kind === 'task' ? null : held.group.suggestion

export function createDesk() {
  /** In the order they came. @type {Map<string, { held: Pending, told: number }>} */
  const open = new Map()
  let told = 0
  /** What had been told when the stream began. */
  let before = 0
  let filter = ''
  /** @type {string | null} */
  let cursor = null
  let chosen = 0
  let appearedAt = -Infinity

  /** @returns {readonly Row[]} */
  function rows() {
    /** @type {Map<string, { held: Pending, told: number }[]>} */
    const groups = new Map()
    for (const entry of open.values()) {
      const group = entry.held.kind === 'task' ? entry.held.id : entry.held.group.id
      const members = groups.get(group)
      if (members === undefined) groups.set(group, [entry])
      else members.push(entry)
    }
    return Array.from(groups.values(), members => {
      const standing = members.find(({ held }) => held.id === cursor) ?? members[0]
      if (standing === undefined) throw new Error('a group without a question')
      const latest = members.filter(({ held }) => suggestionOf(held) !== null).sort((a, b) => b.told - a.told)[0]
      return {
        id: standing.held.id,
        held: standing.held,
        members: members.map(({ held }) => held),
        waiting: members.reduce((sum, { held }) => sum + held.waiting, 0),
        suggestion: members.length < 2 || latest === undefined ? null : suggestionOf(latest.held),
      }
    }).filter(({ held, members }) => filter === '' || members.some(matches) || matches(held))
  }

  /** @param {Pending} held */
  function matches(held) {
    const more = held.kind === 'task' ? [held.reason, ...held.rules.map(({ says }) => says)] : [held.host, held.answers ?? '']
    return [held.display.line, held.client, ...more].some(text => text.toLowerCase().includes(filter))
  }

  /**
   * @param {string | null} id
   * @param {number} at
   */
  function point(id, at) {
    if (id === cursor) return
    cursor = id
    chosen = 0
    appearedAt = at
  }

  /**
   * Where the row was that is gone, there the next one stands.
   *
   * @param {number} row  its index
   * @param {number} at
   */
  function settle(row, at) {
    const now = rows()
    if (now.some(({ id }) => id === cursor)) return
    point(now[Math.min(Math.max(row, 0), now.length - 1)]?.id ?? null, at)
  }

  const indexOfCursor = () => rows().findIndex(row => row.id === cursor)

  return {
    rows,
    get size() { return open.size },
    /** @returns {Row | null} the one under the cursor */
    get current() { return rows().find(row => row.id === cursor) ?? null },
    get chosen() { return chosen },

    /**
     * @param {DeskEvent} event
     * @param {number} at  milliseconds, on a clock that never goes back
     */
    tell(event, at) {
      const row = indexOfCursor()
      if (event.event === 'asked' || event.event === 'changed') {
        const known = open.get(event.held.id)
        open.set(event.held.id, { held: event.held, told: ++told })
        // Another policy, another question: it has to be read again.
        if (known !== undefined && known.held.shown !== event.held.shown && event.held.id === cursor) appearedAt = at
      }
      if (event.event === 'settled') open.delete(event.id)
      settle(row, at)
    },

    /** The stream begins, and with it all that is open is told again. */
    begin() {
      before = told
    },

    /**
     * Forgets what was settled while the stream was away.
     *
     * @param {readonly Pending[]} pending  as it was after the stream began; what came or went since has been told
     * @param {number} at
     */
    reset(pending, at) {
      const row = indexOfCursor()
      const now = new Set(pending.map(({ id }) => id))
      for (const [id, entry] of open) if (entry.told <= before && !now.has(id)) open.delete(id)
      settle(row, at)
    },

    /**
     * @param {number} by  rows down; up where it is below 0
     * @param {number} at
     */
    move(by, at) {
      const now = rows()
      const to = Math.min(Math.max(indexOfCursor() + by, 0), now.length - 1)
      point(now[to]?.id ?? null, at)
    },

    /**
     * @param {string} id
     * @param {number} at
     */
    select(id, at) {
      if (open.has(id)) point(id, at)
    },

    /** @param {number} index  of a suggestion */
    choose(index) {
      const held = open.get(cursor ?? '')?.held
      const count = held?.kind === 'request' ? held.suggestions.length : 0
      if (index >= 0 && index < count) chosen = index
    },

    /**
     * @param {string} text
     * @param {number} at
     */
    find(text, at) {
      const row = indexOfCursor()
      filter = text.trim().toLowerCase()
      settle(row, at)
    },

    /** @param {number} at */
    mayAnswer: at => cursor !== null && at - appearedAt >= GRACE_MS,
  }
}
