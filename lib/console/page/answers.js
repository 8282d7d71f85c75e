/**
 * Answers on their way to the firewall, each with what was shown of its question; and what came of them, as one sentence.
 *
 * @import { Row } from './desk.js'
 * @import { Extent } from './dialogs.js'
 */
import { post } from './api.js'
import { counted } from './text.js'

/** @param {() => string} who  decides, for the log; empty: not told */
export function createAnswers(who) {
  const by = () => who() === '' ? {} : { by: who() }
  const named = (/** @type {Row} */ { members }) => members.map(({ id, shown }) => ({ id, shown }))

  /**
   * @param {Row} row
   * @param {object} answer
   */
  const send = ({ held }, answer) => post(`/v1/pending/${held.id}/answer`, { ...answer, ...by() })

  /**
   * @param {Row} row
   * @param {object} answer
   */
  const sendAll = (row, answer) => post('/v1/pending/answer', { questions: named(row), answer: { ...answer, ...by() } })

  return {
    /**
     * @param {Row} row
     * @param {object} rule
     * @param {Extent} [extent]
     */
    async grant(row, rule, extent = {}) {
      const { released, persisted } = await send(row, { verdict: 'approve', grant: { rule, ...extent }, shown: row.held.shown })
      return `Approved${persisted ? ', and written into the policy' : ''}: ${counted(released, 'request goes on', 'requests go on')}.`
    },
    /**
     * All the rules of a task.
     *
     * @param {Row} row
     * @param {Extent} [extent]
     */
    async task(row, extent = {}) {
      const { released } = await send(row, { verdict: 'approve', grant: { rules: 'asked', ...extent }, shown: row.held.shown })
      return `Approved, with all its rules${released === 0 ? '.' : `: ${counted(released, 'request goes on', 'requests go on')}.`}`
    },
    /** @param {Row} row */
    async once(row) {
      const { released } = await send(row, { verdict: 'approve', grant: 'once', shown: row.held.shown })
      return released === 0 ? 'Approved once: it waits for its client to come back.' : `Approved once: ${counted(released, 'request goes on', 'requests go on')}.`
    },
    /**
     * @param {Row} row
     * @param {object} why
     */
    async reject(row, why) {
      const { released } = await send(row, { verdict: 'deny', ...why })
      return `Rejected: ${counted(released, 'client is told', 'clients are told')}.`
    },
    /** @param {Row} row */
    async approveAll(row) {
      const grant = row.suggestion === null ? 'once' : { rule: row.suggestion.rule }
      const { answered, released, left } = await sendAll(row, { verdict: 'approve', grant })
      return `Approved ${counted(answered, 'question')}: ${counted(released, 'request goes on', 'requests go on')}.${left.length === 0 ? '' : ` ${counted(left.length, 'question stays', 'questions stay')} open: ${left[0].problems.join(' ')}`}`
    },
    /**
     * @param {Row} row
     * @param {object} why
     */
    async rejectAll(row, why) {
      const { answered, released } = await sendAll(row, { verdict: 'deny', ...why })
      return `Rejected ${counted(answered, 'question')}: ${counted(released, 'client is told', 'clients are told')}.`
    },
    /** @param {string} id  of a grant */
    async undo(id) {
      const { closed } = await post(`/v1/grants/${id}/undo`, by())
      return `Taken back; ${counted(closed, 'connection was', 'connections were')} closed.`
    },
  }
}
