/**
 * Traffic as it comes: over time, by host, by decision.
 *
 * @import { AuditRecord } from '../../model/audit.ts'
 * @import { Status } from '../../model/desk.ts'
 */
import { byId, h, replace } from './dom.js'
import { decisionPlot, hostPlot, timePlot } from './plots.js'
import { byDecision, byHost, createHistory, overTime } from './series.js'
import { counted } from './text.js'

const MINUTE = 60_000
/** As many as the firewall remembers. */
const MAX_FLOWS = 5_000
const MAX_HOSTS = 10
const BINS = 60
/** @type {readonly (readonly [says: string, ms: number])[]} */
const SPANS = [['15 minutes', 15 * MINUTE], ['1 hour', 60 * MINUTE], ['6 hours', 360 * MINUTE]]

export function createTraffic() {
  const history = createHistory(MAX_FLOWS)
  let span = SPANS[0]?.[1] ?? MINUTE
  /** Records that came too fast to be told. */
  let skipped = 0

  /**
   * @param {number} now
   * @param {Status | null} status
   */
  function render(now, status) {
    const to = Math.ceil(now / (span / BINS)) * (span / BINS)
    const records = history.records.filter(({ time }) => Date.parse(time) >= to - span)
    const counts = status?.counts
    replace(byId('traffic'),
      h('div', { class: 'head' },
        h('p', { class: 'hint' }, `${counted(records.length, 'flow')} in this time.`, skipped > 0 && ` ${skipped} more came too fast to be shown here; the log has them.`),
        h('label', {}, 'The last ', h('select', { data: { focus: 'span' }, on: { change: (/** @type {Event} */ event) => { span = Number(/** @type {HTMLSelectElement} */ (event.target).value); render(Date.now(), status) } } },
          SPANS.map(([says, ms]) => h('option', { value: ms, selected: ms === span }, says))))),
      counts === undefined ? null : h('dl', { class: 'tiles', 'aria-label': 'Since the start' },
        tile('Flows', counts.flows), tile('Allowed', counts.allowed), tile('Asked about', counts.held), tile('Denied', counts.denied), tile('Refused', counts.refused), tile('Wait now', counts.waiting)),
      timePlot(overTime(records, { from: to - span, to, bins: BINS }), span / BINS, Math.max(280, byId('traffic').clientWidth - 72)),
      h('div', { class: 'halves' }, hostPlot(byHost(records, MAX_HOSTS)), decisionPlot(byDecision(records))))
  }

  return {
    render,
    /**
     * @param {readonly AuditRecord[]} records  the oldest first
     * @param {number} [more]
     */
    add(records, more = 0) {
      history.add(records)
      skipped += more
    },
  }
}

/**
 * @param {string} name
 * @param {number} value
 */
function tile(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value.toLocaleString()))
}
