/**
 * What a key means. Pure.
 */

/**
 * @typedef {'approve' | 'once' | 'time' | 'edit' | 'reject' | 'approve-all' | 'reject-all' | 'undo' | 'filter' | 'help'
 *   | 'up' | 'down' | 'next' | 'previous' | 'choose-1' | 'choose-2' | 'choose-3' | 'choose-4' | 'choose-5'} Command
 */

/** As the help shows them. @type {readonly (readonly [keys: string, says: string])[]} */
export const HELP = [
  ['a', 'approve as shown: the rule that is chosen, until the firewall stops'],
  ['↑ ↓ or 1–5', 'choose another rule'],
  ['o', 'approve this request once, and no rule'],
  ['t', 'approve the rule for a time, for some uses, or for good'],
  ['e', 'edit the rule, then approve it'],
  ['r', 'reject, with a reason that the agent reads'],
  ['A  R', 'approve or reject the whole group'],
  ['j  k', 'the next question, the one before'],
  ['u', 'undo: take the latest grant back'],
  ['/', 'filter'],
  ['?', 'this help'],
]

/** @type {Readonly<Record<string, Command>>} */
const KEYS = {
  a: 'approve', o: 'once', t: 'time', e: 'edit', r: 'reject', A: 'approve-all', R: 'reject-all',
  u: 'undo', '/': 'filter', '?': 'help', j: 'next', k: 'previous', ArrowUp: 'up', ArrowDown: 'down',
  1: 'choose-1', 2: 'choose-2', 3: 'choose-3', 4: 'choose-4', 5: 'choose-5',
}

/** What may be repeated by holding the key. @type {readonly Command[]} */
const REPEATED = ['next', 'previous', 'up', 'down']

/**
 * @param {{ readonly key: string, readonly repeat: boolean, readonly ctrlKey: boolean, readonly metaKey: boolean, readonly altKey: boolean }} event
 * @param {boolean} isTyping  the focus is where keys are text
 * @returns {Command | null}
 */
export function commandOf({ key, repeat, ctrlKey, metaKey, altKey }, isTyping) {
  if (isTyping || ctrlKey || metaKey || altKey || !Object.hasOwn(KEYS, key)) return null
  const command = KEYS[key] ?? null
  return command !== null && repeat && !REPEATED.includes(command) ? null : command
}
