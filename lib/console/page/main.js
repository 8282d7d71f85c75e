/**
 * The page: signs in, follows what happens, and puts keys and clicks into answers.
 *
 * @import { DeskEvent, Status } from '../../model/desk.ts'
 */
import { createAnswering } from './answering.js'
import { createAnswers } from './answers.js'
import { follow, get, post, Refused, signIn, signOut } from './api.js'
import { createDesk } from './desk.js'
import { isAsking, showHelp, showLink } from './dialogs.js'
import { byId } from './dom.js'
import { commandOf } from './keys.js'
import { createLog } from './log.js'
import { announce, createTabs, showAlarm, startTheme, toast } from './frame.js'
import { createQuestions } from './questions.js'
import { renderGrants, renderRules } from './tables.js'
import { counted } from './text.js'
import { createTraffic } from './traffic.js'

const RETRY_MS = 2_000
/** Panels are made anew at most so often while much happens. */
const REFRESH_MS = 1_000

const settings = {
  get name() { return localStorage.getItem('sallyport-name') ?? '' },
  set name(name) { localStorage.setItem('sallyport-name', name) },
  get hasKeys() { return localStorage.getItem('sallyport-keys') !== 'off' },
  set hasKeys(hasKeys) { localStorage.setItem('sallyport-keys', hasKeys ? 'on' : 'off') },
}

const desk = createDesk()
const answers = createAnswers(() => settings.name)
const answer = createAnswering({ desk, answers, say: toast, fail })
const questions = createQuestions({ select: id => move(() => desk.select(id, performance.now())), choose: index => move(() => desk.choose(index)), answer: name => void answer(name) })
const traffic = createTraffic()
const log = createLog()
const filter = /** @type {HTMLInputElement} */ (byId('filter'))
/** @type {Status | null} */
let status = null
let isStale = false
let isDrawn = false

const tabs = createTabs(() => void refresh())

/** Everything that changes what is shown ends here; it is drawn once a frame. */
function draw() {
  if (isDrawn) return
  isDrawn = true
  requestAnimationFrame(() => {
    isDrawn = false
    questions.render(desk.rows(), desk.current, desk.chosen, filter.value.trim() !== '')
    questions.tick(Date.now())
    const badge = byId('waiting')
    badge.hidden = desk.size === 0
    badge.textContent = String(desk.size)
    document.title = desk.size === 0 ? 'Sallyport' : `(${desk.size}) Sallyport`
  })
}

/** @param {() => void} change */
function move(change) {
  change()
  draw()
}

/** @param {number} index  of a suggestion */
function choose(index) {
  move(() => desk.choose(index))
  const held = desk.current?.held
  const says = held?.kind === 'request' ? held.suggestions[desk.chosen]?.says : undefined
  if (says !== undefined) byId('news').textContent = `${desk.chosen + 1}: ${says}`
}

/** @param {DeskEvent} event */
function told(event) {
  desk.tell(event, performance.now())
  switch (event.event) {
    case 'asked':
      announce(event.held.display.line)
      break
    case 'flows':
      traffic.add(event.records, event.skipped)
      break
    case 'decided': case 'undone': case 'policy': case 'settled':
      isStale = true
      break
  }
  if (event.event === 'flows') isStale = true
  draw()
}

/** Reads anew what the open panel shows. */
async function refresh() {
  isStale = false
  try {
    status = await get('/v1/status')
    tellState()
    switch (tabs.open) {
      case 'grants': return renderGrants((await get('/v1/grants')).grants, Date.now(), id => void undo(id))
      case 'rules': return renderRules(await get('/v1/rules'))
      case 'traffic': return traffic.render(Date.now(), status)
      case 'log': return log.follows ? await log.search() : undefined
    }
  } catch (error) {
    fail(error)
  }
}

function tellState() {
  if (status === null) return
  const { policy, audit, state } = status
  byId('state').textContent = `${state === 'running' ? '' : `${state} · `}${policy.name ?? 'policy'} · ${counted(policy.rules, 'rule')} · generation ${policy.generation}`
  byId('state').dataset['is'] = 'live'
  showAlarm(audit.problem ?? (policy.problem === null ? null : `The policy was not reloaded, the last good one stays: ${policy.problem}`))
}

