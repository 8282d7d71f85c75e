/**
 * Counts as drawings: bars over time and bars by host, each with its table beside it for whoever does not see them.
 *
 * @import { Counts } from './series.js'
 */
import { h, svg } from './dom.js'
import { DECISIONS, SAYS, total } from './series.js'
import { table } from './tables.js'
import { visible } from './text.js'

const HEIGHT = 200
const LEFT = 34
const BOTTOM = 20

/**
 * @param {readonly { readonly at: number, readonly counts: Counts }[]} series
 * @param {number} span  of a bar, in milliseconds
 * @param {number} width  of the drawing, in pixels: what it says is then as large as the rest of the page
 */
export function timePlot(series, span, width) {
  const top = niceCeiling(Math.max(1, ...series.map(({ counts }) => total(counts))))
  const step = (width - LEFT) / series.length
  const y = (/** @type {number} */ count) => (HEIGHT - BOTTOM) * (1 - count / top) + 4
  const drawing = svg('svg', { viewBox: `0 0 ${width} ${HEIGHT + 8}`, class: 'plot', role: 'img', 'aria-label': summary(series) },
    [0, 0.5, 1].map(part => [
      svg('line', { class: 'grid', x1: LEFT, x2: width, y1: y(top * part), y2: y(top * part) }),
      svg('text', { x: LEFT - 6, y: y(top * part) + 4, 'text-anchor': 'end' }, Number.isInteger(top * part) ? top * part : ''),
    ]).flat(),
    series.map(({ at, counts }, index) => {
      let below = 0
      return svg('g', {}, svg('title', {}, `${timeOf(at)}: ${inWords(counts)}`),
        svg('rect', { class: 'reach', x: LEFT + index * step, y: 4, width: step, height: HEIGHT - BOTTOM }),
        DECISIONS.filter(decision => counts[decision] > 0).map(decision => {
          below += counts[decision]
          return svg('rect', { class: `bar ${decision}`, x: LEFT + index * step + 1, y: y(below), width: Math.max(1, step - 2), height: Math.max(1, y(below - counts[decision]) - y(below)), rx: 1 })
        }))
    }),
    [0, 0.25, 0.5, 0.75].map(part => {
      const bin = series[Math.floor(series.length * part)]
      return svg('text', { x: LEFT + step * Math.floor(series.length * part), y: HEIGHT + 4 }, bin === undefined ? '' : timeOf(bin.at))
    }))
  const rows = series.filter(({ counts }) => total(counts) > 0).map(({ at, counts }) => [timeOf(at), ...DECISIONS.map(decision => counts[decision])])
  return h('figure', {}, h('figcaption', {}, `Requests, each bar ${span < 60_000 ? `${span / 1000} s` : `${span / 60_000} min`}`), drawing,
    h('details', {}, h('summary', {}, 'As a table'), table('Requests over time', ['From', ...DECISIONS.map(decision => SAYS[decision])], rows)))
}

/** @param {readonly { readonly host: string | null, readonly counts: Counts }[]} hosts */
export function hostPlot(hosts) {
  const most = Math.max(1, ...hosts.map(({ counts }) => total(counts)))
  const name = (/** @type {string | null} */ host) => host === null ? 'all others' : visible(host, 60)
  return h('figure', {}, h('figcaption', {}, 'By host'),
    h('div', { class: 'bars', 'aria-hidden': 'true' }, hosts.map(({ host, counts }) => [
      h('span', { class: 'label' }, name(host)),
      svg('svg', { viewBox: '0 0 100 8', preserveAspectRatio: 'none', class: 'bar-row' }, svg('title', {}, inWords(counts)), stack(counts, most)),
      h('span', { class: 'count' }, total(counts)),
    ]).flat()),
    h('details', {}, h('summary', {}, 'As a table'), table('Requests by host', ['Host', ...DECISIONS.map(decision => SAYS[decision])], hosts.map(({ host, counts }) => [name(host), ...DECISIONS.map(decision => counts[decision])]))))
}

/** What each colour says, with how many there were: nothing is told by colour alone. @param {Counts} counts */
export function decisionPlot(counts) {
  const all = Math.max(1, total(counts))
  return h('figure', {}, h('figcaption', {}, 'By decision'),
    svg('svg', { viewBox: '0 0 100 8', preserveAspectRatio: 'none', class: 'bar-row tall', role: 'img', 'aria-label': inWords(counts) }, stack(counts, all)),
    h('dl', { class: 'legend' }, DECISIONS.map(decision => [
      h('dt', {}, h('span', { class: `swatch ${decision}`, 'aria-hidden': 'true' }), SAYS[decision]),
      h('dd', {}, counts[decision], h('span', { class: 'quiet-text' }, ` ${Math.round(counts[decision] / all * 100)} %`)),
    ]).flat()))
}

/**
 * @param {Counts} counts
 * @param {number} most
 */
function stack(counts, most) {
  let x = 0
  return DECISIONS.map(decision => {
    const width = counts[decision] / most * 100
    x += width
    return svg('rect', { class: `bar ${decision}`, x: x - width, y: 0, width, height: 8 })
  })
}

/** @param {Counts} counts */
function inWords(counts) {
  const parts = DECISIONS.filter(decision => counts[decision] > 0).map(decision => `${counts[decision]} ${SAYS[decision]}`)
  return parts.length === 0 ? 'nothing' : parts.join(', ')
}

/** @param {readonly { readonly at: number, readonly counts: Counts }[]} series */
function summary(series) {
  const sums = series.map(({ counts }) => total(counts))
  const peak = series[sums.indexOf(Math.max(...sums))]
  return `Requests over time: ${sums.reduce((sum, each) => sum + each, 0)} in all, the most ${peak === undefined ? 0 : total(peak.counts)} at ${peak === undefined ? '' : timeOf(peak.at)}. The table below has the numbers.`
}

/** @param {number} at */
function timeOf(at) {
  return new Date(at).toLocaleTimeString(undefined, { hour12: false, hour: '2-digit', minute: '2-digit' })
}

/** A number that two steps divide well. @param {number} count */
function niceCeiling(count) {
  const power = 10 ** Math.floor(Math.log10(count))
  return [2, 4, 6, 10].map(step => step * power).find(step => step >= count) ?? count
}
