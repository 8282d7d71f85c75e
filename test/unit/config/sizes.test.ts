import t from 'tap'
import { parseSize } from '../../../lib/config/sizes.ts'

// [text, bytes, what it shows]
const cases: [string, number | null, string][] = [
  ['100M', 104_857_600, 'M is of 1024'],
  ['64K', 65_536, 'K too'],
  ['1G', 1_073_741_824, 'G too'],
  ['512', 512, 'a bare number is bytes'],
  ['0', 0, 'nothing is a size too'],
  ['', null, 'nothing is written'],
  ['M', null, 'a unit without its number'],
  ['1.5M', null, 'whole numbers only'],
  ['-1', null, 'no size is below nothing'],
  ['100MB', null, 'one letter is the unit'],
  ['100m', null, 'units are upper case'],
  ['9007199254740993', null, 'too large to count exactly'],
  ['9999999999G', null, 'too large to count'],
]
for (const [text, bytes, shows] of cases) t.equal(parseSize(text), bytes, `"${text}": ${shows}`)
