/**
 * The open questions, and the one under the cursor with all that is known of it.
 *
 * @import { Held, HeldTask } from '../../model/hold.ts'
 * @import { Row } from './desk.js'
 */
import { byId, h, replace } from './dom.js'
import { clock, counted, countdown, duration, size, visible } from './text.js'

/** @typedef {'approve' | 'once' | 'time' | 'edit' | 'reject' | 'approve-all' | 'reject-all'} Answer */

/**
 * @param {object} given
 * @param {(id: string) => void} given.select
 * @param {(index: number) => void} given.choose
 * @param {(answer: Answer) => void} given.answer
 */
export function createQuestions({ select, choose, answer }) {
  const list = byId('list')
  const detail = byId('detail')
  /** @type {Map<string, HTMLElement>} */
  const items = new Map()
  /** What the detail shows, so that it is only made anew when something is new. */
  let shown = ''

  /**
   * @param {readonly Row[]} rows
   * @param {Row | null} current
   * @param {number} chosen
   * @param {boolean} isFiltered
   */
  function render(rows, current, chosen, isFiltered) {
    const before = current === null ? undefined : items.get(current.id)
    const place = before === undefined ? null : before.offsetTop - list.scrollTop
    const kept = new Set(rows.map(({ id }) => id))
    for (const [id, item] of items) {
      if (kept.has(id)) continue
      item.remove()
      items.delete(id)
    }
    rows.forEach((row, index) => {
      const item = items.get(row.id) ?? makeItem(row.id)
      fillItem(item, row, row.id === current?.id)
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null)
    })
    if (current === null) list.removeAttribute('aria-activedescendant')
    else list.setAttribute('aria-activedescendant', `q-${current.id}`)
    // Whatever came or went above it, the row under the cursor stays where it was on the screen.
    const after = current === null ? undefined : items.get(current.id)
    if (after !== undefined && place !== null) list.scrollTop = after.offsetTop - place
    else after?.scrollIntoView({ block: 'nearest' })
    renderDetail(current, chosen, isFiltered)
  }

  /** @param {string} id */
  function makeItem(id) {
    const item = h('li', { id: `q-${id}`, role: 'option', class: 'question', on: { click: () => select(id) } })
    items.set(id, item)
    return item
  }

  /**
   * @param {HTMLElement} item
   * @param {Row} row
   * @param {boolean} isCurrent
   */
  function fillItem(item, { held, members, waiting }, isCurrent) {
    item.setAttribute('aria-selected', String(isCurrent))
    const key = `${held.shown} ${members.length} ${waiting}`
    if (item.dataset['key'] === key) return
    item.dataset['key'] = key
    replace(item,
      h('span', { class: 'verb' }, held.kind === 'task' ? 'TASK' : held.display.method),
      h('span', { class: 'place' }, h('b', {}, held.kind === 'task' ? held.display.client : held.display.host), h('span', { class: 'path' }, held.kind === 'task' ? held.display.reason : held.display.path)),
      h('span', { class: 'counts' },
        members.length > 1 && h('span', { class: 'badge', title: 'questions that one answer would settle' }, `${members.length}×`),
        held.risks.length > 0 && h('span', { class: 'risk', title: held.risks.map(({ says }) => says).join('; ') }, '▲', h('span', { class: 'hidden' }, counted(held.risks.length, 'risk'))),
        waiting > 0 && h('span', {}, `${waiting} waiting`)))
  }

  /**
   * @param {Row | null} row
   * @param {number} chosen
   * @param {boolean} isFiltered
   */
  function renderDetail(row, chosen, isFiltered) {
    const key = row === null ? `nothing ${isFiltered}` : JSON.stringify([row.held, row.members.length, row.waiting, row.suggestion, chosen])
    if (key === shown) return
    const isOther = detail.dataset['id'] !== (row?.id ?? '')
    shown = key
    detail.dataset['id'] = row?.id ?? ''
    if (row === null) return replace(detail, h('div', { class: 'empty' }, h('h2', {}, isFiltered ? 'No question matches' : 'Nothing waits'), h('p', {}, isFiltered ? 'Empty the filter to see the others.' : 'What no rule knows appears here, its connection open, until you decide.')))
    replace(detail, ...row.held.kind === 'task' ? describeTask(row, row.held) : describe(row, row.held, chosen))
    if (isOther) detail.scrollTop = 0
  }

  /**
   * @param {Row} row
   * @param {HeldTask} task
   */
  function describeTask({ waiting }, { display, rules, risks, firstSeen, deadline }) {
    return [
      h('header', { class: 'asked' },
        h('p', { class: 'who' }, display.client, ' asks for a whole task'),
        h('h2', {}, `“${display.reason}”`),
        h('p', { class: 'when' }, waiting > 0 && h('span', {}, `${waiting} waiting`), h('span', { data: { since: firstSeen } }, ''), h('span', {}, `open until ${clock(deadline)}`))),
      warnings(risks),
      h('h3', {}, `${counted(rules.length, 'rule')} that it asks for`),
      h('ol', { class: 'asked-rules' }, rules.map(({ says, rule, answers }) => h('li', {},
        h('span', {}, visible(says)),
        answers.length > 0 && h('span', { class: 'warning' }, `▲ also answers the hold ${answers.length === 1 ? 'rule' : 'rules'} ${visible(answers.join(', '), 200)}`),
        h('code', { class: 'json' }, visible(JSON.stringify(rule), 1200))))),
      h('div', { class: 'answers', role: 'group', 'aria-label': 'Answer' },
        action('approve', `Approve ${rules.length === 1 ? 'it' : 'all'}`, 'a', 'primary'), action('time', 'For a time…', 't'), action('reject', 'Reject…', 'r', 'danger')),
    ]
  }

  /**
   * @param {Row} row
   * @param {Held} held
   * @param {number} chosen
   */
  function describe(row, held, chosen) {
    const { members } = row
    const { display } = held
    return [
      h('header', { class: 'asked' },
        h('p', { class: 'who' }, display.client, display.userAgent === '' ? null : h('span', { class: 'quiet-text' }, ` ${display.userAgent}`), ' asks'),
        h('h2', {}, h('span', { class: 'verb' }, display.method), ' ', h('span', { class: 'url' }, `${held.scheme}://`, h('b', {}, display.host), display.path)),
        display.unicode === null ? null : h('p', { class: 'warning' }, `The name reads “${display.unicode}”.`),
        h('p', { class: 'when' },
          h('span', {}, counted(row.waiting, 'request waits', 'requests wait')),
          h('span', { data: { since: held.firstSeen } }, ''),
          held.deadline === null ? h('span', {}, 'its client gave up; the answer waits for it') : h('span', { data: { until: held.deadline } }, ''))),
      warnings(held.risks),
      h('dl', { class: 'facts' },
        fact('Asked by', held.answers === null ? 'no rule: nothing in the policy matches' : `the rule “${visible(held.answers, 80)}”${held.note === null ? '' : ` — ${visible(held.note)}`}`),
        display.asker === '' ? [] : fact('Process', `${display.asker}, as it says`),
        held.nearest === null ? [] : fact('Nearest rule', `“${visible(held.nearest.rule, 80)}”: ${visible(held.nearest.why)}`),
        held.contentLength === 0 && held.contentType === null ? [] : fact('Body', `${size(held.contentLength)}${held.contentType === null ? '' : `, ${visible(held.contentType, 80)}`}`),
        display.body === '' ? [] : fact('It begins', `“${display.body}”`)),
      suggestions(held, chosen),
      h('div', { class: 'answers', role: 'group', 'aria-label': 'Answer' },
        held.suggestions.length > 0 && action('approve', 'Approve', 'a', 'primary'),
        action('once', 'Once', 'o', held.suggestions.length > 0 ? '' : 'primary'),
        held.suggestions.length > 0 && action('time', 'For a time…', 't'),
        action('edit', 'Edit…', 'e'),
        action('reject', 'Reject…', 'r', 'danger')),
      members.length > 1 && group(row),
      h('details', { class: 'more' }, h('summary', {}, 'All that is known'),
        h('dl', { class: 'facts' },
          fact('Question', `${held.id}, first seen ${clock(held.firstSeen)}`),
          fact('Policy', `${visible(held.policy.name ?? 'without a name', 80)}, generation ${held.policy.generation}`),
          held.headers.length === 0 ? [] : fact('Fields', held.headers.map(({ name, bytes }) => `${visible(name, 60)} (${bytes})`).join(', ')),
          held.target === null ? [] : fact('Target', visible(held.target, 2000)))),
    ]
  }

  /**
   * @param {Held} held
   * @param {number} chosen
   */
  function suggestions(held, chosen) {
    if (held.suggestions.length === 0) return h('p', { class: 'hint' }, 'No rule that an approval may grant covers this; it can be approved once.')
    return h('fieldset', { class: 'rules' },
      h('legend', {}, 'Approve as'),
      held.suggestions.map(({ says, rule, also }, index) => h('label', { class: index === chosen ? 'rule chosen' : 'rule' },
        h('input', { type: 'radio', name: 'rule', value: index, checked: index === chosen, data: { focus: `rule-${index}` }, 'aria-keyshortcuts': index + 1, on: { change: () => choose(index) } }),
        h('kbd', { 'aria-hidden': 'true' }, index + 1),
        h('span', { class: 'says' }, visible(says)),
        also !== undefined && h('span', { class: also.denied > 0 ? 'also warning' : 'also' }, visible(also.says)),
        index === chosen && h('code', { class: 'json' }, visible(JSON.stringify(rule), 1200)))))
  }

  /** @param {Row} row */
  function group({ members, suggestion, waiting }) {
    return h('section', { class: 'group', 'aria-label': 'Its group' },
      h('h3', {}, `${members.length} questions that one answer would settle`),
      h('p', {}, suggestion === null ? `Each is approved once, or all are rejected; ${counted(waiting, 'request waits', 'requests wait')}.` : visible(suggestion.says)),
      suggestion !== null && h('code', { class: 'json' }, visible(JSON.stringify(suggestion.rule), 1200)),
      h('details', {}, h('summary', {}, 'Which they are'), h('ul', { class: 'members' }, members.slice(0, 100).map(({ display }) => h('li', {}, display.line)), members.length > 100 && h('li', {}, `and ${members.length - 100} more`))),
      h('div', { class: 'answers', role: 'group', 'aria-label': 'Answer all of them' },
        action('approve-all', `Approve all ${members.length}`, 'A'),
        action('reject-all', 'Reject all…', 'R', 'danger')))
  }

  /**
   * @param {Answer} name
   * @param {string} says
   * @param {string} key
   * @param {string} [kind]
   */
  function action(name, says, key, kind = '') {
    return h('button', { type: 'button', class: kind, data: { focus: name }, 'aria-keyshortcuts': key === key.toLowerCase() ? key : `Shift+${key.toLowerCase()}`, on: { click: () => answer(name) } }, says, ' ', h('kbd', { 'aria-hidden': 'true' }, key))
  }

  return {
    render,
    /** The times that pass. @param {number} now  milliseconds since 1970 */
    tick(now) {
      for (const element of detail.querySelectorAll('[data-since]')) element.textContent = `for ${duration(now - Date.parse(/** @type {HTMLElement} */ (element).dataset['since'] ?? ''))}`
      for (const element of detail.querySelectorAll('[data-until]')) {
        const left = Date.parse(/** @type {HTMLElement} */ (element).dataset['until'] ?? '') - now
        element.textContent = left > 0 ? `its client gives up in ${countdown(left)}` : 'its client gave up; the answer waits for it'
        element.classList.toggle('soon', left < 30_000)
      }
    },
  }
}

/** @param {Held['risks']} risks */
function warnings(risks) {
  return risks.length > 0 && h('ul', { class: 'notes', 'aria-label': 'Beware' }, risks.map(({ says }) => h('li', { class: 'warning' }, `▲ ${visible(says)}`)))
}

/**
 * @param {string} name
 * @param {string} value
 */
function fact(name, value) {
  return [h('dt', {}, name), h('dd', {}, value)]
}