/** @param {string} [id]  default: the latest */
async function undo(id) {
  try {
    const [latest] = id === undefined ? (await get('/v1/grants')).grants : [{ id }]
    toast(latest === undefined ? 'There is nothing to take back.' : await answers.undo(latest.id))
    await refresh()
  } catch (error) {
    fail(error)
  }
}

async function help() {
  const chosen = await showHelp(settings)
  if (chosen === null) return
  Object.assign(settings, { name: chosen.name, hasKeys: chosen.hasKeys })
  if (chosen.wants === 'link') await post('/sign-in/link', {}).then(({ link }) => showLink(link), fail)
  if (chosen.wants === 'sign-out') {
    await signOut()
    signedOut('You signed out. A link of another signed-in page, or of a restart, signs in again.')
  }
}

/** @param {unknown} error */
function fail(error) {
  if (error instanceof Refused && error.status === 401) return signedOut()
  toast(error instanceof Refused ? error.message : 'The firewall did not answer.', 'problem')
}

/** @param {string} [why] */
function signedOut(why) {
  byId('signed-in').hidden = true
  byId('signed-out').hidden = false
  byId('state').textContent = 'signed out'
  if (why !== undefined) byId('signed-out-why').textContent = why
}

document.addEventListener('keydown', event => {
  const { target } = event
  if (isAsking()) return
  if (event.key === 'Escape' && target === filter) {
    // What was looked for stays; the browser would empty the field.
    event.preventDefault()
    return filter.blur()
  }
  const isTyping = target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type !== 'radio' && target.type !== 'checkbox')
  const command = settings.hasKeys || event.key === '?' ? commandOf(event, isTyping) : null
  if (command === null || byId('signed-in').hidden) return
  if (command === 'help') return event.preventDefault(), void help()
  if (command === 'undo') return event.preventDefault(), void undo()
  // The other panels have tables to scroll and a search to type into.
  if (command === 'filter') tabs.show('questions')
  else if (tabs.open !== 'questions') return
  event.preventDefault()
  switch (command) {
    case 'filter': return filter.focus()
    case 'next': return move(() => desk.move(1, performance.now()))
    case 'previous': return move(() => desk.move(-1, performance.now()))
    case 'up': return choose(desk.chosen - 1)
    case 'down': return choose(desk.chosen + 1)
    case 'choose-1': case 'choose-2': case 'choose-3': case 'choose-4': case 'choose-5': return choose(Number(command.slice(-1)) - 1)
    default: return void answer(command)
  }
})
filter.addEventListener('input', () => move(() => desk.find(filter.value, performance.now())))
byId('help').addEventListener('click', () => void help())

async function run() {
  for (;;) {
    try {
      await follow(told, () => {
        desk.begin()
        get('/v1/pending').then(({ pending }) => move(() => desk.reset(pending, performance.now())), fail)
      })
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return signedOut()
    }
    byId('state').textContent = 'the firewall does not answer; trying again'
    byId('state').dataset['is'] = 'away'
    await new Promise(resolve => setTimeout(resolve, RETRY_MS))
    await refresh()
  }
}

async function start() {
  startTheme()
  const token = /^#sign-in=([\w-]+)$/.exec(location.hash)?.[1]
  // It is spent by now, or soon: nothing of it stays in the address.
  if (token !== undefined) history.replaceState(null, '', '/')
  /** @type {string | undefined} */
  let why
  try {
    const user = token === undefined ? null : await signIn(token)
    if (settings.name === '' && user !== null) settings.name = user
  } catch (error) {
    // A spent link is no matter where somebody is signed in already.
    why = error instanceof Refused ? error.message : undefined
  }
  try {
    status = await get('/v1/status')
  } catch {
    return signedOut(why)
  }
  byId('signed-in').hidden = false
  byId('list').focus({ preventScroll: true })
  tellState()
  draw()
  traffic.add((await get('/v1/flows?limit=5000')).flows.reverse())
  setInterval(() => {
    questions.tick(Date.now())
    if (isStale || tabs.open === 'traffic' || tabs.open === 'grants') void refresh()
  }, REFRESH_MS)
  await run()
}

// Another link, pasted into this very page.
addEventListener('hashchange', () => location.reload())
void start()
