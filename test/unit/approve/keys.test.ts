import t from 'tap'
import { createKeyReader, type Key } from '../../../lib/approve/keys.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'

t.test('only a key pressed by itself is a key', async t => {
  // [what it shows, piece, key]
  const rows: [string, string, Key | null][] = [
    ['a key', 'a', 'a'],
    ['a digit', '5', '5'],
    ['not offered', '6', null],
    ['a capital is another key', 'A', null],
    ['nothing', '', null],
    ['return', '\r', null],
    ['a paste', 'approve', null],
    ['a key held down', 'aa', null],
    ['a line, where the terminal is not raw', 'a\n', null],
    ['an arrow', '\x1b[A', null],
    ['Home has a digit in it', '\x1b[1~', null],
    ['a paste in brackets', '\x1b[200~a\x1b[201~', null],
    ['Alt and a key', '\x1ba', null],
    ['a name that all objects have', 'constructor', null],
    ['a letter beyond ASCII', '\xe1', null],
    ['Ctrl-C', '\x03', 'interrupt'],
    ['Ctrl-C in whatever company', 'aaa\x03', 'interrupt'],
  ]
  for (const [shows, piece, key] of rows) t.equal(createKeyReader(fakeClock()).read(piece), key, shows)
})

t.test('an escape sequence that arrives in pieces is no key either', async t => {
  const clock = fakeClock()
  const keys = createKeyReader(clock)
  t.equal(keys.read('\x1b'), null)
  clock.advance(49)
  t.equal(keys.read('1'), null)
  t.equal(keys.read('\x03'), 'interrupt')
  clock.advance(1)
  t.equal(keys.read('1'), '1', 'later it is a key again')
})
