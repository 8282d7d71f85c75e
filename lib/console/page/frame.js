/**
 * What stands around the panels: tabs, theme, and the ways in which the page says that something happened.
 */
import { byId, h } from './dom.js'
import { counted, visible } from './text.js'

const TOAST_MS = 6_000
/** Several arrivals in this time are read out as one. */
const ANNOUNCE_MS = 1_500

/** @param {() => void} changed */
export function createTabs(changed) {
  const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[role="tab"]')])
  let open = 'questions'

  /** @param {string} name */
  function show(name) {
    open = name
    for (const tab of tabs) {
      const isOpen = tab.id === `tab-${name}`
      tab.setAttribute('aria-selected', String(isOpen))
      tab.tabIndex = isOpen ? 0 : -1
      byId(tab.getAttribute('aria-controls') ?? '').hidden = !isOpen
    }
    changed()
  }

  tabs.forEach((tab, index) => {
    tab.addEventListener('click', () => show(tab.id.slice('tab-'.length)))
    tab.addEventListener('keydown', event => {
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: tabs.length - 1 }[event.key]
      if (to === undefined) return
      event.preventDefault()
      const next = tabs[(to + tabs.length) % tabs.length]
      next?.focus()
      next?.click()
    })
  })
  return { show, get open() { return open } }
}

const THEMES = ['auto', 'light', 'dark']

/** As the system has it, unless somebody said otherwise. */
export function startTheme() {
  const button = byId('theme')
  const set = (/** @type {string} */ theme) => {
    localStorage.setItem('sallyport-theme', theme)
    if (theme === 'auto') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme
    button.textContent = { auto: '◐ Auto', light: '○ Light', dark: '● Dark' }[theme] ?? ''
    button.setAttribute('aria-label', `Theme: ${theme}`)
  }
  const saved = localStorage.getItem('sallyport-theme') ?? 'auto'
  set(THEMES.includes(saved) ? saved : 'auto')
  button.addEventListener('click', () => set(THEMES[(THEMES.indexOf(localStorage.getItem('sallyport-theme') ?? 'auto') + 1) % THEMES.length] ?? 'auto'))
}

/**
 * @param {string} says
 * @param {'done' | 'problem'} [kind]
 */
export function toast(says, kind = 'done') {
  const note = h('p', { class: `toast ${kind}` }, visible(says, 600))
  byId('toasts').append(note)
  while (byId('toasts').children.length > 3) byId('toasts').firstChild?.remove()
  setTimeout(() => note.remove(), TOAST_MS)
}

/** @type {string[]} */
let arrived = []

/** For who listens instead of looking. @param {string} line  of a new question */
export function announce(line) {
  arrived.push(line)
  if (arrived.length > 1) return
  setTimeout(() => {
    byId('news').textContent = arrived.length === 1 ? `New question: ${arrived[0]}` : `${counted(arrived.length, 'new question')}`
    arrived = []
  }, ANNOUNCE_MS)
}

/** @param {string | null} says  null: all is well */
export function showAlarm(says) {
  const alarm = byId('alarm')
  alarm.hidden = says === null
  if (alarm.textContent !== (says ?? '')) alarm.textContent = says
}
