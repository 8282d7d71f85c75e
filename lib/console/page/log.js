/**
 * The audit log, searched: the records that the firewall remembers, or those of its files, a part after the other; each with
 * all that it says.
 *
 * @import { AuditRecord } from '../../model/audit.ts'
 */
import { get } from './api.js'
import { byId, h, replace } from './dom.js'
import { pill } from './tables.js'
import { clock, counted, duration, visible } from './text.js'

const LIMIT = 200

export function createLog() {
  const form = /** @type {HTMLFormElement} */ (byId('search'))
  const records = byId('records')
  const further = /** @type {HTMLButtonElement} */ (byId('older'))
  /** Of the files, the newest first; null: what is remembered is shown. @type {AuditRecord[] | null} */
  let filed = null
  /** Where the files are looked through from next; null: at their end. @type {string | null} */
  let place = null
  /** Records that are opened. @type {Set<string>} */
  const opened = new Set()

  function asked() {
    const given = new FormData(form)
    const query = new URLSearchParams({ limit: String(LIMIT) })
    for (const name of ['text', 'host', 'action']) if (given.get(name)) query.set(name, String(given.get(name)))
    return query
  }

  async function search() {
    const { flows } = await get(`/v1/flows?${asked()}`)
    filed = place = null
    further.disabled = false
    further.textContent = 'Look in the files'
    show(flows, flows.length === 0 ? 'Nothing that is remembered matches.' : `${counted(flows.length, 'record')}${flows.length === LIMIT ? ', the latest' : ''}.`)
  }

  async function searchFiles() {
    const query = asked()
    if (place !== null) query.set('older', place)
    further.disabled = true
    try {
      const { flows, older } = await get(`/v1/log?${query}`)
      filed = [...filed ?? [], ...flows]
      place = older
      further.textContent = 'Further back'
      further.disabled = older === null
      show(filed, `${counted(filed.length, 'record')} of the files${older === null ? '; that is all' : ', as far as they were looked through'}.`)
    } catch (error) {
      further.disabled = false
      byId('found').textContent = String(error instanceof Error ? error.message : error)
    }
  }

  /** @param {readonly AuditRecord[]} flows @param {string} says */
  function show(flows, says) {
    byId('found').textContent = says
    replace(records, h('table', { class: 'log' },
      h('caption', { class: 'hidden' }, 'Records of the audit log, the newest first'),
      h('thead', {}, h('tr', {}, ['Time', 'Decision', 'Request', 'Rule', 'Answer', 'Took'].map(name => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, flows.flatMap(line))))
  }

  /** @param {AuditRecord} record */
  function line(record) {
    const { time, flow, event, action, method, scheme, host, port, path, rule, status, code, error, durationMs, reason, client, details } = record
    const id = `${time} ${flow ?? reason}`
    const isOpen = opened.has(id)
    const what = event === 'notice'
      ? [visible(reason, 300), details === null ? '' : h('span', { class: 'quiet-text' }, ` ${visible(Object.entries(details).filter(([, value]) => value !== null).map(([name, value]) => `${name} ${value}`).join(', '), 300)}`)]
      : [h('span', { class: 'verb' }, visible(method ?? scheme, 20)), ' ', h('b', {}, visible(host === null ? 'no host' : `${host}:${port}`, 100)), visible(path, 200)]
    const toggle = () => {
      if (!opened.delete(id)) opened.add(id)
      if (filed === null) void search()
      else show(filed, byId('found').textContent)
    }
    return [
      h('tr', { class: isOpen ? 'open' : '' },
        h('td', { data: { column: 'Time' } }, h('button', { type: 'button', class: 'link', 'aria-expanded': String(isOpen), data: { focus: id }, on: { click: toggle } }, clock(time))),
        h('td', { data: { column: 'Decision' } }, action === null ? h('span', { class: 'pill' }, event) : pill(action)),
        h('td', { class: 'request' }, what),
        h('td', { data: { column: 'Rule' } }, visible(rule, 60)),
        h('td', { data: { column: 'Answer' } }, [status, visible(code ?? error, 60)].filter(Boolean).join(' ')),
        h('td', { data: { column: 'Took' } }, event === 'closed' ? durationMs < 1000 ? `${durationMs} ms` : duration(durationMs) : '')),
      ...isOpen ? [h('tr', { class: 'all' }, h('td', { colspan: 6 }, h('dl', { class: 'facts' }, facts({ ...record, client }))))] : [],
    ]
  }

  /** @param {AuditRecord} record */
  function facts(record) {
    return Object.entries(record).filter(([, value]) => value !== null && value !== '').flatMap(([name, value]) => [
      h('dt', {}, name), h('dd', {}, visible(typeof value === 'object' ? JSON.stringify(value) : value, 2000)),
    ])
  }

  form.addEventListener('submit', event => {
    event.preventDefault()
    void search()
  })
  form.addEventListener('change', () => void search())
  further.addEventListener('click', () => void searchFiles())

  return {
    search,
    /** Whether it wants to be searched again when there is something new. */
    get follows() { return filed === null && new FormData(form).get('follow') !== null },
  }
}
