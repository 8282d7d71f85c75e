import t from 'tap'
import { parseDuration } from '../../../lib/config/durations.ts'

// [text, milliseconds, what it shows]
const cases: [string, number | null, string][] = [
  ['240s', 240_000, 'seconds'],
  ['500ms', 500, 'milliseconds'],
  ['10m', 600_000, 'minutes, not milliseconds'],
  ['1h', 3_600_000, 'hours'],
  ['2d', 172_800_000, 'days'],
  ['0s', 0, 'nothing is a length too'],
  ['240', null, 'a bare number could be seconds or milliseconds'],
  ['', null, 'nothing is written'],
  ['1.5h', null, 'whole numbers only'],
  ['-1s', null, 'no time runs backwards'],
  ['1 h', null, 'no space'],
  ['1H', null, 'units are lower case'],
  ['1s\n', null, 'a line end is no part of it'],
  ['999999999999999d', null, 'too long to count'],
]
for (const [text, ms, shows] of cases) t.equal(parseDuration(text), ms, `"${text}": ${shows}`)
