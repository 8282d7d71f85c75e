import t from 'tap'
import { below, error, formatProblem, fromGrammar, listed, shown, warning } from '../../../lib/config/problems.ts'

t.test('a problem reads as file, pointer, what is wrong and what to write', async t => {
  t.equal(formatProblem(error('/rules/3/host', '"*.com" is too wide.', 'Name the domain.'), 'policy.json'), 'policy.json#/rules/3/host: "*.com" is too wide. Name the domain.')
  t.equal(formatProblem(warning('', 'It is empty.', 'Add rules.'), 'policy.json'), 'policy.json: It is empty. Add rules.', 'the whole document needs no pointer')
  t.match(formatProblem({ ...error('', 'A.', 'B.'), file: 'other.json' }, 'policy.json'), /^other\.json: /, 'a problem may name a file of its own')
})

t.test('nothing in a problem can move the cursor', async t => {
  t.equal(formatProblem(error('/a\u001b[2J', 'A.', 'B.'), 'x\n.json'), 'x\\u{a}.json#/a\\u{1b}[2J: A. B.')
  t.equal(shown('\u202efdp'), '"\\u{202e}fdp"')
  t.ok(shown('x'.repeat(10_000)).length <= 80, 'a long value is cut')
})

t.test('a pointer escapes what would be read as a step', async t => {
  t.equal(below('/query', 'a/b~c'), '/query/a~1b~0c')
  t.equal(below('', 0), '/0')
})

t.test('a value that is no text is named', async t => {
  t.strictSame([null, 5, true, ['a'], [], {}, undefined].map(shown), ['null', '5', 'true', 'a list', 'an empty list', 'an object', 'nothing'])
})

t.test('a sentence of the grammar falls into what is wrong and what to write', async t => {
  t.match(fromGrammar('/host', '"a: b" is no host: write "anyHost": true', 'error'), { pointer: '/host', severity: 'error', problem: '"a: b" is no host.', fix: 'Write "anyHost": true.' }, 'a colon in quotes divides nothing')
  t.match(fromGrammar('/host', 'too long', 'warning'), { problem: 'too long.', severity: 'warning' })
})

t.test('words are listed as a sentence has them', async t => {
  t.strictSame([[], ['a'], ['a', 'b'], ['a', 1, true]].map(listed), ['', '"a"', '"a" or "b"', '"a", 1 or true'])
})
