/**
 * From a key or a click to an answer: for the question under the cursor, as it stood there, one at a time.
 *
 * @import { HeldTask } from '../../model/hold.ts'
 * @import { createAnswers } from './answers.js'
 * @import { Row, createDesk } from './desk.js'
 * @import { Answer } from './questions.js'
 */
import { askReason, askRule, askTime } from './dialogs.js'
import { counted } from './text.js'

/**
 * @param {object} given
 * @param {ReturnType<typeof createDesk>} given.desk
 * @param {ReturnType<typeof createAnswers>} given.answers
 * @param {(says: string) => void} given.say
 * @param {(error: unknown) => void} given.fail
 * @returns {(name: Answer) => Promise<void>}
 */
export function createAnswering({ desk, answers, say, fail }) {
  let isAnswering = false

  /**
   * @param {Answer} name
   * @param {Row} row  as it was when the key was pressed, whatever comes meanwhile
   * @returns {Promise<string | null>} null where it was left
   */
  async function act(name, row) {
    const { held } = row
    const { line } = held.display
    if (held.kind === 'task') return actOnTask(name, row, held)
    const suggestion = held.suggestions[desk.chosen]
    switch (name) {
      case 'approve': return suggestion === undefined ? answers.once(row) : answers.grant(row, suggestion.rule)
      case 'once': return answers.once(row)
      case 'time': {
        if (suggestion === undefined) return null
        const extent = await askTime(line, suggestion.says)
        return extent === null ? null : answers.grant(row, suggestion.rule, extent)
      }
      case 'edit': {
        const edited = await askRule(line, suggestion?.rule ?? { host: held.host, port: held.port, scheme: held.scheme })
        return edited === null ? null : answers.grant(row, edited.rule, edited.extent)
      }
      case 'reject': {
        const why = await askReason(line, 1)
        return why === null ? null : answers.reject(row, why)
      }
      case 'approve-all': return row.members.length < 2 ? null : answers.approveAll(row)
      case 'reject-all': {
        if (row.members.length < 2) return null
        const why = await askReason(line, row.members.length)
        return why === null ? null : answers.rejectAll(row, why)
      }
    }
  }

  /**
   * A task is approved as it was asked for, or not at all.
   *
   * @param {Answer} name
   * @param {Row} row
   * @param {HeldTask} task
   * @returns {Promise<string | null>}
   */
  async function actOnTask(name, row, { display, rules }) {
    switch (name) {
      case 'approve': return answers.task(row)
      case 'time': {
        const extent = await askTime(display.line, counted(rules.length, 'rule'))
        return extent === null ? null : answers.task(row, extent)
      }
      case 'reject': {
        const why = await askReason(display.line, 1)
        return why === null ? null : answers.reject(row, why)
      }
      default: return null
    }
  }

  return async name => {
    const row = desk.current
    if (row === null || isAnswering || !desk.mayAnswer(performance.now())) return
    isAnswering = true
    try {
      const says = await act(name, row)
      if (says !== null) say(says)
    } catch (error) {
      fail(error)
    } finally {
      isAnswering = false
    }
  }
}
