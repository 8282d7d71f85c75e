/**
 * What is asked before an answer: a reason, a time, another rule; and the help. Each resolves to what was said, or to
 * null where it was left.
 */
import { byId, h, replace } from './dom.js'
import { HELP } from './keys.js'
import { visible } from './text.js'

/** @typedef {{ readonly ttlMs?: number, readonly maxUses?: number, readonly persist?: true }} Extent */

const MINUTE = 60_000
/** @type {readonly (readonly [says: string, extent: Extent])[]} */
const TIMES = [
  ['10 minutes', { ttlMs: 10 * MINUTE }],
  ['1 hour', { ttlMs: 60 * MINUTE }],
  ['8 hours', { ttlMs: 480 * MINUTE }],
  ['until the firewall stops', {}],
  ['always: into the policy file', { persist: true }],
]

/**
 * @param {string} line  of the question
 * @param {string} says  of the rule
 * @returns {Promise<Extent | null>}
 */
export async function askTime(line, says) {
  const given = await show('How long?', [
    h('p', {}, visible(says)), h('p', { class: 'hint' }, line),
    h('fieldset', { class: 'times' }, h('legend', { class: 'hidden' }, 'How long'),
      TIMES.map(([text], index) => h('label', { class: 'check' }, h('input', { type: 'radio', name: 'time', value: index, checked: index === 1, autofocus: index === 1 }), ` ${text}`))),
    h('label', {}, 'For so many requests ', h('input', { name: 'uses', type: 'number', min: 1, step: 1, placeholder: 'any number' })),
  ], 'Approve')
  if (given === null) return null
  const uses = Number(given.get('uses') ?? 0)
  return { ...TIMES[Number(given.get('time'))]?.[1], ...uses > 0 ? { maxUses: uses } : {} }
}

/**
 * @param {string} line
 * @param {number} questions  that are rejected by this
 * @returns {Promise<{ readonly reason?: string, readonly ttlMs?: number } | null>}
 */
export async function askReason(line, questions) {
  const given = await show(questions === 1 ? 'Reject' : `Reject ${questions} questions`, [
    h('p', { class: 'hint' }, line),
    h('label', {}, 'Why? The agent reads it.', h('input', { name: 'reason', maxlength: 1000, autofocus: true, autocomplete: 'off', placeholder: 'Use the mirror instead.' })),
    h('label', {}, 'For how long ', h('select', { name: 'time' }, h('option', { value: 0 }, 'this time'), h('option', { value: 10 }, '10 minutes'), h('option', { value: 60 }, '1 hour'))),
  ], 'Reject', 'danger')
  if (given === null) return null
  const reason = String(given.get('reason') ?? '').trim()
  const minutes = Number(given.get('time'))
  return { ...reason === '' ? {} : { reason }, ...minutes === 0 ? {} : { ttlMs: minutes * MINUTE } }
}

/**
 * @param {string} line
 * @param {object} rule
 * @returns {Promise<{ readonly rule: object, readonly extent: Extent } | null>}
 */
export async function askRule(line, rule) {
  let text = JSON.stringify(rule, null, 2)
  for (let problem = ''; ;) {
    const given = await show('Edit the rule', [
      h('p', { class: 'hint' }, line),
      h('label', {}, 'In the policy language. It has to cover what is asked.', h('textarea', { name: 'rule', rows: 12, spellcheck: 'false', autofocus: true }, text)),
      problem !== '' && h('p', { class: 'warning', role: 'alert' }, problem),
      h('label', {}, 'For how long ', h('select', { name: 'time' }, TIMES.map(([says], index) => h('option', { value: index, selected: index === 3 }, says)))),
    ], 'Approve')
    if (given === null) return null
    text = String(given.get('rule') ?? '')
    try {
      const value = JSON.parse(text)
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { rule: value, extent: TIMES[Number(given.get('time'))]?.[1] ?? {} }
      problem = 'A rule is an object: { "host": … }.'
    } catch (error) {
      problem = `That is not JSON: ${visible(error instanceof Error ? error.message : error, 200)}`
    }
  }
}

/**
 * @param {{ readonly name: string, readonly hasKeys: boolean }} now
 * @returns {Promise<{ readonly name: string, readonly hasKeys: boolean, readonly wants: 'link' | 'sign-out' | 'nothing' } | null>}
 */
export async function showHelp(now) {
  const given = await show('Help', [
    h('dl', { class: 'keys' }, HELP.map(([keys, says]) => [h('dt', {}, h('kbd', {}, keys)), h('dd', {}, says)])),
    h('p', { class: 'hint' }, 'No key answers a question that stood under the cursor for less than 0.3 s, and a key that is held down answers nothing.'),
    h('label', { class: 'check' }, h('input', { name: 'keys', type: 'checkbox', checked: now.hasKeys }), ' Keys work (turn them off for speech input)'),
    h('label', {}, 'You are, in the log ', h('input', { name: 'name', value: now.name, maxlength: 100, autocomplete: 'off' })),
    h('p', { class: 'row' },
      h('button', { type: 'submit', value: 'link', class: 'quiet' }, 'A link for another browser'),
      h('button', { type: 'submit', value: 'sign-out', class: 'quiet' }, 'Sign out')),
  ], 'Close')
  if (given === null) return null
  const wants = given.get('')
  return { name: String(given.get('name') ?? '').trim(), hasKeys: given.get('keys') !== null, wants: wants === 'link' || wants === 'sign-out' ? wants : 'nothing' }
}

/** @param {string} link */
export async function showLink(link) {
  await show('It signs in whoever opens it first', [h('p', {}, h('code', { class: 'json' }, link))], 'Close')
}

/** Whether a dialog is open: then keys are its own. */
export const isAsking = () => /** @type {HTMLDialogElement} */ (byId('dialog')).open

/**
 * @param {string} title
 * @param {readonly (Node | false)[]} body
 * @param {string} yes
 * @param {string} [kind]
 * @returns {Promise<FormData | null>} the button that was pressed is the member without a name
 */
function show(title, body, yes, kind = 'primary') {
  const dialog = /** @type {HTMLDialogElement} */ (byId('dialog'))
  const form = h('form', { method: 'dialog' },
    h('h2', { id: 'dialog-title' }, title), body,
    h('p', { class: 'row end' }, h('button', { type: 'button', class: 'quiet', on: { click: () => dialog.close('left') } }, 'Cancel'), h('button', { type: 'submit', value: 'yes', class: kind }, yes)))
  // Enter takes the first submit button there is, which may not be the one at the end.
  form.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || !(event.target instanceof HTMLInputElement)) return
    event.preventDefault()
    dialog.close('yes')
  })
  replace(dialog, form)
  dialog.returnValue = 'left'
  dialog.showModal()
  return new Promise(resolve => dialog.addEventListener('close', () => {
    const given = new FormData(form)
    given.set('', dialog.returnValue)
    resolve(dialog.returnValue === 'left' || dialog.returnValue === '' ? null : given)
  }, { once: true }))
}
