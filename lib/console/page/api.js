/**
 * The console's own server: requests that carry the page's half of the session, and the stream of events.
 *
 * @import { DeskEvent } from '../../model/desk.ts'
 */

const KEY = 'sallyport-key'

/** What the server said of a request that it did not do. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {readonly string[]} problems
   */
  constructor(status, problems) {
    super(problems.join(' '))
    this.status = status
  }
}

/** @param {string} token  of a link, spent by this */
export async function signIn(token) {
  const { key, user } = await post('/sign-in', { token })
  localStorage.setItem(KEY, key)
  return /** @type {string | null} */ (user)
}

export async function signOut() {
  await post('/sign-out', {}).catch(() => {})
  localStorage.removeItem(KEY)
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function get(path) {
  return read(await fetch(path, { headers: keyField(), cache: 'no-store' }))
}

/**
 * @param {string} path
 * @param {object} body
 * @returns {Promise<any>}
 */
export async function post(path, body) {
  return read(await fetch(path, { method: 'POST', headers: { ...keyField(), 'content-type': 'application/json' }, body: JSON.stringify(body) }))
}

/**
 * Tells what happens until the stream breaks. Not an EventSource: that cannot carry the key.
 *
 * @param {(event: DeskEvent) => void} told
 * @param {() => void} opened
 */
export async function follow(told, opened) {
  const response = await fetch('/v1/events?flows=1', { headers: keyField(), cache: 'no-store' })
  if (!response.ok || response.body === null) return void await read(response)
  opened()
  let rest = ''
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const events = (rest + value).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      const data = event.split('\n').find(line => line.startsWith('data: '))
      if (data !== undefined) told(JSON.parse(data.slice('data: '.length)))
    }
  }
}

/** @returns {Record<string, string>} */
function keyField() {
  const key = localStorage.getItem(KEY)
  return key === null ? {} : { [KEY]: key }
}

/**
 * @param {Response} response
 * @returns {Promise<any>}
 */
async function read(response) {
  const value = await response.json().catch(() => null)
  if (response.ok && value !== null) return value
  const { message = 'The firewall gave no answer that can be read.', problems = [] } = value?.error ?? {}
  throw new Refused(response.status, problems.length > 0 ? problems : [message])
}
