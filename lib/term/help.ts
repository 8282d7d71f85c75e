/** What `?` shows: every key. Pure. */
import { cut, EMPTY, line, span, type Line } from './lines.ts'

const KEYS: readonly (readonly [string, string] | null)[] = [
  ['a', 'approve the chosen rule, as it is shown, until the firewall stops'],
  ['o', 'approve this one request, once'],
  ['t', 'approve the chosen rule for a time; "always" writes it into the policy'],
  ['e', 'write a rule of your own, to be approved with a or t'],
  ['r', 'reject it; the agent reads your reason'],
  ['A  R', 'approve the rule of the whole group; reject the whole group'],
  ['↑ ↓  1-5', 'choose a rule'],
  ['← →  j k', 'another question (in the other lists ↑ ↓)'],
  ['u', 'take the latest approval back; in Grants the one under the cursor'],
  null,
  ['/', 'filter what is listed; in Audit search: words, host:NAME, action:deny'],
  ['Esc', 'show all again'],
  ['Tab', 'Pending, Grants, Rules, Traffic, Audit'],
  ['q', 'quit; what waits goes on waiting'],
  null,
]

const WORDS = [
  'What comes later comes below: the question under the cursor stays. A key',
  'answers it once it has been on the screen for a moment (0.3 s).',
]

export const paintHelp = (width: number): readonly Line[] => [
  ...KEYS.map(key => key === null ? EMPTY : cut([span(` ${key[0].padEnd(10)}`, 'accent'), span(key[1])], width)),
  ...WORDS.map(words => cut(line(` ${words}`, 'faint'), width)),
]
